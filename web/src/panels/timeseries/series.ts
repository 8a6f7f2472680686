/* series: frames as the columns and styles of a plot. */
import { align, type Column } from '../../draw/align';
import type { PlotAxis, PlotSeries, Threshold } from '../../draw/Plot';
import { namedColor, parseColor, type Look } from '../../grafana/color';
import { seriesColor } from '../../grafana/fieldconfig';
import { asArray, asNumber, asRecord, asText } from '../../grafana/json';
import { formattedText, unitFormatter } from '../../grafana/units';
import { timeField, type Field, type Frame } from '../../grafana/frame';

export interface SeriesRow {
    field: Field;
    name: string;
    style: PlotSeries;
    /* Of a stack: rows of one group are added up. */
    group: string;
    percent: boolean;
}

export interface Plotted {
    rows: SeriesRow[];
    times: number[];
    values: (number | null | undefined)[][];
    left: PlotAxis;
    right: PlotAxis | undefined;
    stacked: boolean;
    thresholds: Threshold[];
}

/* The canvas knows #rrggbb alone. */
export function hexColor(css: string): string {
    const c = parseColor(css);
    const two = (n: number): string => Math.round(n).toString(16).padStart(2, '0');
    return c ? `#${two(c.r)}${two(c.g)}${two(c.b)}` : '#808080';
}

const INTERPOLATIONS: Record<string, PlotSeries['interpolation']> = { smooth: 'smooth', stepBefore: 'before', stepAfter: 'after' };
const POINTS: Record<string, PlotSeries['points']> = { always: 'always', never: 'never' };

function styleOf(field: Field, look: Look): PlotSeries {
    const custom = asRecord(field.config.custom);
    const line = asRecord(custom.lineStyle);
    const draw = asText(custom.drawStyle);
    const fill = asNumber(custom.fillOpacity) ?? (draw === 'bars' ? 100 : 0);
    const dashes = asArray(line.dash).map((n) => asNumber(n) ?? 0);
    const dash = line.fill === 'dash' ? (dashes.length > 0 ? dashes : [10, 10]) : line.fill === 'dot' ? [0, asNumber(asArray(line.dash)[1]) ?? 4] : undefined;
    return {
        name: field.state?.displayName ?? field.name,
        color: hexColor(seriesColor(field, look)),
        draw: draw === 'bars' || draw === 'points' ? draw : 'line',
        interpolation: INTERPOLATIONS[asText(custom.lineInterpolation) ?? ''] ?? 'linear',
        width: asNumber(custom.lineWidth) ?? 1,
        fill: fill / 100,
        points: POINTS[asText(custom.showPoints) ?? ''] ?? 'auto',
        pointSize: asNumber(custom.pointSize) ?? 5,
        axis: asText(custom.axisPlacement) === 'right' ? 'right' : 'left',
        ...(dash ? { dash } : {}),
    };
}

function axisOf(fields: readonly Field[]): PlotAxis {
    const field = fields[0];
    const custom = asRecord(field?.config.custom);
    const scale = asRecord(custom.scaleDistribution);
    const format = unitFormatter(field?.config.unit);
    const decimals = field?.config.decimals;
    const least = asNumber(field?.config.min) ?? undefined;
    const most = asNumber(field?.config.max) ?? undefined;
    const label = asText(custom.axisLabel);
    return {
        format: (value, tick) => {
            /* Ticks have equally many decimals, 0.5 and 1.0, where the unit does not scale the number. */
            const even = tick && value !== 0 && decimals === undefined ? format(value, tick) : undefined;
            return formattedText(even && Number(even.text) === Number(value.toFixed(tick)) ? even : format(value, decimals ?? axisDecimals(value)));
        },
        zero: least === undefined && asNumber(custom.axisSoftMin) === undefined ? undefined : false,
        ...(asNumber(custom.axisSoftMin) !== undefined ? { softMin: asNumber(custom.axisSoftMin)! } : {}),
        ...(asNumber(custom.axisSoftMax) !== undefined ? { softMax: asNumber(custom.axisSoftMax)! } : {}),
        log: scale.type === 'log',
        hidden: asText(custom.axisPlacement) === 'hidden',
        binary: /^(bytes|kbytes|mbytes|gbytes|bits|binBps|binbps|KiBs|MiBs)$/.test(field?.config.unit ?? ''),
        ...(label ? { label } : {}),
        ...(least !== undefined ? { min: least } : {}),
        ...(most !== undefined ? { max: most } : {}),
    };
}

