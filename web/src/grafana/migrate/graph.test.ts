import { describe, expect, test } from 'vitest';
import { asRecord, asRecords, type Json } from '../json';
import { migrateGraph } from './graph';

const defaultsOf = (json: Json): Json => asRecord(asRecord(migrateGraph({ type: 'graph', ...json }).fieldConfig).defaults);
const customOf = (json: Json): Json => asRecord(defaultsOf(json).custom);
const overridesOf = (json: Json): Json[] => asRecords(asRecord(migrateGraph({ type: 'graph', ...json }).fieldConfig).overrides);

/* What Grafana's own migration makes of each option. */
describe('how series are drawn', () => {
    test.each<[string, Json, Json]>([
        ['nothing said', {}, { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never', spanNulls: false, lineInterpolation: 'linear', stacking: { mode: 'none', group: 'A' } }],
        ['no fill', { fill: 0, linewidth: 0 }, { fillOpacity: 0, lineWidth: 0 }],
        ['numbers as texts', { fill: '5', linewidth: '3' }, { fillOpacity: 50, lineWidth: 3 }],
        ['points', { points: true, pointradius: 5 }, { showPoints: 'always', pointSize: 12 }],
        ['a radius without points', { pointradius: 5 }, { pointSize: 5 }],
        ['bars are full', { bars: true, fill: 1 }, { drawStyle: 'bars', fillOpacity: 100 }],
        ['neither lines nor points', { lines: false }, { lineWidth: 0 }],
        ['steps', { steppedLine: true }, { lineInterpolation: 'stepAfter' }],
        ['gaps connected', { nullPointMode: 'connected' }, { spanNulls: true }],
        ['gaps left', { nullPointMode: 'null' }, { spanNulls: false }],
        ['gaps as zero', { nullPointMode: 'null as zero' }, { spanNulls: false }],
        ['stacked', { stack: true }, { stacking: { mode: 'normal', group: 'A' } }],
        ['in percent', { stack: true, percentage: true }, { stacking: { mode: 'percent', group: 'A' } }],
        ['percent of nothing stacked', { percentage: true }, { stacking: { mode: 'none', group: 'A' } }],
        ['gradient', { fillGradient: 7, fill: 1 }, { gradientMode: 'opacity', fillOpacity: 70 }],
        ['dashes', { dashes: true, dashLength: 5 }, { lineStyle: { fill: 'dash', dash: [5, 10] } }],
        ['no dashes', { dashes: false, dashLength: 5 }, { lineStyle: { fill: 'solid' } }],
        ['an area between two series', { seriesOverrides: [{ alias: 'max', fillBelowTo: 'min', lines: false }] }, { fillOpacity: 35 }],
    ])('%s', (_, json, want) => expect(customOf(json)).toMatchObject(want));
});

describe('axes', () => {
    test.each<[string, Json, Json]>([
        ['unit and limits', { yaxes: [{ format: 'bytes', min: '0', max: '1e3', decimals: 1 }] }, { unit: 'bytes', min: 0, max: 1000, decimals: 1 }],
        ['limits that are none', { yaxes: [{ min: null, max: 'auto' }] }, { color: { mode: 'palette-classic' } }],
        ['the panel\'s own decimals', { decimals: 2, yaxes: [{ decimals: 1 }] }, { decimals: 2 }],
        ['of the oldest form', { y_formats: ['s', 'short'], leftYAxisLabel: 'took' }, { unit: 's', custom: { axisLabel: 'took' } }],
        ['hidden', { yaxes: [{ show: false }] }, { custom: { axisPlacement: 'hidden' } }],
        ['a label', { yaxes: [{ label: 'é' }] }, { custom: { axisLabel: 'é' } }],
        ['logarithms', { yaxes: [{ logBase: 10 }] }, { custom: { scaleDistribution: { type: 'log', log: 10 } } }],
        ['of another base', { yaxes: [{ logBase: 1024 }] }, { custom: { scaleDistribution: { type: 'log', log: 2 } } }],
        ['linear', { yaxes: [{ logBase: 1 }] }, { custom: { scaleDistribution: { type: 'linear' } } }],
        ['what is no list', { yaxes: 'x', y_formats: {} }, { custom: { axisLabel: '' } }],
        ['what version 7 said elsewhere', { fieldConfig: { defaults: { unit: 's', links: [{ url: '/x' }], custom: {} } }, yaxes: [{ format: 'ms' }] }, { unit: 'ms', links: [{ url: '/x' }] }],
    ])('%s', (_, json, want) => expect(defaultsOf(json)).toMatchObject(want));

    test('the right one is that of its series', () => {
        const yaxes = [{ format: 's' }, { format: 'percent', max: 100, decimals: 0, label: 'share' }];
        expect(overridesOf({ yaxes, seriesOverrides: [{ alias: 'a', yaxis: 2 }, { alias: 'b', yaxis: 1 }] })).toEqual([{
            matcher: { id: 'byName', options: 'a' },
            properties: [{ id: 'custom.axisPlacement', value: 'right' }, { id: 'unit', value: 'percent' }, { id: 'decimals', value: 0 }, { id: 'max', value: 100 }, { id: 'custom.axisLabel', value: 'share' }],
        }]);
        expect(overridesOf({ yaxes: [{}, { show: false }], seriesOverrides: [{ alias: 'a', yaxis: 2 }] })[0]!.properties).toEqual([{ id: 'custom.axisPlacement', value: 'hidden' }]);
    });

    test('that of time is hidden where it was', () => {
        const hidden = [{ matcher: { id: 'byType', options: 'time' }, properties: [{ id: 'custom.axisPlacement', value: 'hidden' }] }];
        expect([overridesOf({ xaxis: { show: false } }), overridesOf({ xaxis: { show: true } }), overridesOf({ xaxis: {} })]).toEqual([hidden, [], []]);
    });

    test.each([
        ['histogram', 'histogram'],
        ['series', 'bargauge'],
        ['time', 'timeseries'],
        [undefined, 'timeseries'],
        ['nope', 'timeseries'],
    ])('mode %s is %s', (mode, type) => expect(migrateGraph({ xaxis: { mode, values: ['max'] } }).type).toBe(type));

    test('one bar a series has its reducer', () => expect(asRecord(migrateGraph({ xaxis: { mode: 'series', values: ['current'] } }).options).reduceOptions).toEqual({ calcs: ['lastNotNull'], values: false }));
});

describe('overrides', () => {
    const properties = (json: Json): unknown => overridesOf({ seriesOverrides: [{ alias: 'x', ...json }] })[0]?.properties;
    test.each<[Json, [string, unknown][] | undefined]>([
        [{ fill: 3 }, [['custom.fillOpacity', 30]]],
        [{ fill: 'x' }, [['custom.fillOpacity', 0]]],
        [{ bars: true }, [['custom.drawStyle', 'bars'], ['custom.fillOpacity', 100]]],
        [{ bars: false }, [['custom.drawStyle', 'line']]],
        [{ lines: true }, [['custom.drawStyle', 'line']]],
        [{ lines: false }, [['custom.lineWidth', 0]]],
        [{ lines: false, points: true }, [['custom.lineWidth', 0], ['custom.drawStyle', 'points'], ['custom.showPoints', 'always']]],
        [{ linewidth: 5 }, [['custom.lineWidth', 5]]],
        [{ pointradius: 1 }, [['custom.pointSize', 4]]],
        [{ steppedLine: true }, [['custom.lineInterpolation', 'stepAfter']]],
        [{ dashes: true, spaceLength: 3 }, [['custom.lineStyle', { fill: 'dash', dash: [10, 3] }]]],
        [{ dashes: false }, [['custom.lineStyle', { fill: 'solid' }]]],
        [{ stack: 'B' }, [['custom.stacking', { mode: 'normal', group: 'B' }]]],
        [{ stack: true }, [['custom.stacking', { mode: 'normal', group: 'A' }]]],
        [{ stack: false }, [['custom.stacking', { mode: 'none' }]]],
        [{ color: '#f00' }, [['color', { mode: 'fixed', fixedColor: '#f00' }]]],
        [{ transform: 'negative-Y' }, [['custom.transform', 'negative-Y']]],
        [{ transform: 'constant' }, [['custom.transform', 'constant']]],
        [{ fillBelowTo: 'min' }, [['custom.fillBelowTo', 'min']]],
        [{ fillGradient: 2 }, [['custom.gradientMode', 'opacity'], ['custom.fillOpacity', 20]]],
        [{ fillGradient: 0 }, undefined],
        [{ nullPointMode: 'connected' }, [['custom.spanNulls', true]]],
        [{ hiddenSeries: true }, [['custom.hideFrom', { viz: true, legend: false, tooltip: false }]]],
        [{ hiddenSeries: false }, undefined],
        [{ legend: false }, [['custom.hideFrom', { viz: false, legend: true, tooltip: false }]]],
        [{ hideTooltip: true }, [['custom.hideFrom', { viz: false, legend: false, tooltip: true }]]],
        [{}, undefined],
        [{ zindex: 3, $$hashKey: 'x' }, undefined],
        [{ constructor: 1, toString: 2 }, undefined],
    ])('%j', (json, want) => expect(properties(json)).toEqual(want?.map(([id, value]) => ({ id, value }))));

    test.each([
        ['/web/', 'byRegexp'],
        ['/web.*/i', 'byRegexp'],
        ['web', 'byName'],
        ['/', 'byName'],
        ['//', 'byName'],
        ['/a', 'byName'],
        ['/a/b', 'byName'],
        ['', 'byName'],
    ])('alias "%s" is matched %s', (alias, id) =>
        expect(overridesOf({ seriesOverrides: [{ alias, fill: 1 }] })[0]!.matcher).toEqual({ id, options: alias }));

    test('that have no alias are none; those of version 7 and colours go first', () => {
        const own = { matcher: { id: 'byName', options: 'o' }, properties: [] };
        expect(overridesOf({ seriesOverrides: [{ fill: 1 }, null, 'x'], aliasColors: { a: 'red', b: null, c: 5 }, fieldConfig: { overrides: [own] } })).toEqual([own, { matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: 'red' } }] }]);
    });
});

