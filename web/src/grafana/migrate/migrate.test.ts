import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allPanels, readDashboard } from '../model';
import { type Json } from '../json';
import { migrateDashboard, migratePanel } from './index';

function panel(json: Json): Json {
    return migratePanel({ id: 1, ...json });
}

test('a graph becomes a time series', () => {
    const result = panel({
        type: 'graph', title: 'x', lines: true, linewidth: 2, fill: 3, points: true, pointradius: 1, stack: true, percentage: true, steppedLine: true, nullPointMode: 'connected',
        yaxes: [{ format: 'bytes', min: '0', max: null, logBase: 10, label: 'size' }, { format: 'percent', show: true, max: 100 }],
        legend: { show: true, values: true, min: true, avg: true, current: true, alignAsTable: true, rightSide: true }, tooltip: { shared: true, sort: 2 },
        aliasColors: { used: '#f00' }, thresholds: [{ value: 80, op: 'gt', colorMode: 'critical', line: true, fill: true }],
        seriesOverrides: [{ alias: '/limit.*/', yaxis: 2, fill: 0, dashes: true, color: 'blue', stack: false }, { alias: 'out', transform: 'negative-Y', bars: true }, { alias: 'nothing' }],
    });
    expect(result.type).toBe('timeseries');
    expect(result.options).toEqual({ legend: { showLegend: true, displayMode: 'table', placement: 'right', calcs: ['min', 'mean', 'lastNotNull'] }, tooltip: { mode: 'multi', sort: 'desc' } });
    const { defaults, overrides } = result.fieldConfig as { defaults: Json; overrides: Json[] };
    expect(defaults).toMatchObject({
        unit: 'bytes', min: 0, color: { mode: 'palette-classic' }, thresholds: { steps: [{ value: null, color: 'transparent' }, { value: 80, color: 'red' }] },
        custom: {
            drawStyle: 'line', lineWidth: 2, fillOpacity: 30, showPoints: 'always', pointSize: 4, lineInterpolation: 'stepAfter', spanNulls: true, stacking: { mode: 'percent', group: 'A' },
            scaleDistribution: { type: 'log', log: 10 }, axisLabel: 'size', thresholdsStyle: { mode: 'line+area' },
        },
    });
    expect(overrides[0]).toEqual({ matcher: { id: 'byName', options: 'used' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: '#f00' } }] });
    expect(overrides[1]).toEqual({
        matcher: { id: 'byRegexp', options: '/limit.*/' },
        properties: [
            { id: 'custom.axisPlacement', value: 'right' }, { id: 'unit', value: 'percent' }, { id: 'max', value: 100 }, { id: 'custom.fillOpacity', value: 0 },
            { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } }, { id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } }, { id: 'custom.stacking', value: { mode: 'none' } },
        ],
    });
    expect(overrides).toHaveLength(3);
    expect(result).not.toHaveProperty('seriesOverrides');
});

test.each([
    [{ bars: true, lines: false }, { drawStyle: 'bars', fillOpacity: 100 }],
    [{ lines: false, points: true }, { drawStyle: 'points', lineWidth: 0 }],
    [{}, { drawStyle: 'line', fillOpacity: 10, lineWidth: 1, stacking: { mode: 'none' } }],
])('a graph with %o', (json, want) => expect((panel({ type: 'graph', ...json }).fieldConfig as { defaults: Json }).defaults.custom).toMatchObject(want));

test('thresholds below a value', () => {
    const { defaults } = panel({ type: 'graph', thresholds: [{ value: 10, op: 'lt', colorMode: 'warning', fill: true }] }).fieldConfig as { defaults: Json };
    expect(defaults.thresholds).toEqual({ mode: 'absolute', steps: [{ value: null, color: 'orange' }, { value: 10, color: 'transparent' }] });
});

test('singlestat becomes a stat or a gauge', () => {
    const stat = panel({ type: 'singlestat', format: 's', decimals: 1, valueName: 'current', colorBackground: true, thresholds: '10,50', colors: ['red', 'yellow', 'green'], sparkline: { show: true }, valueMaps: [{ value: 'null', text: 'N/A' }, { value: '1', text: 'UP' }], nullText: '-' });
    expect(stat).toMatchObject({
        type: 'stat', options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'background', graphMode: 'area' },
        fieldConfig: { defaults: { unit: 's', decimals: 1, noValue: '-', thresholds: { steps: [{ color: 'red', value: null }, { color: 'yellow', value: 10 }, { color: 'green', value: 50 }] },
            mappings: [{ type: 'special', options: { match: 'null', result: { text: 'N/A' } } }, { type: 'value', options: { '1': { text: 'UP' } } }] } },
    });
    expect(panel({ type: 'singlestat', gauge: { show: true, minValue: 0, maxValue: 10 }, valueName: 'avg' })).toMatchObject({ type: 'gauge', options: { reduceOptions: { calcs: ['mean'] } }, fieldConfig: { defaults: { min: 0, max: 10 } } });
});

