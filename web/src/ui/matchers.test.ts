import { describe, expect, it } from 'vitest';
import { formatMatcher, parseMatcher, readSearch, splitMatchers } from './matchers';

describe('parseMatcher', () => {
    it.each([
        ['a="b"', 'a="b"'], ['a=b', 'a="b"'], [' a != "b" ', 'a!="b"'], ['a=~"x|y"', 'a=~"x|y"'], ['a!~"z.*"', 'a!~"z.*"'], ['a=""', 'a=""'], ['a=', 'a=""'],
        ['a="q\\"u\\\\o\\nte"', 'a="q\\"u\\\\o\\nte"'], ['"a b"="c"', '"a b"="c"'], ['a="<img>"', 'a="<img>"'], ['a="x,y"', 'a="x,y"'],
    ])('%s', (text, want) => expect(formatMatcher(parseMatcher(text)!)).toBe(want));

    it.each(['', 'a', '="b"', 'a="b', 'a=b"', 'a{}="b"', '{a="b"}', 'a="b\\"'])('refuses %s', (text) => expect(parseMatcher(text)).toBeNull());
});

describe('splitMatchers', () => {
    it('cuts outside quotes', () => {
        expect(splitMatchers('{a="b,c",d=~"e\\",f"}')).toEqual(['a="b,c"', 'd=~"e\\",f"']);
        expect(splitMatchers('a=b, c=d')).toEqual(['a=b', 'c=d']);
        expect(splitMatchers('')).toEqual([]);
        expect(splitMatchers('{}')).toEqual([]);
    });
});

describe('readSearch', () => {
    it.each([
        ['slow disk', 'slow disk', []], ['Job=node', 'job=node', []], ['team="db" slow', 'slow', ['team="db"']], ['{a="b c", d=~"e|f"} X', 'x', ['a="b c"', 'd=~"e|f"']],
        ['a="b"c="d"', 'a="b"c="d"', []], ['a="unfinished', 'a="unfinished', []], ['"odd name"!="q\\"q"', '', ['"odd name"!="q\\"q"']],
    ])('%s', (typed, text, matchers) => {
        const found = readSearch(typed);
        expect(found.text).toBe(text);
        expect(found.matchers.map(formatMatcher)).toEqual(matchers);
    });

    it('fits as Alertmanager does: anchored, and an absent label is empty', () => {
        const { fits } = readSearch('a=~"b.*" c="" d!="e"');
        const sets: Record<string, string>[] = [{ a: 'bx' }, { a: 'xb' }, { a: 'b', c: '1' }, { a: 'b', d: 'e' }];
        expect(sets.map(fits)).toEqual([true, false, false, false]);
        expect(readSearch('').fits({})).toBe(true);
    });

    it('says what is wrong with a pattern, and finds nothing', () => {
        const found = readSearch('a=~"("');
        expect(found.fault).toContain('regular expression');
        expect(found.fits({ a: '(' })).toBe(false);
    });
});