describe('thresholds', () => {
    const steps = (...list: Json[]): unknown => asRecords(asRecord(defaultsOf({ thresholds: list }).thresholds).steps).map((s) => `${s.value}:${s.color}`).join(' ');
    const gt = (value: unknown, colorMode = 'critical'): Json => ({ op: 'gt', value, colorMode });
    const lt = (value: unknown, colorMode = 'critical'): Json => ({ op: 'lt', value, colorMode });
    test.each<[string, Json[], string]>([
        ['above', [gt(80)], 'null:transparent 80:red'],
        ['in two colours, whatever the order', [gt(80), gt(50, 'warning')], 'null:transparent 50:orange 80:red'],
        ['below', [lt(10)], 'null:red 10:transparent'],
        ['below in two colours', [lt(10), lt(20, 'warning')], 'null:red 10:orange 20:transparent'],
        ['outside', [lt(10), gt(80)], 'null:red 10:transparent 80:red'],
        ['between', [gt(10, 'warning'), lt(80)], 'null:transparent 10:orange 80:transparent'],
        ['numbers as texts', [gt('5')], 'null:transparent 5:red'],
        ['what is no number', [gt('x'), gt(null)], ''],
        ['own colours', [{ op: 'gt', value: 1, colorMode: 'custom', fillColor: '#111', lineColor: '#222' }], 'null:transparent 1:#111'],
        ['own line', [{ op: 'gt', value: 1, colorMode: 'custom', lineColor: '#222' }], 'null:transparent 1:#222'],
        ['good', [gt(1, 'ok')], 'null:transparent 1:green'],
        ['of a hostile colour', [gt(1, 'constructor')], 'null:transparent 1:red'],
    ])('%s', (_, list, want) => expect(steps(...list)).toBe(want));

    test.each<[Json, string]>([
        [{ line: true, fill: true }, 'line+area'],
        [{ fill: true }, 'area'],
        [{ line: true }, 'line'],
        [{}, 'line'],
    ])('%j is drawn as %s', (json, mode) => expect(customOf({ thresholds: [{ ...gt(1), ...json }] }).thresholdsStyle).toEqual({ mode }));

    test('none says nothing', () => expect([customOf({ thresholds: [] }).thresholdsStyle, defaultsOf({}).thresholds]).toEqual([undefined, undefined]));
});

