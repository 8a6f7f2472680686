import { expect, test } from 'vitest';
import { readDashboard, type VariableModel } from './model';
import { ALL_VALUE, OPTIONS_MAX, autoInterval, choiceText, customOptions, dependents, initialChoice, lookupOrder, optionsFrom, optionsOf, parseVariableQuery, sortOptions, variableValue } from './variables';

function variable(json: object): VariableModel {
    return readDashboard({ templating: { list: [{ name: 'v', type: 'query', ...json }] } }).variables[0]!;
}

test.each([
    ['label_values(up, job)', { kind: 'labelValues', label: 'job', matcher: 'up' }],
    ['label_values(up{a="x,y"}, job)', { kind: 'labelValues', label: 'job', matcher: 'up{a="x,y"}' }],
    ['label_values(job)', { kind: 'labelValues', label: 'job', matcher: '' }],
    ['label_names()', { kind: 'labelNames', matcher: '' }],
    ['label_names(up)', { kind: 'labelNames', matcher: 'up' }],
    ['metrics(node_.*)', { kind: 'metrics', pattern: 'node_.*' }],
    ['query_result(topk(5, sum(rate(x[5m])) by (a)))', { kind: 'queryResult', expr: 'topk(5, sum(rate(x[5m])) by (a))' }],
    ['up{job="x"}', { kind: 'series', matcher: 'up{job="x"}' }],
    [' label_values( up , job ) ', { kind: 'labelValues', label: 'job', matcher: 'up' }],
    ['label_values({__name__=~"a|b"}, job)', { kind: 'labelValues', label: 'job', matcher: '{__name__=~"a|b"}' }],
    ['label_values(up{a="${b}"}, ${label})', { kind: 'labelValues', label: '${label}', matcher: 'up{a="${b}"}' }],
    ['label_values(${label})', { kind: 'labelValues', label: '${label}', matcher: '' }],
    ['label_values(up{a="b"})', { kind: 'labelValues', label: 'up{a="b"}', matcher: '' }],
    ['query_result(max(x)\n by (y))', { kind: 'queryResult', expr: 'max(x)\n by (y)' }],
    ['metrics()', { kind: 'metrics', pattern: '' }],
    ['sum(up)', { kind: 'series', matcher: 'sum(up)' }],
    ['   ', { kind: 'none' }],
    ['', { kind: 'none' }],
])('query %s', (text, want) => expect(parseVariableQuery(text)).toEqual(want));

test('options go through the regex, once each, sorted', () => {
    expect(optionsFrom(['b', 'a', 'b'], '', 1).map((o) => o.value)).toEqual(['a', 'b']);
    expect(optionsFrom(['web-2.x', 'web-10.x', 'db-1.x'], '/web-(\\d+)/', 3).map((o) => o.value)).toEqual(['2', '10']);
    expect(optionsFrom(['up{job="a",x="1"} 5'], '/job="(?<value>[^"]+)",x="(?<text>[^"]+)"/', 0)).toEqual([{ value: 'a', text: '1' }]);
    expect(optionsFrom(['a=1 a=2'], '/a=(\\d)/g', 0).map((o) => o.value)).toEqual(['1', '2']);
    expect(optionsFrom(['x'], '/(/', 0).map((o) => o.value)).toEqual(['x']);
});

/* What Grafana makes of one value: groups pick, a pattern without groups only chooses. */
test.each<[string, string, string[]]>([
    ['/prod/', 'web-prod-1', ['web-prod-1']],
    ['/prod/', 'web-test', []],
    ['prod', 'web-prod-1', []],
    ['.*prod.*', 'web-prod-1', ['web-prod-1']],
    ['/web-(.+)-\\d/', 'web-prod-1', ['prod']],
    ['/(?:web|db)-.*/', 'db-1', ['db-1']],
    ['/(a)|b/', 'b', []],
    ['/(x*)/', 'b', ['']],
    ['/-(\\w+)/g', 'a-b-c', ['b', 'c']],
    ['/-\\w/g', 'a-b-c', ['a-b-c']],
    ['/(?<text>\\w+)-(?<value>\\w+)/', 'a-b', ['a=b']],
    ['/(?<value>\\w+)-\\w+/', 'a-b', ['a']],
    ['/\\w+-(?<text>\\w+)/', 'a-b', ['b']],
    ['/(?<value>\\w)/g', 'ab', ['a']],
    ['/(?<other>\\w)-/', 'a-b', ['a']],
    ['/(?<value>)(.*)/', 'ab', ['']],
    ['/WEB/i', 'web', ['web']],
    ['/^é/u', 'été', ['été']],
    ['/(/', 'a', ['a']],
])('the regex %s makes of "%s" %j', (regex, value, want) => {
    expect(optionsFrom([value], regex, 0).map((o) => (o.text === o.value ? o.value : `${o.text}=${o.value}`))).toEqual(want);
});

