import { expect, test } from 'vitest';
import { csvLine } from './csv';

test.each<[string[], string]>([
    [['a', 'b'], 'a,b'],
    [['a,b', 'say "x"', 'two\nlines'], '"a,b","say ""x""","two\nlines"'],
    [['-1.5', '+3', '-Inf'], "-1.5,+3,'-Inf"],
    [['=HYPERLINK("x")', '@sum', '\tx', '-cmd'], `"'=HYPERLINK(""x"")",'@sum,'\tx,'-cmd`],
    [[''], ''],
])('%j is %s', (cells, want) => expect(csvLine(cells)).toBe(want));

test.each<[string[], string]>([
    [[], ''],
    [['1e5', '0x10', ' '], '1e5,0x10, '],
    [['+', '-', '='], "'+,'-,'="],
    [['a\rb'], '"a\rb"'],
    [['é', '日本'], 'é,日本'],
    [['', ''], ','],
    [['"'], '""""'],
    [['-5 apples'], "'-5 apples"],
])('%j is %j, too', (cells, want) => expect(csvLine(cells)).toBe(want));
