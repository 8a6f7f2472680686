import { expect, test } from 'vitest';
import { chosenFilters, matcherOf, readFilter, writeFilter } from '../grafana/adhoc';
import { addFilters, findSelectors } from './selectors';

const filters = [{ key: 'job', operator: '=', value: 'a"b\\' }];
const put = 'job="a\\"b\\\\"';

test.each([
    ['up', `up{${put}}`],
    ['up{}', `up{${put}}`],
    ['up{ }', `up{${put}}`],
    ['up{a="b"}', `up{a="b", ${put}}`],
    ['up{a="b", }', `up{a="b",${put}}`],
    ['{__name__="x"}', `{__name__="x", ${put}}`],
    ['{"utf.8", a="}"}', `{"utf.8", a="}", ${put}}`],
    ['rate(x[5m] offset 1h) / sum by (job) (y{a=~"{|}"} @ end())', `rate(x{${put}}[5m] offset 1h) / sum by (job) (y{a=~"{|}", ${put}} @ end())`],
    ['max_over_time(rate(x[1m])[5m:30s])', `max_over_time(rate(x{${put}}[1m])[5m:30s])`],
    ['label_replace(up, "a", "up", "b", "up{}")', `label_replace(up{${put}}, "a", "up", "b", "up{}")`],
    ['1 + vector(2)', '1 + vector(2)'],
    ['a and on (x) b # up{c="d"}', `a{${put}} and on (x) b{${put}} # up{c="d"}`],
    ['sum(job)', `sum(job{${put}})`],
    ['', ''],
])('addFilters(%j)', (expr, want) => {
    expect(addFilters(expr, filters)).toBe(want);
});

test('an expression with faults keeps its text', () => {
    for (const expr of ['sum(', 'up{', 'up{a=', '}}}', 'rate(x[', '"', 'x{a="b}']) {
        expect(addFilters(expr, filters).replaceAll(`{${put}}`, '').replaceAll(put, '').length).toBeGreaterThanOrEqual(0);
        expect(() => findSelectors(expr)).not.toThrow();
    }
    expect(addFilters('up', [])).toBe('up');
});

test.each([
    [{ key: 'a', operator: '=~', value: 'x.*' }, 'a=~"x.*"'],
    [{ key: 'a', operator: '!~', value: 'x\n' }, 'a!~"x\\n"'],
    [{ key: 'a', operator: '=|', value: 'x.y|z' }, 'a=~"x\\\\.y|z"'],
    [{ key: 'a', operator: '!=|', value: 'x' }, 'a!~"x"'],
    [{ key: 'my.label', operator: '!=', value: '' }, '"my.label"!=""'],
    [{ key: 'a"} or b{c="', operator: '=', value: 'x' }, '"a\\"} or b{c=\\""="x"'],
    [{ key: 'a', operator: '} or', value: 'x' }, 'a="x"'],
])('matcherOf(%j)', (filter, want) => {
    expect(matcherOf(filter)).toBe(want);
});

test('filters of the URL', () => {
    const odd = { key: 'a', operator: '=|', value: 'x|y,#z' };
    expect(writeFilter(odd)).toBe('a|=__gfp__|x__gfp__y__gfc____gfh__z');
    expect(readFilter(writeFilter(odd))).toEqual(odd);
    expect(readFilter('job|=|web')).toEqual({ key: 'job', operator: '=', value: 'web' });
    expect(readFilter('job,Job|=|web,Web')).toEqual({ key: 'job', operator: '=', value: 'web' });
    for (const bad of ['', 'a', 'a|=', '|=|x', 'a|<|x']) {
        expect(readFilter(bad)).toBeUndefined();
    }
    const stored = [{ key: 's', operator: '=', value: 't' }];
    expect(chosenFilters(stored, [])).toEqual(stored);
    expect(chosenFilters(stored, [''])).toEqual([]);
    expect(chosenFilters(stored, ['job|=|web', 'bad'])).toEqual([{ key: 'job', operator: '=', value: 'web' }]);
});
