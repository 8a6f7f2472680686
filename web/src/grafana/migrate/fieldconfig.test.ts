import { describe, expect, test } from 'vitest';
import type { Json } from '../json';
import { fixDefaults, fixFieldConfig, isEmpty, newMappings, newReducer, oldPanelMappings, thresholdSteps } from './fieldconfig';

test('reducers of old', () => expect(['avg', 'current', 'total', 'name', 'max', 'diff', 'constructor', ''].map(newReducer)).toEqual(['mean', 'lastNotNull', 'sum', 'lastNotNull', 'max', 'diff', 'constructor', '']));

describe('thresholds', () => {
    test.each<[string, unknown[], string]>([
        ['10,50', ['green', 'yellow', 'red'], 'null:green 10:yellow 50:red'],
        [' 10 , 50 ', ['a', 'b', 'c'], 'null:a 10:b 50:c'],
        ['0,1', ['a', 'b'], 'null:a 0:b 1:b'],
        ['', ['a'], 'null:a'],
        ['x,5', ['a', 'b'], 'null:a 5:b'],
        ['-1.5,1e3', [], 'null:green -1.5:green 1000:green'],
        ['5', [null, 7], 'null:green 5:green'],
    ])('"%s" with %j', (text, colors, want) => expect(thresholdSteps(text, colors).map((s) => `${s.value}:${s.color}`).join(' ')).toBe(want));

    test.each<[unknown, unknown]>([
        [{ mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 80 }] }, { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 80 }] }],
        [{ steps: [{ color: 'green', value: -1e308 }, { color: 'red', value: '80' }] }, { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 80 }] }],
        [{ mode: 'percentage', steps: [{ color: 'green' }, { color: 'red', value: null }] }, { mode: 'percentage', steps: [{ color: 'green', value: null }, { color: 'red', value: 0 }] }],
        [[{ color: 'green', index: 0, value: null }, { color: 'red', value: 5 }], { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 5 }] }],
        [{ steps: 'x' }, { mode: 'absolute', steps: [] }],
        ['x', { mode: 'absolute', steps: [] }],
        [null, { mode: 'absolute', steps: [] }],
        [[], { mode: 'absolute', steps: [] }],
    ])('%j', (thresholds, want) => expect(fixDefaults({ thresholds }).thresholds).toEqual(want));
});

describe('mappings', () => {
    const STEPS: Json[] = [{ color: 'green', value: null }, { color: 'red', value: 10 }];
    test.each<[string, Json, Json[]]>([
        ['values', { valueMaps: [{ value: '1', text: 'up' }, { value: 0, text: 'down' }] }, [{ type: 'value', options: { '1': { text: 'up' } } }, { type: 'value', options: { '0': { text: 'down' } } }]],
        ['null', { valueMaps: [{ value: 'null', text: 'N/A' }] }, [{ type: 'special', options: { match: 'null', result: { text: 'N/A' } } }]],
        ['ranges', { mappingType: 2, rangeMaps: [{ from: '1', to: '2', text: 'some' }] }, [{ type: 'range', options: { from: 1, to: 2, result: { text: 'some' } } }]],
        ['ranges without a type', { rangeMaps: [{ from: '1', to: '', text: 'x' }] }, [{ type: 'range', options: { from: 1, to: null, result: { text: 'x' } } }]],
        ['a range of null', { mappingType: 2, rangeMaps: [{ from: 'null', to: 'null', text: '-' }] }, [{ type: 'special', options: { match: 'null', result: { text: '-' } } }]],
        ['values go first', { valueMaps: [{ value: '1', text: 'a' }], rangeMaps: [{ from: '1', to: '2', text: 'b' }] }, [{ type: 'value', options: { '1': { text: 'a' } } }]],
        ['a text that is a number has its colour', { valueMaps: [{ value: '1', text: '20' }, { value: '2', text: '5' }] }, [{ type: 'value', options: { '1': { text: '20', color: 'red' } } }, { type: 'value', options: { '2': { text: '5', color: 'green' } } }]],
        ['what has no value', { valueMaps: [{ text: 'x' }, { value: null, text: 'x' }, null, 'x'] }, []],
        ['nothing', {}, []],
        ['no text', { valueMaps: [{ value: '1' }] }, [{ type: 'value', options: { '1': { text: '' } } }]],
    ])('of panels: %s', (_, panel, want) => expect(oldPanelMappings(panel, STEPS)).toEqual(want));

    test.each<[string, unknown, Json[]]>([
        ['of today stay', [{ type: 'value', options: { '1': { text: 'a' } } }, { type: 'special', options: { match: 'nan', result: {} } }], [{ type: 'value', options: { '1': { text: 'a' } } }, { type: 'special', options: { match: 'nan', result: {} } }]],
        ['without options are none', [{ type: 'value' }, { type: 'range', options: null }], []],
        ['of version 7', [{ id: 1, type: 1, value: '1', text: 'on' }, { type: 2, from: '5', to: '9', text: 'mid' }, { type: 1, value: '0', text: 'off' }], [{ type: 'value', options: { '1': { text: 'on' }, '0': { text: 'off' } } }, { type: 'range', options: { from: 5, to: 9, result: { text: 'mid' } } }]],
        ['of no type', [{ value: 'null', text: '-' }], [{ type: 'special', options: { match: 'null', result: { text: '-' } } }]],
        ['what is no list', {}, []],
    ])('of fields: %s', (_, value, want) => expect(newMappings(value, [])).toEqual(want));
});

