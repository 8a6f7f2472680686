import { describe, expect, test } from 'vitest';
import { asRecord, asRecords, type Json } from '../json';
import { flattenRows, oldPanel } from './old';

const shown = (rows: unknown): string => flattenRows({ rows }).map((p) => {
    const { x, y, w, h } = asRecord(p.gridPos);
    return `${p.type === 'row' ? `row${p.collapsed === true ? `(${asRecords(p.panels).length})` : ''}` : String(p.id)} ${x},${y} ${w}x${h}`;
}).join(' | ');
const panel = (id: number, span: unknown = 6, rest: Json = {}): Json => ({ id, type: 'graph', span, ...rest });

/* Twelve columns of old are 24, 38 px are one row of today; a row without a height has 250 px. */
test.each<[string, unknown, string]>([
    ['beside each other', [{ panels: [panel(1), panel(2)] }], '1 0,0 12x7 | 2 12,0 12x7'],
    ['and in the next line', [{ panels: [panel(1, 8), panel(2, 8)] }], '1 0,0 16x7 | 2 0,7 16x7'],
    ['rows below each other', [{ height: '76px', panels: [panel(1)] }, { height: 380, panels: [panel(2)] }], '1 0,0 12x3 | 2 0,3 12x10'],
    ['of least height', [{ height: 1, panels: [panel(1)] }], '1 0,0 12x3'],
    ['of a height that is none', [{ height: 'tall', panels: [panel(1)] }], '1 0,0 12x7'],
    ['a panel of its own height', [{ panels: [panel(1, 6, { height: '114px' }), panel(2)] }], '1 0,0 12x3 | 2 12,0 12x7'],
    ['without a span', [{ panels: [panel(1, null)] }], '1 0,0 8x7'],
    ['of odd spans', [{ panels: [panel(1, 0), panel(2, 99), panel(3, '4')] }], '1 0,0 1x7 | 2 0,7 24x7 | 3 0,14 8x7'],
    ['a title that is shown makes all rows', [{ showTitle: true, panels: [panel(1)] }, { panels: [panel(2)] }], 'row 0,0 24x1 | 1 0,1 12x7 | row 0,8 24x1 | 2 0,9 12x7'],
    ['folded', [{ collapse: true, panels: [panel(1), panel(2)] }, { panels: [panel(3)] }], 'row(2) 0,0 24x1 | row 0,1 24x1 | 3 0,2 12x7'],
    ['an empty row', [{ panels: [] }, { panels: [panel(1)] }], '1 0,0 12x7'],
    ['copies of a repeated row', [{ repeat: 'host', panels: [panel(1)] }, { repeatIteration: 5, panels: [panel(9)] }], 'row 0,0 24x1 | 1 0,1 12x7'],
    ['what is no list', 'x', ''],
    ['what are no rows', [null, 5, {}], ''],
])('rows: %s', (_, rows, want) => expect(shown(rows)).toBe(want));

test('rows have numbers that no panel has, and what they say', () => {
    const [row] = flattenRows({ rows: [{ title: 'é', repeat: 'host', collapse: true, panels: [panel(7)] }] });
    expect(row).toMatchObject({ id: 8, title: 'é', repeat: 'host', collapsed: true });
    expect(asRecords(row!.panels)[0]).toEqual({ id: 7, type: 'graph', gridPos: { x: 0, y: 1, w: 12, h: 7 } });
});

describe('panels', () => {
    test.each<[string, Json, Json]>([
        ['text', { type: 'text', content: '# x', mode: 'html' }, { type: 'text', options: { content: '# x', mode: 'html' } }],
        ['text without a mode', { type: 'text', content: 'x', options: { own: 1 } }, { type: 'text', options: { own: 1, content: 'x', mode: 'markdown' } }],
        ['text of today', { type: 'text', options: { content: 'y' } }, { type: 'text', options: { content: 'y' } }],
        ['text of the wrong type', { type: 'text', content: 5 }, { type: 'text', options: { content: '', mode: 'markdown' } }],
        ['another', { type: 'stat', content: 'x' }, { type: 'stat', content: 'x' }],
        ['a heatmap of today', { type: 'heatmap', options: {} }, { type: 'heatmap', options: {} }],
    ])('%s', (_, json, want) => expect(oldPanel(json)).toEqual(want));

    test('pies', () => {
        expect(oldPanel({ type: 'grafana-piechart-panel', pieType: 'donut', valueName: 'avg', format: 's', legendType: 'Right side', legend: { percentage: true }, aliasColors: { a: 'red' } })).toMatchObject({
            options: { pieType: 'donut', reduceOptions: { calcs: ['mean'] }, legend: { showLegend: true, placement: 'right', values: ['percent'] } },
            fieldConfig: { defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: 'red' } }] }] },
        });
        expect(asRecord(asRecord(oldPanel({ type: 'grafana-piechart-panel', legendType: 'On graph' }).options).legend)).toMatchObject({ showLegend: false, placement: 'bottom' });
        expect(asRecord(oldPanel({ type: 'grafana-piechart-panel' }).options)).toMatchObject({ pieType: 'pie', reduceOptions: { calcs: ['lastNotNull'] } });
    });

    test('heatmaps', () => {
        expect(oldPanel({ type: 'heatmap', dataFormat: 'tsbuckets', color: { mode: 'spectrum', colorScheme: 'interpolateSpectral' }, yAxis: { format: 's', decimals: 0, min: '1', max: null }, legend: { show: true }, tooltip: { show: false }, reverseYBuckets: true, cards: {} })).toEqual({
            type: 'heatmap', options: {
                calculate: false, color: { mode: 'scheme', scheme: 'Spectral', fill: 'dark-orange', steps: 64, exponent: 0.5 }, yAxis: { unit: 's', decimals: 0, min: 1, reverse: true }, legend: { show: true }, tooltip: { mode: 'none', yHistogram: false },
            },
        });
        expect(oldPanel({ type: 'heatmap', color: { mode: 'opacity', cardColor: '#f00', exponent: 1 } }).options).toMatchObject({ calculate: true, color: { mode: 'opacity', fill: '#f00', exponent: 1 }, yAxis: { unit: 'short', reverse: false }, legend: { show: false }, tooltip: { mode: 'single' } });
    });
});