describe('legend and tooltip', () => {
    const options = (json: Json): Json => asRecord(migrateGraph(json).options);
    test.each<[Json, Json]>([
        [{}, { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }],
        [{ legend: { show: false } }, { showLegend: false }],
        [{ legend: { alignAsTable: true, rightSide: true } }, { displayMode: 'table', placement: 'right' }],
        [{ legend: { values: true, max: true, avg: true, current: true, min: false, total: true, hideEmpty: true } }, { calcs: ['max', 'mean', 'lastNotNull', 'sum'] }],
        [{ legend: { max: true } }, { calcs: [] }],
        [{ legend: { sort: 'avg', sortDesc: true } }, { sortBy: 'avg', sortDesc: true }],
    ])('%j', (json, want) => expect(options(json).legend).toMatchObject(want));

    test.each<[unknown, Json]>([
        [undefined, { mode: 'multi', sort: 'none' }],
        [{ shared: false }, { mode: 'single', sort: 'none' }],
        [{ shared: true, sort: 1 }, { mode: 'multi', sort: 'asc' }],
        [{ sort: 2 }, { mode: 'multi', sort: 'desc' }],
        [{ sort: 7 }, { mode: 'multi', sort: 'none' }],
    ])('tooltip %j', (tooltip, want) => expect(options({ tooltip }).tooltip).toEqual(want));
});

test('old members go, others stay', () => {
    expect(Object.keys(migrateGraph({ id: 1, type: 'graph', title: 't', targets: [], own: 1, lines: true, yaxes: [], renderer: 'flot', seriesOverrides: [] })).sort()).toEqual(['fieldConfig', 'id', 'options', 'own', 'targets', 'title', 'type']);
});
