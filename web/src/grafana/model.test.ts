import { describe, expect, test } from 'vitest';
import type { Json } from './json';
import { allPanels, isOwnSource, readDashboard, readFieldConfig, readGridPos, readPanel, type AnnotationModel, type GridPos, type PanelModel, type Target, type VariableModel } from './model';

const target = (json: Json, index = 0): Target => readPanel({ targets: [...Array<Json>(index).fill({}), json] }).targets[index]!;
const variable = (json: Json): VariableModel => readDashboard({ templating: { list: [{ name: 'v', ...json }] } }).variables[0]!;
const annotation = (json: Json): AnnotationModel => readDashboard({ annotations: { list: [json] } }).annotations[0]!;

test.each<[unknown, GridPos]>([
    [{ x: 6, y: 2, w: 6, h: 4 }, { x: 6, y: 2, w: 6, h: 4 }],
    [{}, { x: 0, y: 0, w: 12, h: 8 }],
    [undefined, { x: 0, y: 0, w: 12, h: 8 }],
    ['x', { x: 0, y: 0, w: 12, h: 8 }],
    [{ x: '6', w: '6' }, { x: 6, y: 0, w: 6, h: 8 }],
    [{ x: 20, w: 12 }, { x: 12, y: 0, w: 12, h: 8 }],
    [{ x: -5, y: -5, w: -1, h: 0 }, { x: 0, y: 0, w: 1, h: 1 }],
    [{ w: 99 }, { x: 0, y: 0, w: 24, h: 8 }],
    [{ x: 1.4, y: 2.6, w: 5.5, h: 3.2 }, { x: 1, y: 3, w: 6, h: 3 }],
    [{ x: NaN, y: null, w: Infinity }, { x: 0, y: 0, w: 12, h: 8 }],
])('place %j is %j', (json, want) => expect(readGridPos(json)).toEqual(want));

describe('a query', () => {
    test.each<[Json, Partial<Target>]>([
        [{ refId: 'X', expr: 'up' }, { refId: 'X', expr: 'up', instant: false, range: true, exemplar: false, hide: false }],
        [{ query: '{job="x"}' }, { expr: '{job="x"}' }],
        [{ expr: '', query: 'x' }, { expr: '' }],
        [{ expr: 5 }, { expr: '' }],
        [{ instant: true }, { instant: true, range: false }],
        [{ instant: true, range: true }, { instant: true, range: true }],
        [{ instant: 'true', range: 'yes' }, { instant: false, range: false }],
        [{ format: 'table' }, { format: 'table' }],
        [{ legendFormat: '' }, { legendFormat: '' }],
        [{ interval: '30s', intervalFactor: '2' }, { interval: '30s', intervalFactor: 2 }],
        [{ hide: true, exemplar: true }, { hide: true, exemplar: true }],
        [{ datasource: 'Loki' }, { source: { uid: 'Loki' } }],
        [{ datasource: { type: 'loki', uid: 'l' } }, { source: { type: 'loki', uid: 'l' } }],
    ])('%j', (json, want) => expect(target(json)).toMatchObject(want));

    test('has no members that say nothing', () => expect(Object.keys(target({ interval: '', format: 'nope', datasource: null, intervalFactor: 'x', legendFormat: 5 })).sort()).toEqual(['exemplar', 'expr', 'hide', 'instant', 'range', 'refId']));

    test('without a letter gets the one of its place', () => expect([0, 1, 25, 26].map((i) => target({}, i).refId)).toEqual(['A', 'B', 'Z', 'A']));
});

