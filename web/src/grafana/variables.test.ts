import { expect, test } from 'vitest';
import { readDashboard, type VariableModel } from './model';
import { ALL_VALUE, autoInterval, choiceText, customOptions, dependents, initialChoice, lookupOrder, optionsFrom, optionsOf, parseVariableQuery, sortOptions, variableValue } from './variables';

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
    ['', { kind: 'none' }],
])('query %s', (text, want) => expect(parseVariableQuery(text)).toEqual(want));

test('options go through the regex, once each, sorted', () => {
    expect(optionsFrom(['b', 'a', 'b'], '', 1).map((o) => o.value)).toEqual(['a', 'b']);
    expect(optionsFrom(['web-2.x', 'web-10.x', 'db-1.x'], '/web-(\\d+)/', 3).map((o) => o.value)).toEqual(['2', '10']);
    expect(optionsFrom(['up{job="a",x="1"} 5'], '/job="(?<value>[^"]+)",x="(?<text>[^"]+)"/', 0)).toEqual([{ value: 'a', text: '1' }]);
    expect(optionsFrom(['a=1 a=2'], '/a=(\\d)/g', 0).map((o) => o.value)).toEqual(['1', '2']);
    expect(optionsFrom(['x'], '/(/', 0).map((o) => o.value)).toEqual(['x']);
});

test.each([[0, 'b10,a,b9,C'], [1, 'C,a,b10,b9'], [2, 'b9,b10,a,C'], [3, 'a,C,b9,b10'], [5, 'a,b10,b9,C'], [6, 'C,b9,b10,a'], [7, 'a,b9,b10,C']])('sort %d', (sort, want) =>
    expect(sortOptions(['b10', 'a', 'b9', 'C'].map((v) => ({ text: v, value: v })), sort).map((o) => o.text).join()).toBe(want));

test('options that ask no server', () => {
    expect(customOptions('a, b : 2, c\\,d')).toEqual([{ text: 'a', value: 'a' }, { text: 'b', value: '2' }, { text: 'c,d', value: 'c,d' }]);
    expect(optionsOf(variable({ type: 'interval', query: '1m,5m', auto: true, auto_count: 10, auto_min: '10s' }), 3_600_000)?.[0]).toEqual({ text: 'auto', value: '5m' });
    expect(optionsOf(variable({ type: 'constant', query: 'x' }), 0)).toEqual([{ text: 'x', value: 'x' }]);
    expect(optionsOf(variable({}), 0)).toBeUndefined();
    expect(autoInterval(60_000, 100, '10s')).toBe('10s');
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

test('what a choice is in texts', () => {
    const all = variable({ multi: true, includeAll: true, allValue: '.+' });
    expect(variableValue(all, OPTIONS, { values: [ALL_VALUE] })).toEqual({ value: ['a', 'b'], text: ['All'], isMulti: true, allValue: '.+' });
    expect(variableValue(variable({}), OPTIONS, { values: ['b'] })).toEqual({ value: 'b', text: 'B', isMulti: false });
    expect(choiceText(all, OPTIONS, { values: ['a', 'b'] })).toBe('A + B');
    expect(choiceText(all, OPTIONS, { values: [ALL_VALUE] })).toBe('All');
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
