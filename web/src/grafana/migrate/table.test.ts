import { describe, expect, test } from 'vitest';
import { asRecord, asRecords, type Json } from '../json';
import { migrateOldTable } from './table';

const migrated = (json: Json): Json => migrateOldTable({ type: 'table', styles: [], ...json });
const properties = (style: Json): unknown => asRecords(asRecord(migrated({ styles: [{ pattern: 'x', ...style }] }).fieldConfig).overrides)[0]?.properties;

describe('styles', () => {
    test.each<[Json, [string, unknown][] | undefined]>([
        [{ alias: 'X' }, [['displayName', 'X']]],
        [{ type: 'hidden', unit: 's' }, [['custom.hidden', true]]],
        [{ type: 'date' }, [['unit', 'dateTimeAsIso']]],
        [{ type: 'date', dateFormat: 'YYYY' }, [['unit', 'time: YYYY']]],
        [{ type: 'number', unit: 's', decimals: '2' }, [['unit', 's'], ['decimals', 2]]],
        [{ unit: 's' }, [['unit', 's']]],
        [{ type: 'string', unit: 's' }, undefined],
        [{}, undefined],
        [{ align: 'right' }, [['custom.align', 'right']]],
        [{ align: 'auto' }, undefined],
        [{ colorMode: 'value', thresholds: ['5'], colors: ['a', 'b'] }, [['custom.cellOptions', { type: 'color-text' }], ['thresholds', { mode: 'absolute', steps: [{ color: 'a', value: null }, { color: 'b', value: 5 }] }]]],
        [{ colorMode: 'row', thresholds: [] }, [['custom.cellOptions', { type: 'color-background', applyToRow: true }], ['thresholds', { mode: 'absolute', steps: [{ color: 'green', value: null }] }]]],
        [{ colorMode: 'nope' }, undefined],
        [{ colorMode: null }, undefined],
        [{ link: true, linkUrl: '/x', linkTooltip: 'open', linkTargetBlank: true }, [['links', [{ title: 'open', url: '/x', targetBlank: true }]]]],
        [{ link: true }, [['links', [{ title: '', url: '', targetBlank: false }]]]],
        [{ link: false, linkUrl: '/x' }, undefined],
        [{ type: 'string', mappingType: 1, valueMaps: [{ value: '1', text: 'on' }] }, [['mappings', [{ type: 'value', options: { '1': { text: 'on' } } }]]]],
        [{ type: 'string', mappingType: 2, rangeMaps: [{ from: '1', to: '2', text: 'x' }] }, [['mappings', [{ type: 'range', options: { from: 1, to: 2, result: { text: 'x' } } }]]]],
    ])('%j', (style, want) => expect(properties(style)).toEqual(want?.map(([id, value]) => ({ id, value }))));

    test.each<[unknown, unknown]>([
        ['Time', { id: 'byName', options: 'Time' }],
        ['/v.*/', { id: 'byRegexp', options: '/v.*/' }],
        ['/v/i', { id: 'byRegexp', options: '/v/i' }],
        ['/v', { id: 'byName', options: '/v' }],
        ['', undefined],
        [undefined, undefined],
        [5, undefined],
    ])('pattern %j', (pattern, want) =>
        expect(asRecords(asRecord(migrated({ styles: [{ pattern, alias: 'X' }] }).fieldConfig).overrides)[0]?.matcher).toEqual(want));

    test('those of all columns are the defaults, but for names', () => {
        expect(migrated({ styles: [{ pattern: '/.*/', unit: 's', decimals: 1, alias: 'X', align: 'left', colorMode: 'cell' }] }).fieldConfig).toEqual({
            defaults: { unit: 's', decimals: 1, custom: { align: 'left', cellOptions: { type: 'color-background' } }, thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }] } }, overrides: [],
        });
    });
});

test.each<[Json, Json[]]>([
    [{ transform: 'timeseries_aggregations', columns: [{ value: 'avg' }, { value: 'current' }, { text: 'x' }] }, [{ id: 'reduce', options: { reducers: ['mean', 'lastNotNull'], includeTimeField: false } }]],
    [{ transform: 'timeseries_to_columns' }, [{ id: 'joinByField', options: { byField: 'Time', mode: 'outer' } }]],
    [{ transform: 'timeseries_to_rows' }, [{ id: 'seriesToRows', options: {} }]],
    [{ transform: 'table' }, [{ id: 'merge', options: {} }]],
    [{ transform: 'json' }, []],
    [{ transform: 'constructor' }, []],
    [{ transform: 'table', transformations: [{ id: 'organize' }] }, [{ id: 'merge', options: {} }, { id: 'organize' }]],
])('%j', (json, want) => expect(migrated(json).transformations).toEqual(want));

test('head and order', () => {
    expect([migrated({ showHeader: false }), migrated({ sort: { col: 'x', desc: true } }), migrated({ sort: { col: null, desc: true } }), migrated({ sort: { col: 0 } })].map((p) => p.options)).toEqual([{ showHeader: false }, { showHeader: true, sortBy: [{ displayName: 'x', desc: true }] }, { showHeader: true }, { showHeader: true }]);
});

test('a table of today passes', () => {
    const table = { type: 'table', options: { showHeader: false }, fieldConfig: { defaults: { unit: 's' } } };
    expect(migrateOldTable(table)).toBe(table);
    expect(Object.keys(migrated({ id: 1, own: 1, scroll: true, fontSize: '100%' })).sort()).toEqual(['fieldConfig', 'id', 'options', 'own', 'transformations', 'type']);
});