describe('a panel', () => {
    test('of nothing', () => {
        expect(readPanel({})).toEqual({
            id: 0, type: 'unknown', title: '', description: '', gridPos: { x: 0, y: 0, w: 12, h: 8 }, targets: [], options: {}, fieldConfig: { defaults: {}, overrides: [] }, transformations: [], transparent: false, repeatDirection: 'h', maxPerRow: 4, hideTimeOverride: false, links: [],
            collapsed: false, panels: [], raw: {},
        });
    });

    test.each<[Json, Partial<PanelModel>]>([
        [{ id: '7', title: 'é', transparent: true }, { id: 7, title: 'é', transparent: true }],
        [{ title: 5, type: null, options: [], targets: {} }, { title: '', type: 'unknown', options: {}, targets: [] }],
        [{ repeat: 'host', repeatDirection: 'v', maxPerRow: '2' }, { repeat: 'host', repeatDirection: 'v', maxPerRow: 2 }],
        [{ repeatDirection: 'x' }, { repeatDirection: 'h' }],
        [{ maxDataPoints: '100', interval: '1m', timeFrom: '2h', timeShift: '1d', hideTimeOverride: true }, { maxDataPoints: 100, interval: '1m', timeFrom: '2h', timeShift: '1d', hideTimeOverride: true }],
        [{ type: 'row', gridPos: { x: 3, y: 5, w: 2, h: 9 }, collapsed: true }, { gridPos: { x: 0, y: 5, w: 24, h: 1 }, collapsed: true }],
        [{ transformations: [{ id: 'limit', options: { limitField: 1 }, disabled: true, filter: { id: 'byRefId' } }, { options: 'x' }, null] }, { transformations: [{ id: 'limit', options: { limitField: 1 }, disabled: true, filter: { id: 'byRefId' } }, { id: '', options: {} }] }],
    ])('%j', (json, want) => expect(readPanel(json)).toMatchObject(want));

    test('empty texts are as none', () => expect(Object.keys(readPanel({ repeat: '', interval: '', timeFrom: null, timeShift: 5, datasource: null, maxDataPoints: 'x' })).filter((k) => ['repeat', 'interval', 'timeFrom', 'timeShift', 'source', 'maxDataPoints'].includes(k))).toEqual([]));

    test.each<[Json, string]>([
        [{ url: '/x' }, '/x'],
        [{ url: '/x', keepTime: true }, '/x?${__url_time_range}'],
        [{ url: '/x?a=1', keepTime: true, includeVars: true }, '/x?a=1&${__url_time_range}&${__all_variables}'],
        [{ url: '/x', params: 'b=2' }, '/x?b=2'],
        [{ url: '/x', keepTime: 'yes', params: '' }, '/x'],
        [{}, ''],
    ])('link %j leads to %s', (json, want) => expect(readPanel({ links: [json] }).links[0]!.url).toBe(want));

    test('field config', () => {
        expect(readFieldConfig({ defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'unit', value: 'ms' }, null, {}] }, {}] })).toEqual({
            defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'unit', value: 'ms' }, { id: '', value: undefined }] }, { matcher: { id: '', options: undefined }, properties: [] }],
        });
        expect(readFieldConfig(null)).toEqual({ defaults: {}, overrides: [] });
    });

    test('rows hold panels', () => {
        const board = readDashboard({ panels: [{ id: 1, type: 'row', panels: [{ id: 2 }, { id: 3 }] }, { id: 4 }] });
        expect(allPanels(board.panels).map((p) => p.id)).toEqual([1, 2, 3, 4]);
    });
});

test.each<[Json | undefined, boolean]>([
    [undefined, true],
    [{}, true],
    [{ uid: 'x' }, true],
    [{ type: '' }, true],
    [{ type: 'prometheus', uid: 'p' }, true],
    [{ type: 'datasource', uid: '-- Mixed --' }, true],
    [{ type: '$ds' }, true],
    [{ type: '${DS}' }, true],
    [{ type: '__expr__' }, true],
    [{ type: 'loki' }, false],
    [{ type: 'tempo' }, false],
    [{ type: 'Prometheus' }, false],
])('data source %j is ours: %j', (source, want) => expect(isOwnSource(source)).toBe(want));

describe('a variable', () => {
    test.each<[Json, Partial<VariableModel>]>([
        [{ type: 'query', query: 'metrics(x)' }, { type: 'query', query: 'metrics(x)' }],
        [{ type: 'query', query: { query: 'label_values(job)', refId: 'A' } }, { query: 'label_values(job)' }],
        [{ type: 'query', query: { qryType: 1 } }, { query: '' }],
        [{ type: 'switch' }, { type: 'unknown' }],
        [{}, { type: 'unknown', hide: 'no', refresh: 'never', sort: 0, multi: false, current: { text: '', value: '' } }],
        [{ hide: 1 }, { hide: 'label' }],
        [{ hide: '2' }, { hide: 'all' }],
        [{ hide: 3 }, { hide: 'no' }],
        [{ hide: -1 }, { hide: 'no' }],
        [{ refresh: 1 }, { refresh: 'load' }],
        [{ refresh: 2 }, { refresh: 'range' }],
        [{ refresh: true }, { refresh: 'load' }],
        [{ refresh: 9 }, { refresh: 'never' }],
        [{ current: { text: 'All', value: ['$__all'] } }, { current: { text: 'All', value: ['$__all'] } }],
        [{ current: { text: 5, value: [1, true] } }, { current: { text: '5', value: ['1', 'true'] } }],
        [{ current: { text: null, value: undefined } }, { current: { text: '', value: '' } }],
        [{ current: 'x' }, { current: { text: '', value: '' } }],
        [{ options: [{ text: 'A', value: 'a', selected: true }, { value: 5 }, null, {}] }, { options: [{ text: 'A', value: 'a', selected: true }, { text: '5', value: '5', selected: false }, { text: '', value: '', selected: false }] }],
        [{ auto: true, auto_count: '10', auto_min: '1m' }, { auto: true, autoCount: 10, autoMin: '1m' }],
        [{ auto: 'yes' }, { auto: false, autoCount: 30, autoMin: '10s' }],
        [{ multi: true, includeAll: true, allValue: '.*' }, { multi: true, includeAll: true, allValue: '.*' }],
        [{ allValue: null }, { allValue: '' }],
        [{ type: 'adhoc', filters: [{ key: 'a', operator: '=~', value: 'x' }, { key: 'b' }, 5] }, { filters: [{ key: 'a', operator: '=~', value: 'x' }, { key: 'b', operator: '=', value: '' }] }],
    ])('%j', (json, want) => expect(variable(json)).toMatchObject(want));

    test('without a name is none', () => expect(readDashboard({ templating: { list: [{ type: 'query' }, { name: '' }, { name: 5 }, 'x'] } }).variables).toEqual([]));
});

