import { describe, expect, test } from 'vitest';
import { asRecord, type Json } from '../json';
import { migrateSinglestat } from './singlestat';

const options = (json: Json): Json => asRecord(migrateSinglestat({ type: 'singlestat', ...json }).options);
const defaults = (json: Json): Json => asRecord(asRecord(migrateSinglestat({ type: 'singlestat', ...json }).fieldConfig).defaults);

describe('what is shown', () => {
    test.each<[string, Json, Json]>([
        ['nothing said: the mean', {}, { reduceOptions: { calcs: ['mean'], fields: '', values: false }, colorMode: 'none', graphMode: 'none', textMode: 'auto', orientation: 'horizontal' }],
        ['the last value', { valueName: 'current' }, { reduceOptions: { calcs: ['lastNotNull'] } }],
        ['the sum', { valueName: 'total' }, { reduceOptions: { calcs: ['sum'] } }],
        ['another', { valueName: 'range' }, { reduceOptions: { calcs: ['range'] } }],
        ['the name', { valueName: 'name' }, { textMode: 'name' }],
        ['a column', { tableColumn: 'Value' }, { reduceOptions: { fields: '/^Value$/' } }],
        ['with a line', { sparkline: { show: true } }, { graphMode: 'area' }],
        ['in colour', { colorValue: true }, { colorMode: 'value' }],
        ['on colour', { colorValue: true, colorBackground: true }, { colorMode: 'background' }],
    ])('%s', (_, json, want) => expect(options(json)).toMatchObject(want));

    test('as a gauge', () => {
        const gauge = migrateSinglestat({ type: 'singlestat', gauge: { show: true, minValue: '5', thresholdLabels: true, thresholdMarkers: false } });
        expect([gauge.type, gauge.options]).toEqual(['gauge', { reduceOptions: { calcs: ['mean'], fields: '', values: false }, orientation: 'auto', showThresholdLabels: true, showThresholdMarkers: false }]);
        expect(defaults({ gauge: { show: true, minValue: '5' } })).toMatchObject({ min: 5, max: 100 });
        expect(defaults({ gauge: { show: true, minValue: 'x', maxValue: 7 } })).toMatchObject({ min: 0, max: 7 });
        expect(defaults({ gauge: { show: false, minValue: 1 } })).not.toHaveProperty('min');
    });
});

describe('how', () => {
    test.each<[string, Json, Json]>([
        ['a unit', { format: 'bytes', decimals: 0 }, { unit: 'bytes', decimals: 0 }],
        ['where nothing is', { nullText: '-' }, { noValue: '-' }],
        ['thresholds', { thresholds: '1,2', colors: ['a', 'b', 'c'] }, { thresholds: { mode: 'absolute', steps: [{ color: 'a', value: null }, { color: 'b', value: 1 }, { color: 'c', value: 2 }] } }],
        ['no thresholds', { thresholds: '' }, { thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }] } }],
        ['a line\'s colour', { sparkline: { show: true, lineColor: '#f00' } }, { color: { mode: 'fixed', fixedColor: '#f00' } }],
        ['not where values have colours', { sparkline: { show: true, lineColor: '#f00' }, colorValue: true }, { color: { mode: 'thresholds' } }],
        ['mappings', { valueMaps: [{ value: '1', text: 'UP' }] }, { mappings: [{ type: 'value', options: { '1': { text: 'UP' } } }] }],
    ])('%s', (_, json, want) => expect(defaults(json)).toMatchObject(want));

    test('none is no unit', () => expect(['unit' in defaults({ format: 'none' }), 'unit' in defaults({ format: 5 }), 'decimals' in defaults({ decimals: 'x' })]).toEqual([false, false, false]));
});

test('old members go, others and overrides stay', () => {
    const override = { matcher: { id: 'byName' }, properties: [] };
    const panel = migrateSinglestat({ id: 1, type: 'singlestat', own: 1, prefix: 'x', postfix: 'y', sparkline: {}, gauge: {}, valueMaps: [], fieldConfig: { defaults: { unit: 'm' }, overrides: [override] } });
    expect(Object.keys(panel).sort()).toEqual(['fieldConfig', 'id', 'options', 'own', 'type']);
    expect(asRecord(panel.fieldConfig).overrides).toEqual([override]);
});
