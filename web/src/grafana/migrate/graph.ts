/*
 * The old graph panel as a time series (or bar chart, or histogram). What each option becomes is what Grafana's own
 * migration makes of it.
 */
import { asArray, asNumber, asRecord, asRecords, asText, own, without, type Json } from '../json';
import { newReducer } from './fieldconfig';

type Properties = { id: string; value: unknown }[];

const DASH = 10;

function interpolationOf(json: Json): string | undefined {
    return json.steppedLine === undefined ? undefined : json.steppedLine === true ? 'stepAfter' : 'linear';
}

function spanNulls(mode: unknown): boolean | undefined {
    return mode === 'connected' ? true : mode === undefined ? undefined : false;
}

function dashes(json: Json): Json | undefined {
    return json.dashes === true
        ? { fill: 'dash', dash: [asNumber(json.dashLength) ?? DASH, asNumber(json.spaceLength) ?? DASH] }
        : json.dashes === false ? { fill: 'solid' } : undefined;
}

// ---- one override ----

const OVERRIDES: Record<string, (value: unknown, all: Json, right: Json) => Properties> = {
    fill: (v) => [{ id: 'custom.fillOpacity', value: (asNumber(v) ?? 0) * 10 }],
    fillBelowTo: (v) => [{ id: 'custom.fillBelowTo', value: v }],
    fillGradient: (v) => (asNumber(v) ? [{ id: 'custom.gradientMode', value: 'opacity' }, { id: 'custom.fillOpacity', value: (asNumber(v) ?? 0) * 10 }] : []),
    lines: (v, all) => (v === true ? [{ id: 'custom.drawStyle', value: 'line' }] : [{ id: 'custom.lineWidth', value: 0 }, ...(all.points === true ? [{ id: 'custom.drawStyle', value: 'points' }] : [])]),
    bars: (v) => (v === true ? [{ id: 'custom.drawStyle', value: 'bars' }, { id: 'custom.fillOpacity', value: 100 }] : [{ id: 'custom.drawStyle', value: 'line' }]),
    points: (v) => [{ id: 'custom.showPoints', value: v === true ? 'always' : 'never' }],
    pointradius: (v) => [{ id: 'custom.pointSize', value: 2 + (asNumber(v) ?? 0) * 2 }],
    linewidth: (v) => [{ id: 'custom.lineWidth', value: asNumber(v) ?? 1 }],
    steppedLine: (v) => [{ id: 'custom.lineInterpolation', value: v === true ? 'stepAfter' : 'linear' }],
    dashes: (_v, all) => [{ id: 'custom.lineStyle', value: dashes(all) }],
    stack: (v) => [{ id: 'custom.stacking', value: v === false ? { mode: 'none' } : { mode: 'normal', group: typeof v === 'string' ? v : 'A' } }],
    color: (v) => [{ id: 'color', value: { mode: 'fixed', fixedColor: v } }],
    transform: (v) => [{ id: 'custom.transform', value: v === 'negative-Y' ? 'negative-Y' : 'constant' }],
    nullPointMode: (v) => [{ id: 'custom.spanNulls', value: v === 'connected' }],
    hiddenSeries: (v) => (v === true ? [{ id: 'custom.hideFrom', value: { viz: true, legend: false, tooltip: false } }] : []),
    legend: (v) => (v === false ? [{ id: 'custom.hideFrom', value: { viz: false, legend: true, tooltip: false } }] : []),
    hideTooltip: (v) => (v === true ? [{ id: 'custom.hideFrom', value: { viz: false, legend: false, tooltip: true } }] : []),
    yaxis: (v, _all, right) => (v === 2 ? rightAxis(right) : []),
};

/* Series on the right carry that axis's own unit and limits. */
function rightAxis(axis: Json): Properties {
    const properties: Properties = [{ id: 'custom.axisPlacement', value: axis.show === false ? 'hidden' : 'right' }];
    for (const [id, value] of [['unit', asText(axis.format)], ['decimals', asNumber(axis.decimals)], ['min', asNumber(axis.min)], ['max', asNumber(axis.max)], ['custom.axisLabel', asText(axis.label)]] as const) {
        if (value !== undefined && value !== '') {
            properties.push({ id, value });
        }
    }
    return properties;
}