test.each<[Json, Partial<AnnotationModel>]>([
    [{}, { name: '', enable: true, hide: false, iconColor: 'rgba(0, 211, 255, 1)', builtIn: false, expr: '', step: '60s', panels: { ids: [], exclude: false } }],
    [{ enable: false, hide: true, builtIn: 1 }, { enable: false, hide: true, builtIn: true }],
    [{ enable: 'no', builtIn: true }, { enable: true, builtIn: true }],
    [{ target: { expr: 'x', interval: '5m' } }, { expr: 'x', step: '5m' }],
    [{ target: { expr: 'x', step: '1m', interval: '5m' } }, { step: '1m' }],
    [{ expr: 'y', step: '10s', target: { expr: 'x' } }, { expr: 'y', step: '10s' }],
    [{ useValueForTime: 'on' }, { useValueForTime: true }],
    [{ filter: { exclude: true, ids: [1, '2', 'x', null, NaN] } }, { panels: { exclude: true, ids: [1, 2, 0] } }],
    [{ datasource: { type: 'loki' } }, { source: { type: 'loki' } }],
])('annotation %j', (json, want) => expect(annotation(json)).toMatchObject(want));

describe('a dashboard', () => {
    test('of nothing, and of the wrong types', () => {
        const nothing = {
            uid: '', title: '', description: '', tags: [], panels: [], variables: [], annotations: [], links: [], time: { from: 'now-6h', to: 'now' }, refresh: '', timezone: '', weekStart: '', fiscalStart: 0, graphTooltip: 0, editable: true, schemaVersion: 0, version: 0,
            refreshIntervals: ['5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h', '2h', '1d'], hidesTime: false,
        };
        expect(readDashboard({})).toEqual(nothing);
        expect(readDashboard({ uid: 5, title: null, tags: 'x', panels: {}, templating: [], annotations: 5, links: null, time: 'now', refresh: false, timezone: 1, weekStart: {}, graphTooltip: 'x', editable: 'no', schemaVersion: [], timepicker: 'x' })).toEqual(nothing);
    });

    test('in full', () => {
        expect(readDashboard({
            uid: 'u', title: 'é', tags: ['a', 5], time: { from: 'now/d', to: 'now/d' }, refresh: '30s', timezone: 'utc', weekStart: 'monday', fiscalYearStartMonth: 3, graphTooltip: 2, editable: false, schemaVersion: '39', version: 3, timepicker: { hidden: true, refresh_intervals: ['1m', 5] },
            links: [{ type: 'link', title: 'l', url: '/x', keepTime: true, icon: 'doc' }, { type: 'dashboards', tags: ['t'], asDropdown: true, includeVars: true, targetBlank: true, tooltip: 'tip' }],
        })).toMatchObject({
            uid: 'u', title: 'é', tags: ['a'], time: { from: 'now/d', to: 'now/d' }, refresh: '30s', timezone: 'utc', weekStart: 'monday', fiscalStart: 3, graphTooltip: 2, editable: false, schemaVersion: 39, version: 3, refreshIntervals: ['1m'], hidesTime: true,
            links: [{ type: 'link', title: 'l', url: '/x', keepTime: true, icon: 'doc', tags: [] }, { type: 'dashboards', tags: ['t'], asDropdown: true, includeVars: true, targetBlank: true, tooltip: 'tip', url: '' }],
        });
    });
});

test.each<[unknown, number]>([[0, 0], [11, 11], ['6', 6], [12, 0], [-1, 0], [1.5, 0], [1e99, 0], [null, 0], ['x', 0], [{}, 0]])('a fiscal year from %j begins in month %d', (fiscalYearStartMonth, want) =>
    expect(readDashboard({ fiscalYearStartMonth }).fiscalStart).toBe(want));
