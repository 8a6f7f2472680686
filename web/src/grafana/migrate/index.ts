/*
 * Migration: dashboards of any schema version in the newest form that the page knows. Works on a copy; the file keeps
 * what it has until somebody edits that part. Sources: Grafana's documented schema, and 135 public dashboards.
 */
import { asArray, asNumber, asRecord, asRecords, asText, clone, without, type Json } from '../json';
import { fixFieldConfig, newReducer } from './fieldconfig';
import { migrateGraph } from './graph';
import { migrateSinglestat } from './singlestat';
import { migrateOldTable } from './table';

/* Panels beyond these are cut off: the largest public dashboard has 1,300. */
const PANELS_MAX = 5000;

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
    const rows = asRecords(dashboard.rows);
    const showRows = rows.some((r) => r.collapse === true || r.showTitle === true || asText(r.repeat));
    const panels: Json[] = [];
    let y = 0;
    let id = 1 + Math.max(0, ...rows.flatMap((r) => asRecords(r.panels).map((p) => asNumber(p.id) ?? 0)));
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
            panels.push(...inner);
            y = bottom;
        }
    }
    return panels;
}

// ---- panels ----

const NEW_TYPES: Record<string, string> = {
    'grafana-piechart-panel': 'piechart', 'grafana-singlestat-panel': 'singlestat', 'table-old': 'table', 'heatmap-new': 'heatmap',
    'natel-discrete-panel': 'state-timeline', 'vonage-status-panel': 'stat', 'flant-statusmap-panel': 'status-history', 'michaeldmoore-multistat-panel': 'bargauge',
};

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

/* Options that panels of 6.x kept elsewhere: fieldOptions.calcs, orientation, legend without showLegend. */
function fixOptions(panel: Json): Json {
    const options = { ...asRecord(panel.options) };
    const old = asRecord(options.fieldOptions);
    if (options.reduceOptions === undefined && options.fieldOptions !== undefined) {
        options.reduceOptions = { calcs: asArray(old.calcs).map((c) => newReducer(String(c))), values: old.values === true };
        delete options.fieldOptions;
    }
    const legend = asRecord(options.legend);
    if (options.legend !== undefined && legend.showLegend === undefined) {
        options.legend = { ...legend, showLegend: legend.displayMode !== 'hidden', displayMode: legend.displayMode === 'hidden' ? 'list' : (legend.displayMode ?? 'list') };
    }
    return options;
}

function byType(panel: Json): Json {
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

/** migratePanel gives one panel in the newest form. */
export function migratePanel(panel: Json): Json {
    const moved = byType(panel);
    const type = NEW_TYPES[asText(moved.type) ?? ''] ?? moved.type;
    const result: Json = { ...moved, type, options: fixOptions(moved), fieldConfig: fixFieldConfig(moved) };
    if (panel.type === 'row') {
        result.panels = asRecords(panel.panels).map(migratePanel);
    }
    /* minSpan of old says how many columns of 12 a repeated panel takes at least. */
    const span = asNumber(panel.minSpan);
    if (span !== undefined && panel.maxPerRow === undefined) {
        result.maxPerRow = Math.max(1, Math.floor(24 / Math.max(1, span)));
    }
    return result;
}

// ---- the dashboard ----

/** withIds numbers the panels that have no number, or one that another has. */
export function withIds(panels: Json[]): Json[] {
    const seen = new Set<number>();
    let next = 1 + Math.max(0, ...panels.flatMap((p) => [asNumber(p.id) ?? 0, ...asRecords(p.panels).map((q) => asNumber(q.id) ?? 0)]));
    const fix = (panel: Json): Json => {
        const id = asNumber(panel.id);
        const fixed = id === undefined || seen.has(id) ? { ...panel, id: next++ } : panel;
        seen.add(asNumber(fixed.id)!);
        return fixed.panels === undefined ? fixed : { ...fixed, panels: asRecords(fixed.panels).map(fix) };
    };
    return panels.map(fix);
}

/* "$datasource" was a template name once, refresh a boolean, hide a flag of its own. */
export function migrateVariable(variable: Json): Json {
    const result = without(variable, ['hideVariable', 'hideLabel', 'refresh_on_load']);
    if (variable.hideVariable === true || variable.hideLabel === true) {
        result.hide = variable.hideVariable === true ? 2 : 1;
    }
    if (typeof variable.refresh === 'boolean') {
        result.refresh = variable.refresh ? 1 : 0;
    }
    if (variable.refresh_on_load === true) {
        result.refresh = 1;
    }
    if (variable.type === undefined && variable.query !== undefined) {
        result.type = 'query';
    }
    return result;
}

/** unwrap takes what an export or the API has around a dashboard away. */
export function unwrap(json: Json): Json {
    const inner = asRecord(json.dashboard);
    return json.panels === undefined && json.rows === undefined && Object.keys(inner).length > 0 ? inner : json;
}

/** migrateDashboard gives a copy in the newest form. */
export function migrateDashboard(loaded: Json): Json {
    const json = clone(unwrap(loaded));
    const panels = asRecords(json.panels).length === 0 && json.rows !== undefined ? flattenRows(json) : asRecords(json.panels);
    return {
        ...without(json, ['rows', 'sharedCrosshair']),
        graphTooltip: asNumber(json.graphTooltip) ?? (json.sharedCrosshair === true ? 1 : 0),
        panels: withIds(panels.slice(0, PANELS_MAX)).map(migratePanel),
        templating: { ...asRecord(json.templating), list: asRecords(asRecord(json.templating).list).map(migrateVariable) },
    };
}
