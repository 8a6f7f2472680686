import { describe, expect, it } from 'vitest';
import { formatMatcher, parseMatcher, splitMatchers } from './matchers';

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