function isPattern(alias: string): boolean {
    return /^\/.+\/[gimsuy]*$/s.test(alias);
}

function seriesOverride(json: Json, right: Json): Json | undefined {
    const alias = asText(json.alias);
    if (alias === undefined) {
        return undefined;
    }
    const properties = Object.entries(json).flatMap(([key, value]) => own(OVERRIDES, key)?.(value, json, right) ?? []);
    const matcher = isPattern(alias) ? { id: 'byRegexp', options: alias } : { id: 'byName', options: alias };
    return properties.length > 0 ? { matcher, properties } : undefined;
}

// ---- the panel ----

function axisDefaults(axis: Json, defaults: Json, custom: Json): void {
    for (const [key, value] of [['unit', asText(axis.format)], ['decimals', asNumber(axis.decimals)], ['min', asNumber(axis.min)], ['max', asNumber(axis.max)]] as const) {
        if (value !== undefined && value !== '') {
            defaults[key] = value;
        }
    }
    const base = asNumber(axis.logBase) ?? 1;
    /* A scale has base 2 or 10: 32 and 1024 are powers of 2. */
    custom.scaleDistribution = base > 1 ? { type: 'log', log: base === 10 ? 10 : 2 } : { type: 'linear' };
    custom.axisLabel = asText(axis.label) ?? '';
    if (axis.show === false) {
        custom.axisPlacement = 'hidden';
    }
}

function customOf(panel: Json): Json {
    const bars = panel.bars === true;
    const lines = panel.lines !== false;
    const points = panel.points === true;
    const custom: Json = {
        drawStyle: bars ? 'bars' : lines ? 'line' : points ? 'points' : 'line',
        lineWidth: !lines && !bars ? 0 : (asNumber(panel.linewidth) ?? 1),
        fillOpacity: bars ? 100 : (asNumber(panel.fill) ?? 1) * 10,
        showPoints: points ? 'always' : 'never',
        pointSize: points ? 2 + (asNumber(panel.pointradius) ?? 2) * 2 : 5,
        lineInterpolation: interpolationOf(panel) ?? 'linear',
        spanNulls: spanNulls(panel.nullPointMode) ?? false,
        stacking: { mode: panel.stack === true ? (panel.percentage === true ? 'percent' : 'normal') : 'none', group: 'A' },
    };
    /* Areas between two series were always so dark. */
    if (!bars && asRecords(panel.seriesOverrides).some((o) => o.fillBelowTo !== undefined)) {
        custom.fillOpacity = 35;
    }
    const gradient = asNumber(panel.fillGradient) ?? 0;
    if (gradient > 0) {
        custom.gradientMode = 'opacity';
        custom.fillOpacity = gradient * 10;
    }
    const style = dashes(panel);
    if (style) {
        custom.lineStyle = style;
    }
    return custom;
}

const LEVELS: Record<string, string> = { critical: 'red', warning: 'orange', ok: 'green' };

function thresholdColor(threshold: Json): string {
    return own(LEVELS, asText(threshold.colorMode) ?? '') ?? asText(threshold.fillColor) ?? asText(threshold.lineColor) ?? 'red';
}

/* Areas above ("gt") or below ("lt") a value become steps: from each value on, one colour. */
function thresholds(panel: Json, defaults: Json, custom: Json): void {
    const old = asRecords(panel.thresholds).filter((t) => asNumber(t.value) !== undefined);
    if (old.length === 0) {
        return;
    }
    const sorted = [...old].sort((a, b) => asNumber(a.value)! - asNumber(b.value)!);
    const steps: Json[] = [{ value: null, color: 'transparent' }];
    for (const t of sorted) {
        if (t.op === 'lt') {
            const last = steps[steps.length - 1]!;
            last.color = last.color === 'transparent' ? thresholdColor(t) : last.color;
            steps.push({ value: asNumber(t.value)!, color: 'transparent' });
        } else {
            steps.push({ value: asNumber(t.value)!, color: thresholdColor(t) });
        }
    }
    const line = old.some((t) => t.line === true);
    const fill = old.some((t) => t.fill === true);
    defaults.thresholds = { mode: 'absolute', steps };
    custom.thresholdsStyle = { mode: fill ? (line ? 'line+area' : 'area') : 'line' };
}

