/*
 * old: the forms of panels and rows that Grafana has not written for years: graph, singlestat, tables with styles, rows of
 * schema 15. Few dashboards have them, so that the page loads this when one does (core.ts).
 */
import { asNumber, asRecord, asRecords, asText, without, type Json } from '../json';
import type { OldForms } from './core';
import { newReducer } from './fieldconfig';
import { migrateGraph } from './graph';
import { migrateSinglestat } from './singlestat';
import { migrateOldTable } from './table';

// ---- rows of schema 15 and before ----

const OLD_ROW_PX = 250;
const GRID_ROW_PX = 38;

function heightOf(value: unknown): number {
    const px = asNumber(typeof value === 'string' ? value.replace('px', '') : value) ?? OLD_ROW_PX;
    return Math.max(3, Math.ceil(px / GRID_ROW_PX));
}

function placeRow(row: Json, top: number): { panels: Json[]; bottom: number } {
    const height = heightOf(row.height);
    let x = 0;
    let y = top;
    const placed = asRecords(row.panels).map((panel) => {
        const w = Math.min(24, Math.max(1, Math.round((asNumber(panel.span) ?? 4) * 2)));
        const h = panel.height !== undefined ? heightOf(panel.height) : height;
        if (x + w > 24) {
            x = 0;
            y += height;
        }
        const result = { ...without(panel, ['span', 'height']), gridPos: { x, y, w, h } };
        x += w;
        return result;
    });
    return { panels: placed, bottom: placed.length > 0 ? y + height : top };
}

/** flattenRows turns rows[] into panels with places; a row is shown as one where it has a title, is folded or repeats. */
export function flattenRows(dashboard: Json): Json[] {
    /* Copies of repeated rows are made anew. */
    const rows = asRecords(dashboard.rows).filter((row) => !row.repeatIteration);
    const showRows = rows.some((r) => r.collapse === true || r.showTitle === true || asText(r.repeat));
    const panels: Json[] = [];
    let y = 0;
    let id = 1 + rows.flatMap((r) => asRecords(r.panels)).reduce((most, p) => Math.max(most, asNumber(p.id) ?? 0), 0);
    for (const row of rows) {
        const folded = row.collapse === true;
        const head: Json = { type: 'row', id: id++, title: asText(row.title) ?? '', collapsed: folded, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] };
        if (asText(row.repeat)) {
            head.repeat = row.repeat;
        }
        y += showRows ? 1 : 0;
        const { panels: inner, bottom } = placeRow(row, y);
        if (showRows) {
            panels.push(folded ? { ...head, panels: inner } : head);
        }
        if (!showRows || !folded) {
            inner.forEach((one) => panels.push(one));
            y = bottom;
        }
    }
    return panels;
}

// ---- panels ----

function migrateText(panel: Json): Json {
    if (panel.content === undefined && panel.mode === undefined) {
        return panel;
    }
    const { content, mode, ...rest } = panel;
    return { ...rest, options: { ...asRecord(panel.options), content: asText(content) ?? '', mode: asText(mode) ?? 'markdown' } };
}

function migratePie(panel: Json): Json {
    if (panel.type !== 'grafana-piechart-panel') {
        return panel;
    }
    const calc = newReducer(asText(panel.valueName) ?? 'current');
    return {
        ...panel,
        options: {
            pieType: panel.pieType === 'donut' ? 'donut' : 'pie', reduceOptions: { calcs: [calc], values: false }, displayLabels: [],
            legend: { showLegend: panel.legendType !== 'On graph' && asRecord(panel.legend).show !== false, placement: panel.legendType === 'Right side' ? 'right' : 'bottom', displayMode: 'list', values: asRecord(panel.legend).percentage === true ? ['percent'] : [] },
        },
        fieldConfig: {
            defaults: { ...(asText(panel.format) ? { unit: panel.format } : {}), color: { mode: 'palette-classic' } },
            overrides: Object.entries(asRecord(panel.aliasColors)).map(([name, color]) => ({ matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }] })),
        },
    };
}

const OLD_HEATMAP = ['cards', 'color', 'dataFormat', 'heatmap', 'hideZeroBuckets', 'highlightCards', 'legend', 'reverseYBuckets', 'tooltip', 'xAxis', 'yAxis', 'yBucketBound'];

function migrateHeatmap(panel: Json): Json {
    if (panel.yAxis === undefined && panel.color === undefined) {
        return panel;
    }
    const y = asRecord(panel.yAxis);
    const color = asRecord(panel.color);
    return {
        ...without(panel, OLD_HEATMAP),
        options: {
            ...asRecord(panel.options),
            calculate: panel.dataFormat !== 'tsbuckets',
            color: { mode: color.mode === 'opacity' ? 'opacity' : 'scheme', scheme: (asText(color.colorScheme) ?? 'interpolateOranges').replace('interpolate', ''), fill: asText(color.cardColor) ?? 'dark-orange', steps: 64, exponent: asNumber(color.exponent) ?? 0.5 },
            yAxis: { unit: asText(y.format) ?? 'short', ...(asNumber(y.decimals) !== undefined ? { decimals: asNumber(y.decimals) } : {}), ...(asNumber(y.min) !== undefined ? { min: asNumber(y.min) } : {}), ...(asNumber(y.max) !== undefined ? { max: asNumber(y.max) } : {}), reverse: panel.reverseYBuckets === true },
            legend: { show: asRecord(panel.legend).show === true },
            tooltip: { mode: asRecord(panel.tooltip).show === false ? 'none' : 'single', yHistogram: asRecord(panel.tooltip).showHistogram === true },
        },
    };
}

/** oldPanel gives a panel of an old form in a newer one. */
export function oldPanel(panel: Json): Json {
    switch (panel.type) {
        case 'graph':
            return migrateGraph(panel);
        case 'singlestat':
        case 'grafana-singlestat-panel':
            return migrateSinglestat(panel);
        case 'table':
        case 'table-old':
            return migrateOldTable(panel);
        case 'text':
            return migrateText(panel);
        case 'grafana-piechart-panel':
            return migratePie(panel);
        case 'heatmap':
            return migrateHeatmap(panel);
        default:
            return panel;
    }
}

export const oldForms: OldForms = { panel: oldPanel, rows: flattenRows };