test('options are cut off where nobody could choose', () => {
    const many = Array.from({ length: OPTIONS_MAX + 10 }, (_, i) => `v${i}`);
    expect(optionsFrom(many, '', 0)).toHaveLength(OPTIONS_MAX);
    expect(optionsFrom(many, '/v(.)/', 0)).toHaveLength(10);
    expect(optionsFrom(['a', '', 'constructor', '__proto__'], '', 0).map((o) => o.value)).toEqual(['a', '', 'constructor', '__proto__']);
});

test.each([
    [0, 'b10,a,b9,C'],
    [1, 'C,a,b10,b9'],
    [2, 'b9,b10,a,C'],
    [3, 'a,C,b9,b10'],
    [4, 'b10,b9,C,a'],
    [5, 'a,b10,b9,C'],
    [6, 'C,b9,b10,a'],
    [7, 'a,b9,b10,C'],
    [8, 'C,b10,b9,a'],
    [9, 'b10,a,b9,C'],
    [-1, 'b10,a,b9,C'],
    [0.5, 'b10,a,b9,C'],
])('sort %d', (sort, want) =>
    expect(sortOptions(['b10', 'a', 'b9', 'C'].map((v) => ({ text: v, value: v })), sort).map((o) => o.text).join()).toBe(want));

test('options that ask no server', () => {
    expect(customOptions('a, b : 2, c\\,d')).toEqual([{ text: 'a', value: 'a' }, { text: 'b', value: '2' }, { text: 'c,d', value: 'c,d' }]);
    expect(optionsOf(variable({ type: 'interval', query: '1m,5m', auto: true, auto_count: 10, auto_min: '10s' }), 3_600_000)?.[0]).toEqual({ text: 'auto', value: '5m' });
    expect(optionsOf(variable({ type: 'constant', query: 'x' }), 0)).toEqual([{ text: 'x', value: 'x' }]);
    expect(optionsOf(variable({}), 0)).toBeUndefined();
    expect(autoInterval(60_000, 100, '10s')).toBe('10s');
});

test.each<[string, string[]]>([
    ['', []],
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' a , b ', ['a', 'b']],
    ['a,,b', ['a', 'b']],
    ['a : 1, b:2', ['a=1', 'b:2']],
    ['a : b : c', ['a : b=c']],
    ['x\\,y, z', ['x,y', 'z']],
    ['http : http://h:9, é', ['http=http://h:9', 'é']],
    [' : ', [':']],
])('custom %j is %j', (query, want) => expect(customOptions(query).map((o) => (o.text === o.value ? o.value : `${o.text}=${o.value}`))).toEqual(want));

test.each<[number, number, string, string]>([
    [3_600_000, 30, '10s', '2m'],
    [60_000, 30, '10s', '10s'],
    [60_000, 30, '', '2s'],
    [60_000, 30, 'x', '2s'],
    [86_400_000, 10, '10s', '2h'],
    [86_400_000 * 365, 10, '10s', '720h'],
    [1000, 1000, '1ms', '1ms'],
    [0, 0, '1m', '1m'],
    [3_600_000, 0, '10s', '1h'],
    [100_000, 50, '90s', '90s'],
])('auto over %d ms in %d steps, at least %s: %s', (range, count, least, want) => expect(autoInterval(range, count, least)).toBe(want));

test('each type has its options', () => {
    const of = (json: object) => optionsOf(variable(json), 3_600_000)?.map((o) => o.value);
    expect([of({ type: 'textbox', query: '' }), of({ type: 'datasource' }), of({ type: 'adhoc' }), of({ type: 'system' }), of({ type: 'nobody knows' }), of({ type: 'interval', query: '1m,5m' })]).toEqual([[''], ['barograph'], [], [], [], ['1m', '5m']]);
});

const OPTIONS = [{ text: 'A', value: 'a' }, { text: 'B', value: 'b' }];

test('the first choice', () => {
    expect(initialChoice(variable({ current: { value: 'b' } }), OPTIONS, undefined).values).toEqual(['b']);
    expect(initialChoice(variable({ current: { value: 'gone' } }), OPTIONS, undefined).values).toEqual(['a']);
    expect(initialChoice(variable({ multi: true, current: { value: ['a', 'b', 'gone'] } }), OPTIONS, undefined).values).toEqual(['a', 'b']);
    expect(initialChoice(variable({ includeAll: true, current: { value: '$__all' } }), OPTIONS, undefined).values).toEqual([ALL_VALUE]);
    expect(initialChoice(variable({ includeAll: true, current: { value: 'a' } }), OPTIONS, ['All']).values).toEqual([ALL_VALUE]);
    expect(initialChoice(variable({}), OPTIONS, ['b']).values).toEqual(['b']);
    expect(initialChoice(variable({ type: 'textbox', query: 'q' }), [], ['typed']).values).toEqual(['typed']);
    expect(initialChoice(variable({}), [], undefined).values).toEqual([]);
});