const LEGEND_CALCS = ['min', 'max', 'avg', 'current', 'total'];

function legendOf(panel: Json): Json {
    const old = asRecord(panel.legend);
    const calcs = old.values === true ? Object.keys(old).filter((key) => old[key] === true && LEGEND_CALCS.includes(key)).map(newReducer) : [];
    return {
        showLegend: old.show !== false,
        displayMode: old.alignAsTable === true ? 'table' : 'list',
        placement: old.rightSide === true ? 'right' : 'bottom',
        calcs,
        ...(asText(old.sort) ? { sortBy: asText(old.sort), sortDesc: old.sortDesc === true } : {}),
    };
}

function tooltipOf(panel: Json): Json {
    const old = asRecord(panel.tooltip);
    return { mode: old.shared === false ? 'single' : 'multi', sort: ['none', 'asc', 'desc'][asNumber(old.sort) ?? 0] ?? 'none' };
}

const DROPPED = [
    'aliasColors', 'bars', 'dashes', 'dashLength', 'spaceLength', 'fill', 'fillGradient', 'hiddenSeries', 'legend', 'lines', 'linewidth', 'nullPointMode',
    'percentage', 'pointradius', 'points', 'renderer', 'seriesOverrides', 'stack', 'steppedLine', 'thresholds', 'timeRegions', 'tooltip', 'xaxis', 'yaxes',
    'yaxis', 'decimals', 'editable', 'error', 'grid', 'y_formats', 'leftYAxisLabel', 'rightYAxisLabel', 'y-axis', 'x-axis',
];

/** migrateGraph gives the panel as one of today's. */
export function migrateGraph(panel: Json): Json {
    const axes = asArray(panel.yaxes).map(asRecord);
    const formats = asArray(panel.y_formats);
    const left = axes[0] ?? { format: formats[0], label: panel.leftYAxisLabel };
    const right = axes[1] ?? { format: formats[1], label: panel.rightYAxisLabel };
    /* A graph of version 7 has a field config too; what the axis says goes before it. */
    const config = asRecord(panel.fieldConfig);
    const defaults: Json = { color: { mode: 'palette-classic' }, ...asRecord(config.defaults) };
    const custom = customOf(panel);
    axisDefaults(left, defaults, custom);
    if (asNumber(panel.decimals) !== undefined) {
        defaults.decimals = asNumber(panel.decimals);
    }
    thresholds(panel, defaults, custom);
    defaults.custom = custom;
    const overrides = [
        ...asRecords(config.overrides),
        ...Object.entries(asRecord(panel.aliasColors)).filter(([, c]) => typeof c === 'string').map(([name, color]) => ({
            matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }],
        })),
        ...asRecords(panel.seriesOverrides).map((o) => seriesOverride(o, right)).filter((o) => o !== undefined),
        ...(asRecord(panel.xaxis).show === false ? [{ matcher: { id: 'byType', options: 'time' }, properties: [{ id: 'custom.axisPlacement', value: 'hidden' }] }] : []),
    ];
    const kept = without(panel, DROPPED);
    const mode = asText(asRecord(panel.xaxis).mode);
    const type = mode === 'histogram' ? 'histogram' : mode === 'series' ? 'bargauge' : 'timeseries';
    const reduce = asText(asArray(asRecord(panel.xaxis).values)[0]);
    const options: Json = type === 'bargauge'
        ? { displayMode: 'basic', orientation: 'vertical', reduceOptions: { calcs: [newReducer(reduce ?? 'avg')], values: false } }
        : { legend: legendOf(panel), tooltip: tooltipOf(panel) };
    return { ...kept, type, options, fieldConfig: { defaults, overrides } };
}
