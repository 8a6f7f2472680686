import { describe, expect, test } from 'vitest';
import { asRecord, asRecords, type Json } from '../json';
import { hasOldForms, isClone, migrateDashboard, migratePanel, migrateVariable, unwrap, withIds } from './core';

test.each<[string, Json, boolean]>([
    ['a graph', { panels: [{ type: 'graph' }] }, true],
    ['a singlestat in a row', { panels: [{ type: 'row', panels: [{ type: 'singlestat' }] }] }, true],
    ['a table with styles', { panels: [{ type: 'table', styles: [] }] }, true],
    ['a heatmap of old', { panels: [{ type: 'heatmap', yAxis: {} }] }, true],
    ['a text of old', { panels: [{ type: 'text', content: 'x' }] }, true],
    ['rows', { rows: [] }, true],
    ['rows beside panels', { rows: [], panels: [{ type: 'stat' }] }, false],
    ['today\'s', { panels: [{ type: 'timeseries' }, { type: 'table' }, { type: 'text', options: {} }] }, false],
    ['nothing', {}, false],
    ['within an export', { dashboard: { panels: [{ type: 'graph' }] } }, true],
    ['types of what every object has', { panels: [{ type: 'constructor' }, { type: 'toString' }, { type: '__proto__' }] }, false],
    ['types that are none', { panels: [{ type: 5 }, {}, null] }, false],
])('old forms: %s', (_, json, want) => expect(hasOldForms(json)).toBe(want));

describe('a panel', () => {
    test.each([
        ['heatmap-new', 'heatmap'],
        ['vonage-status-panel', 'stat'],
        ['flant-statusmap-panel', 'status-history'],
        ['grafana-piechart-panel', 'piechart'],
        ['stat', 'stat'],
        ['nobody-knows', 'nobody-knows'],
        ['constructor', 'constructor'],
    ])('of type %s is %s', (type, want) => expect(migratePanel({ type }).type).toBe(want));

    test.each<[string, Json, Json]>([
        ['calcs of version 6', { fieldOptions: { calcs: ['avg', 'max'], values: true } }, { reduceOptions: { calcs: ['mean', 'max'], values: true } }],
        ['not over today\'s', { fieldOptions: { calcs: ['avg'] }, reduceOptions: { calcs: ['max'] } }, { fieldOptions: { calcs: ['avg'] }, reduceOptions: { calcs: ['max'] } }],
        ['a legend', { legend: { displayMode: 'table' } }, { legend: { displayMode: 'table', showLegend: true } }],
        ['a hidden legend', { legend: { displayMode: 'hidden', calcs: [] } }, { legend: { displayMode: 'list', showLegend: false, calcs: [] } }],
        ['a legend of today', { legend: { showLegend: false } }, { legend: { showLegend: false } }],
        ['no legend', { own: 1 }, { own: 1 }],
        ['calcs that are none', { fieldOptions: 'x' }, { reduceOptions: { calcs: [], values: false } }],
    ])('options: %s', (_, options, want) => expect(migratePanel({ type: 'stat', options }).options).toEqual(want));

    test.each<[Json, unknown]>([
        [{ minSpan: 6 }, 4],
        [{ minSpan: 24 }, 1],
        [{ minSpan: 0 }, 24],
        [{ minSpan: '8' }, 3],
        [{ minSpan: 6, maxPerRow: 2 }, 2],
        [{}, undefined],
    ])('%j: at most %j beside each other', (json, want) => expect(migratePanel({ type: 'stat', ...json }).maxPerRow).toBe(want));

    test('keeps what nobody here knows, and is not changed by a second time', () => {
        const panel: Json = { id: 1, type: 'stat', own: { a: [1] }, options: { own: 2 }, fieldConfig: { defaults: { own: 3 }, overrides: [{ own: 4, properties: [] }] } };
        const once = migratePanel(panel);
        expect(once).toEqual({ ...panel, options: { own: 2 } });
        expect(migratePanel(once)).toEqual(once);
    });
});

describe('numbers of panels', () => {
    const ids = (panels: Json[]): unknown[] => withIds(panels).flatMap((p) => [p.id, ...asRecords(p.panels).map((q) => q.id)]);
    test.each<[string, Json[], number[]]>([
        ['as they are', [{ id: 3 }, { id: 1 }], [3, 1]],
        ['missing', [{}, { id: 5 }, {}], [6, 5, 7]],
        ['twice', [{ id: 2 }, { id: 2 }], [2, 3]],
        ['within rows', [{ id: 1, panels: [{ id: 1 }, {}] }], [1, 2, 3]],
        ['as texts', [{ id: '4' }, { id: 4 }], ['4' as never, 5]],
        ['none at all', [{ id: null }, { id: 'x' }, { id: NaN }], [1, 2, 3]],
        ['nothing', [], []],
    ])('%s', (_, panels, want) => expect(ids(panels)).toEqual(want));

    test('those that are right are the same objects', () => {
        const panel = { id: 1 };
        expect(withIds([panel])[0]).toBe(panel);
    });
});