test.each<[string, object, string[] | undefined, string[]]>([
    ['by its text', { current: { value: 'B' } }, undefined, ['b']],
    ['one of several, where one is allowed', {}, ['b', 'a'], ['b']],
    ['All where there is no All', { current: { value: '$__all' } }, undefined, ['a']],
    ['All and another: the other', { multi: true, includeAll: true }, ['$__all', 'b'], ['b']],
    ['nothing of several: All', { multi: true, includeAll: true }, undefined, ['$__all']],
    ['nothing, with All alone: the first', { includeAll: true }, undefined, ['a']],
    ['what is gone, with All', { multi: true, includeAll: true, current: { value: ['gone'] } }, undefined, ['a']],
    ['an empty URL', { current: { value: 'b' } }, [], ['a']],
    ['a constant from the URL', { type: 'constant', query: 'q' }, ['x'], ['q']],
    ['a text box with what was stored', { type: 'textbox', query: 'q', current: { value: 's' } }, undefined, ['s']],
    ['a text box that was never filled', { type: 'textbox', query: 'q', current: {} }, undefined, ['q']],
    ['an automatic interval of Grafana\'s', { type: 'interval', auto: true, current: { value: '$__auto_interval_x' } }, undefined, ['auto']],
])('the first choice: %s', (_, json, url, want) => expect(initialChoice(variable(json), OPTIONS, url).values).toEqual(want));

test('what the URL says stays where no option is known', () => {
    expect(initialChoice(variable({}), [], ['typed', 'two']).values).toEqual(['typed', 'two']);
    expect(initialChoice(variable({ type: 'interval' }), [], ['1m']).values).toEqual([]);
    expect(initialChoice(variable({ includeAll: true }), [], undefined).values).toEqual(['$__all']);
});

test('what a choice is in texts', () => {
    const all = variable({ multi: true, includeAll: true, allValue: '.+' });
    expect(variableValue(all, OPTIONS, { values: [ALL_VALUE] })).toEqual({ value: ['a', 'b'], text: ['All'], isMulti: true, allValue: '.+' });
    expect(variableValue(variable({}), OPTIONS, { values: ['b'] })).toEqual({ value: 'b', text: 'B', isMulti: false });
    expect(choiceText(all, OPTIONS, { values: ['a', 'b'] })).toBe('A + B');
    expect(choiceText(all, OPTIONS, { values: [ALL_VALUE] })).toBe('All');
});

test('texts of choices of other kinds', () => {
    const auto = variable({ type: 'interval', auto: true });
    expect(variableValue(auto, [{ text: 'auto', value: '5m' }], { values: ['auto'] })).toEqual({ value: '5m', text: 'auto', isMulti: false });
    expect(variableValue(variable({}), OPTIONS, { values: [] })).toEqual({ value: '', text: '', isMulti: false });
    expect(variableValue(variable({}), OPTIONS, { values: ['typed'] })).toEqual({ value: 'typed', text: 'typed', isMulti: false });
    expect(variableValue(variable({ includeAll: true }), OPTIONS, { values: ['a'] })).toEqual({ value: 'a', text: 'A', isMulti: true });
    expect(variableValue(variable({ multi: true }), OPTIONS, { values: [ALL_VALUE] })).toEqual({ value: [ALL_VALUE], text: [ALL_VALUE], isMulti: true });
    expect(variableValue(variable({ includeAll: true }), OPTIONS, { values: ['All'] })).toEqual({ value: ['a', 'b'], text: ['All'], isMulti: true });
    expect(choiceText(variable({}), OPTIONS, { values: ['typed'] })).toBe('typed');
    expect(choiceText(variable({}), OPTIONS, { values: [] })).toBe('');
});

test('order of look-ups', () => {
    const list = readDashboard({ templating: { list: [
        { name: 'c', type: 'query', query: 'label_values(x{b="$b"}, c)' }, { name: 'b', type: 'query', query: 'label_values(x{a="$a"}, b)' }, { name: 'a', type: 'query', query: 'label_values(a)' },
        { name: 'p', type: 'query', query: '$q' }, { name: 'q', type: 'query', query: '$p' },
    ] } }).variables;
    expect(lookupOrder(list).slice(0, 3)).toEqual(['a', 'b', 'c']);
    expect(lookupOrder(list)).toHaveLength(5);
    expect(dependents(list, 'a')).toEqual(['b', 'c']);
    expect(dependents(list, 'c')).toEqual([]);
});
