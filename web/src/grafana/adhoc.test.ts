import { describe, expect, test } from 'vitest';
import { chosenFilters, FILTERS_MAX, insertMatchers, matcherOf, readFilter, writeFilter, type SelectorPlace } from './adhoc';
import type { AdhocFilter } from './model';

const filter = (key: string, operator: string, value: string): AdhocFilter => ({ key, operator, value });

describe('in the URL', () => {
    test.each<[AdhocFilter, string]>([
        [filter('job', '=', 'node'), 'job|=|node'],
        [filter('job', '=~', 'a|b'), 'job|=~|a__gfp__b'],
        [filter('job', '=|', 'a|b'), 'job|=__gfp__|a__gfp__b'],
        [filter('job', '!=|', ''), 'job|!=__gfp__|'],
        [filter('a.b', '!=', '#1, #2'), 'a.b|!=|__gfh__1__gfc__ __gfh__2'],
        [filter('é', '!~', '日本'), 'é|!~|日本'],
        [filter('x', '=', '<b>"\\'), 'x|=|<b>"\\'],
    ])('%j is %s', (one, text) => {
        expect(writeFilter(one)).toBe(text);
        expect(readFilter(text)).toEqual(one);
    });

    test.each(['', 'job', 'job|=', '|=|x', 'job|>|5', 'job|constructor|x', 'job||x'])('%j is none', (text) => expect(readFilter(text)).toBeUndefined());

    test('of value and text the value counts', () => {
        expect(readFilter('job,Job|=,equals|node,Node exporter')).toEqual(filter('job', '=', 'node'));
        expect(readFilter('job|=|a|b')).toEqual(filter('job', '=', 'a'));
    });
});

test('the URL goes before the dashboard, and there may be many', () => {
    const stored = [filter('job', '=', 'a')];
    expect(chosenFilters(stored, [])).toEqual(stored);
    expect(chosenFilters(stored, [''])).toEqual([]);
    expect(chosenFilters(stored, ['env|=|b', 'broken', 'x|=~|c'])).toEqual([filter('env', '=', 'b'), filter('x', '=~', 'c')]);
    expect(chosenFilters([], Array.from({ length: 200 }, (_, i) => `l${i}|=|v`))).toHaveLength(FILTERS_MAX);
});

test.each<[AdhocFilter, string]>([
    [filter('job', '=', 'node'), 'job="node"'],
    [filter('job', '!=', ''), 'job!=""'],
    [filter('job', '=~', 'a|b.*'), 'job=~"a|b.*"'],
    [filter('job', '!~', '\\d'), 'job!~"\\\\d"'],
    [filter('job', '=|', 'a.b|c'), 'job=~"a\\\\.b|c"'],
    [filter('job', '!=|', 'x(|)'), 'job!~"x\\\\(|\\\\)"'],
    [filter('my.label', '=', 'x'), '"my.label"="x"'],
    [filter('1x', '=', 'x'), '"1x"="x"'],
    [filter('é"', '=', 'x'), '"é\\""="x"'],
    /* A value cannot end its string and go on as an expression. */
    [filter('job', '=', '"} or up{a="'), 'job="\\"} or up{a=\\""'],
    [filter('job', '=', 'a\\'), 'job="a\\\\"'],
    [filter('job', '=', 'a\nb'), 'job="a\\nb"'],
    [filter('job', 'or up', 'x'), 'job="x"'],
    [filter('a="b"} or up{x', '=', 'y'), '"a=\\"b\\"} or up{x"="y"'],
])('%j as a matcher', (one, want) => expect(matcherOf(one)).toBe(want));

describe('put into an expression', () => {
    /* A selector is marked by «», its braces are found in it. */
    const put = (marked: string): string => {
        let expr = '';
        const places: SelectorPlace[] = [];
        for (const part of marked.split(/[«»]/).entries()) {
            const [i, text] = part;
            if (i % 2 === 1) {
                const open = text.indexOf('{');
                places.push({ from: expr.length, to: expr.length + text.length, ...(open < 0 ? {} : { braces: { from: expr.length + open, to: expr.length + text.length } }) });
            }
            expr += text;
        }
        return insertMatchers(expr, places, 'j="x"');
    };
    test.each([
        ['«up»', 'up{j="x"}'],
        ['«up{}»', 'up{j="x"}'],
        ['«up{ }»', 'up{j="x"}'],
        ['«up{a="b"}»', 'up{a="b", j="x"}'],
        ['«up{a="b",}»', 'up{a="b",j="x"}'],
        ['«up{a="b" }»', 'up{a="b", j="x"}'],
        ['«{a="}"}»', '{a="}", j="x"}'],
        ['sum(rate(«a{b="c"}»[5m])) / «d» offset 5m', 'sum(rate(a{b="c", j="x"}[5m])) / d{j="x"} offset 5m'],
        ['1 + 1', '1 + 1'],
        ['', ''],
        ['«é»+«é{}»', 'é{j="x"}+é{j="x"}'],
    ])('%s', (marked, want) => expect(put(marked)).toBe(want));
});
