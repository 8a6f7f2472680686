import { expect, test } from 'vitest';
import { csvLine } from './csv';

test.each<[string[], string]>([
    [['a', 'b'], 'a,b'],
    [['a,b', 'say "x"', 'two\nlines'], '"a,b","say ""x""","two\nlines"'],
    [['-1.5', '+3', '-Inf'], "-1.5,+3,'-Inf"],
    [['=HYPERLINK("x")', '@sum', '\tx', '-cmd'], `"'=HYPERLINK(""x"")",'@sum,'\tx,'-cmd`],
    [[''], ''],
])('%j is %s', (cells, want) => expect(csvLine(cells)).toBe(want));