test('an old table', () => {
    const table = panel({ type: 'table', transform: 'table', styles: [{ pattern: 'Time', type: 'date', alias: 'When' }, { pattern: '/Value.*/', unit: 'bytes', colorMode: 'cell', thresholds: ['5'], colors: ['green', 'red'] }, { pattern: 'x', type: 'hidden' }, { pattern: '/.*/', unit: 'short', decimals: 2 }] });
    expect(table).toMatchObject({ type: 'table', transformations: [{ id: 'merge' }], fieldConfig: { defaults: { unit: 'short', decimals: 2 } } });
    expect((table.fieldConfig as { overrides: Json[] }).overrides).toEqual([
        { matcher: { id: 'byName', options: 'Time' }, properties: [{ id: 'displayName', value: 'When' }, { id: 'unit', value: 'dateTimeAsIso' }] },
        { matcher: { id: 'byRegexp', options: '/Value.*/' }, properties: [{ id: 'unit', value: 'bytes' }, { id: 'custom.cellOptions', value: { type: 'color-background' } }, { id: 'thresholds', value: { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 5 }] } }] },
        { matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'custom.hidden', value: true }] },
    ]);
});

test('panels of version 6', () => {
    const gauge = panel({ type: 'gauge', options: { fieldOptions: { calcs: ['avg'], defaults: { unit: 's', title: 'T', thresholds: [{ color: 'green', index: 0, value: null }, { color: 'red', value: 5 }], mappings: [{ type: 1, value: '1', text: 'on' }, { type: 2, from: '2', to: '3', text: 'some' }] } } } });
    expect(gauge).toMatchObject({
        options: { reduceOptions: { calcs: ['mean'], values: false } },
        fieldConfig: { defaults: { unit: 's', displayName: 'T', thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 5 }] }, mappings: [{ type: 'value', options: { '1': { text: 'on' } } }, { type: 'range', options: { from: 2, to: 3 } }] } },
    });
});

test('rows of old become places', () => {
    const old = migrateDashboard({ rows: [
        { title: 'a', height: '250px', panels: [{ id: 1, span: 6, type: 'graph' }, { id: 2, span: 6, type: 'text', content: 'hi', mode: 'html' }, { id: 3, span: 12, type: 'graph' }] },
        { title: 'b', collapse: true, height: 100, panels: [{ id: 4, span: 12, type: 'singlestat' }] },
    ], sharedCrosshair: true });
    const board = readDashboard(old);
    expect(board.graphTooltip).toBe(1);
    expect(board.panels.map((p) => [p.type, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h])).toEqual([
        ['row', 0, 0, 24, 1], ['timeseries', 0, 1, 12, 7], ['text', 12, 1, 12, 7], ['timeseries', 0, 8, 24, 7], ['row', 0, 15, 24, 1],
    ]);
    expect(board.panels[4]!.panels.map((p) => p.type)).toEqual(['stat']);
    expect(board.panels[2]!.options).toMatchObject({ content: 'hi', mode: 'html' });
});

test('ids are unique, and files stay as they are', () => {
    const file = { panels: [{ id: 1, type: 'graph' }, { id: 1, type: 'stat' }, { type: 'stat' }] };
    const before = JSON.stringify(file);
    expect(new Set(readDashboard(migrateDashboard(file)).panels.map((p) => p.id)).size).toBe(3);
    expect(JSON.stringify(file)).toBe(before);
    expect(readDashboard(migrateDashboard({ dashboard: { title: 'inner', panels: [] }, meta: {} })).title).toBe('inner');
});

test('what is no dashboard is an empty one', () => {
    for (const json of [{}, { panels: 'x', templating: 5, annotations: [] }, { panels: [null, 1, 'x', {}], templating: { list: [{}] } }]) {
        expect(readDashboard(migrateDashboard(json as Json)).variables).toEqual([]);
    }
});

const NODE_EXPORTER = new URL('../../../../../shared/conformance/dashboards/node-exporter-full.json', import.meta.url);

test.skipIf(!existsSync(NODE_EXPORTER))('Node Exporter Full', () => {
    const board = readDashboard(migrateDashboard(JSON.parse(readFileSync(NODE_EXPORTER, 'utf8')) as Json));
    const panels = allPanels(board.panels).filter((p) => p.type !== 'row');
    expect(panels.length).toBeGreaterThan(100);
    expect([...new Set(panels.map((p) => p.type))].sort()).toEqual(['bargauge', 'gauge', 'stat', 'timeseries']);
    expect(panels.every((p) => p.targets.every((t) => t.expr !== ''))).toBe(true);
    expect(board.variables.map((v) => v.name)).toEqual(['ds_prometheus', 'job', 'nodename', 'node']);
});