test.each<[string, Json, Json]>([
    ['numbers as texts', { min: '0', max: '1e2', decimals: '1' }, { min: 0, max: 100, decimals: 1 }],
    ['what is no number goes', { min: 'auto', max: null, decimals: '' }, {}],
    ['titles of old', { title: 'T' }, { displayName: 'T' }],
    ['not over a name', { title: 'T', displayName: 'D' }, { title: 'T', displayName: 'D' }],
    ['unknown members stay', { own: 1, unit: 's' }, { own: 1, unit: 's' }],
    ['zero is a number', { min: 0, decimals: 0 }, { min: 0, decimals: 0 }],
])('defaults: %s', (_, defaults, want) => {
    const before = JSON.stringify(defaults);
    expect(fixDefaults(defaults)).toEqual(want);
    expect(JSON.stringify(defaults)).toBe(before);
});

test.each<[string, Json, Json]>([
    ['of today', { fieldConfig: { defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'unit', value: 'ms' }] }] } }, { defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'unit', value: 'ms' }] }] }],
    ['of version 6', { options: { fieldOptions: { defaults: { unit: 's' }, overrides: [{ properties: [] }] } } }, { defaults: { unit: 's' }, overrides: [{ properties: [] }] }],
    ['today\'s before that of version 6', { fieldConfig: {}, options: { fieldOptions: { defaults: { unit: 's' } } } }, { defaults: {}, overrides: [] }],
    ['none', {}, { defaults: {}, overrides: [] }],
    ['within overrides', { fieldConfig: { overrides: [{ properties: [{ id: 'thresholds', value: { steps: [{ color: 'a', value: 5 }] } }, { id: 'mappings', value: [{ type: 1, value: '1', text: 'x' }] }, { id: 'mappings', value: null }] }] } },
        { defaults: {}, overrides: [{ properties: [{ id: 'thresholds', value: { mode: 'absolute', steps: [{ color: 'a', value: null }] } }, { id: 'mappings', value: [{ type: 'value', options: { '1': { text: 'x' } } }] }, { id: 'mappings', value: [] }] }] }],
    ['of the wrong type', { fieldConfig: { defaults: 'x', overrides: { a: 1 } } }, { defaults: {}, overrides: [] }],
])('field config %s', (_, panel, want) => expect(fixFieldConfig(panel)).toEqual(want));

test('what is empty', () => expect([undefined, null, [], {}, '', 'x', [1], { a: 1 }].map(isEmpty)).toEqual([true, true, true, true, true, true, false, false]));