test('copies of repeated panels are not shown twice', () => {
    const clone = { repeatPanelId: 1, repeatIteration: 1500000000000, type: 'stat' };
    expect([clone, { ...clone, repeat: null }, { ...clone, repeat: 'host' }, { ...clone, repeat: 'host', repeatedByRow: true }, { type: 'stat', repeat: 'host' }, { repeatPanelId: null }, { repeatPanelId: 'x' }].map(isClone)).toEqual([true, true, false, true, false, false, false]);
    const board = migrateDashboard({ panels: [{ id: 1, type: 'stat', repeat: 'host' }, { id: 2, ...clone }, { id: 3, type: 'row', panels: [{ id: 4, type: 'stat' }, { id: 5, ...clone }] }] });
    expect(asRecords(board.panels).map((p) => [p.id, asRecords(p.panels).map((q) => q.id)])).toEqual([[1, []], [3, [4]]]);
});

test.each<[string, Json, Json]>([
    ['hidden of old', { type: 'query', hideVariable: true }, { type: 'query', hide: 2 }],
    ['without a label', { type: 'query', hideLabel: true }, { type: 'query', hide: 1 }],
    ['both', { type: 'query', hideVariable: true, hideLabel: true }, { type: 'query', hide: 2 }],
    ['refreshed', { type: 'query', refresh: true }, { type: 'query', refresh: 1 }],
    ['not refreshed', { type: 'query', refresh: false }, { type: 'query', refresh: 0 }],
    ['on load', { type: 'query', refresh_on_load: true }, { type: 'query', refresh: 1 }],
    ['without a type', { query: 'x' }, { query: 'x', type: 'query' }],
    ['nothing at all', {}, {}],
    ['today\'s', { type: 'custom', hide: 1, refresh: 2, own: 1 }, { type: 'custom', hide: 1, refresh: 2, own: 1 }],
])('a variable %s', (_, json, want) => expect(migrateVariable(json)).toEqual(want));

test.each<[string, Json, unknown]>([
    ['of the API', { dashboard: { title: 'x', panels: [] }, meta: {} }, 'x'],
    ['an export', { dashboard: { title: 'x' } }, 'x'],
    ['itself', { title: 'y', panels: [], dashboard: { title: 'x' } }, 'y'],
    ['of rows', { title: 'y', rows: [], dashboard: { title: 'x' } }, 'y'],
    ['an empty wrapper', { title: 'y', dashboard: {} }, 'y'],
    ['a wrapper that is none', { title: 'y', dashboard: 'x' }, 'y'],
])('a dashboard %s', (_, json, want) => expect(unwrap(json).title).toBe(want));

describe('a dashboard', () => {
    test.each<[Json, number]>([
        [{}, 0],
        [{ sharedCrosshair: true }, 1],
        [{ sharedCrosshair: false }, 0],
        [{ graphTooltip: 2, sharedCrosshair: true }, 2],
        [{ graphTooltip: '1' }, 1],
    ])('%j shares its cursor: %d', (json, want) => expect(migrateDashboard(json).graphTooltip).toBe(want));

    test('stays as it is, and loses nothing', () => {
        const file: Json = { own: 1, panels: [{ id: 1, type: 'stat', own: 2 }], templating: { own: 3, list: [{ name: 'x', type: 'query', own: 4 }] } };
        const before = JSON.stringify(file);
        const board = migrateDashboard(file);
        expect(JSON.stringify(file)).toBe(before);
        expect([board.own, asRecords(board.panels)[0]!.own, asRecord(board.templating).own, asRecords(asRecord(board.templating).list)[0]!.own]).toEqual([1, 2, 3, 4]);
    });

    test('has a bound on its panels', () => expect(asRecords(migrateDashboard({ panels: Array.from({ length: 6000 }, () => ({ type: 'stat' })) }).panels)).toHaveLength(5000));

    test('of hostile names is one as others', () => {
        const board = migrateDashboard(JSON.parse('{"panels": [{"type": "constructor", "__proto__": {"polluted": 1}, "options": {"__proto__": 1}}], "__proto__": {"polluted": 1}}') as Json);
        expect(asRecords(board.panels)).toHaveLength(1);
        expect(() => structuredClone(board)).not.toThrow();
        expect(({} as Json).polluted).toBeUndefined();
    });
});