/* A tick needs no more digits than tell it from the next one. */
function axisDecimals(value: number): number | undefined {
    return Number.isInteger(value) ? undefined : Math.abs(value) >= 100 ? 0 : undefined;
}

const STYLES: Record<string, { line: boolean; area: boolean }> = {
    line: { line: true, area: false }, dashed: { line: true, area: false }, area: { line: false, area: true }, 'line+area': { line: true, area: true }, 'dashed+area': { line: true, area: true },
};

function thresholdsOf(field: Field | undefined, look: Look): Threshold[] {
    const mode = STYLES[asText(asRecord(asRecord(field?.config.custom).thresholdsStyle).mode) ?? ''];
    const steps = field?.config.thresholds?.steps ?? [];
    return mode ? steps.flatMap((step): Threshold[] => {
        const color = namedColor(step.color, look);
        return step.value === null || step.value === undefined || color.startsWith('rgba(0,0,0,0') || step.color === 'transparent' ? [] : [{ value: step.value, color: hexColor(color), ...(mode.area ? { fill: 'above' as const } : {}) }];
    }) : [];
}

/* Shares of the sum at each time, 0 to 100. */
function asPercent(values: (number | null | undefined)[][]): (number | null | undefined)[][] {
    const sums = (values[0] ?? []).map((_, i) => values.reduce((sum, row) => sum + Math.abs(row[i] ?? 0), 0));
    return values.map((row) => row.map((v, i) => (v === null || v === undefined ? v : sums[i] === 0 ? 0 : (v / sums[i]!) * 100)));
}

function isHidden(field: Field, what: 'viz' | 'legend' | 'tooltip'): boolean {
    return asRecord(asRecord(field.config.custom).hideFrom)[what] === true;
}

/* A loop: Float64Array.from with a function takes ten times as long. */
function columnOf(time: Field, field: Field): Column {
    const negative = asText(asRecord(field.config.custom).transform) === 'negative-Y';
    const ms = time.values as ArrayLike<number>;
    const values = field.values as ArrayLike<number | null>;
    const column = { times: new Float64Array(ms.length), values: new Float64Array(ms.length), step: 0 };
    for (let i = 0; i < ms.length; i++) {
        const value = values[i] ?? NaN;
        column.times[i] = ms[i]! / 1000;
        column.values[i] = negative ? -value : value;
    }
    return column;
}

/** plotted makes the columns of all number fields that have times. */
export function plotted(frames: readonly Frame[], look: Look): Plotted {
    const sources = frames.flatMap((frame) => {
        const time = timeField(frame);
        return time ? frame.fields.filter((f) => f.type === 'number' && !isHidden(f, 'viz')).map((field) => ({ time, field })) : [];
    });
    const rows = sources.map(({ field }): SeriesRow => {
        const stacking = asRecord(asRecord(field.config.custom).stacking);
        const mode = asText(stacking.mode) ?? 'none';
        return { field, name: field.state?.displayName ?? field.name, style: styleOf(field, look), group: mode === 'none' ? '' : String(stacking.group ?? 'A'), percent: mode === 'percent' };
    });
    const aligned = align(sources.map(({ time, field }) => columnOf(time, field)));
    const spans = rows.map((r) => asRecord(r.field.config.custom).spanNulls === true);
    const bridged = aligned.values.map((row, i) => (spans[i] ? row.map((v) => (v === null ? undefined : v)) : row));
    const percent = rows.length > 0 && rows.every((r) => r.percent);
    const left = rows.filter((r) => r.style.axis !== 'right').map((r) => r.field);
    const right = rows.filter((r) => r.style.axis === 'right').map((r) => r.field);
    const axis = axisOf(left.length > 0 ? left : right);
    return {
        rows,
        times: aligned.times,
        values: percent ? asPercent(bridged) : bridged,
        left: percent ? { ...axis, format: (v) => `${Math.round(v)}%`, min: 0, max: 100 } : axis,
        right: left.length > 0 && right.length > 0 ? axisOf(right) : undefined,
        stacked: rows.some((r) => r.group !== ''),
        thresholds: thresholdsOf(left[0] ?? right[0], look),
    };
}

export { isHidden };
