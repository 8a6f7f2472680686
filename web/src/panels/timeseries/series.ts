/* series: frames as the columns and styles of a plot. */
import { align, type Column } from '../../draw/align';
import { gradientOf, hexColor, stepsOf } from '../../draw/gradient';
import { isBinary } from '../../draw/ticks';
import type { PlotAxis, PlotSeries, Threshold } from '../../draw/Plot';
import { namedColor, type Look } from '../../grafana/color';
import { seriesColor } from '../../grafana/fieldconfig';
import { asArray, asNumber, asRecord, asText, own } from '../../grafana/json';
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
    /* The first is the plot's own; `style.axis` of a row is a place in it. */
    axes: PlotAxis[];
    stacked: boolean;
    thresholds: Threshold[];
}

const INTERPOLATIONS: Record<string, PlotSeries['interpolation']> = { smooth: 'smooth', stepBefore: 'before', stepAfter: 'after' };
const POINTS: Record<string, PlotSeries['points']> = { always: 'always', never: 'never' };

function styleOf(field: Field, look: Look): PlotSeries {
    const custom = asRecord(field.config.custom);
    const line = asRecord(custom.lineStyle);
    const draw = asText(custom.drawStyle);
    const fill = asNumber(custom.fillOpacity) ?? (draw === 'bars' ? 100 : 0);
    const dashes = asArray(line.dash).map((n) => asNumber(n) ?? 0);
    const gradient = gradientOf(field, look);
    const isDotted = line.fill === 'dot';
    const dash = line.fill === 'dash' || isDotted ? (dashes.length > 0 ? dashes : [isDotted ? 0 : 10, 10]) : undefined;
    return {
        name: field.state?.displayName ?? field.name,
        color: hexColor(seriesColor(field, look)),
        draw: draw === 'bars' || draw === 'points' ? draw : 'line',
        interpolation: own(INTERPOLATIONS, asText(custom.lineInterpolation) ?? '') ?? 'linear',
        width: asNumber(custom.lineWidth) ?? 1,
        fill: fill / 100,
        points: own(POINTS, asText(custom.showPoints) ?? '') ?? 'auto',
        pointSize: asNumber(custom.pointSize) ?? 5,
        hidesTip: isHidden(field, 'tooltip'),
        ...(draw === 'bars' ? { bars: { align: ALIGNS[asNumber(custom.barAlignment) ?? 0] ?? 0, factor: asNumber(custom.barWidthFactor) ?? 0.6, most: asNumber(custom.barMaxWidth) ?? 200 } } : {}),
        ...(gradient !== undefined ? { gradient } : {}),
        ...(dash ? { dash, round: isDotted } : {}),
    };
}

const ALIGNS: Readonly<Record<number, -1 | 0 | 1>> = { [-1]: -1, 0: 0, 1: 1 };
/* Of an area up to another series, where nothing is said. */
const FILL_TO = 0.35;

/*
 * Series share a scale when their unit, limits, label, kind of scale and place are the same, as in Grafana: of several units the
 * first has the left axis, the others stand at the right.
 */
function scaleOf(field: Field): string {
    const { config } = field;
    const custom = asRecord(config.custom);
    return JSON.stringify([
        config.unit ?? '', config.min ?? null, config.max ?? null, custom.axisSoftMin ?? null, custom.axisSoftMax ?? null, custom.axisPlacement ?? 'auto',
        asRecord(custom.scaleDistribution), custom.axisLabel ?? '', custom.axisCenteredZero === true,
    ]);
}

/* Axes beyond these are not drawn: the plot needs some room. */
const AXES_MAX = 6;

/* The axes of the rows, and which one each row has. */
function axesOf(rows: readonly SeriesRow[]): { axes: PlotAxis[]; places: number[] } {
    const scales = new Map<string, { place: number; fields: Field[] }>();
    const places = rows.map(({ field }) => {
        const key = scaleOf(field);
        const scale = scales.get(key) ?? { place: scales.size, fields: [] };
        scale.fields.push(field);
        scales.set(key, scale);
        return scale.place;
    });
    let hasLeft = false;
    const axes = [...scales.values()].map(({ fields }, i): PlotAxis => {
        const placement = asText(asRecord(fields[0]!.config.custom).axisPlacement) ?? 'auto';
        const axis = axisOf(fields);
        const side = placement === 'right' || (placement === 'auto' && hasLeft) ? 'right' : 'left';
        hasLeft ||= side === 'left' && !axis.hidden;
        return { ...axis, side, hidden: axis.hidden === true || i >= AXES_MAX };
    });
    return { axes: axes.length > 0 ? axes : [axisOf([])], places };
}

export function axisOf(fields: readonly Field[]): PlotAxis {
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
        ...(scale.type === 'log' && asNumber(scale.log) === 2 ? { base: 2 as const } : {}),
        ...(scale.type === 'symlog' ? { symlog: asNumber(scale.linearThreshold) || 1 } : {}),
        centered: custom.axisCenteredZero === true,
        hidesGrid: custom.axisGridShow === false,
        hidden: asText(custom.axisPlacement) === 'hidden',
        binary: isBinary(field?.config.unit),
        ...(label ? { label } : {}),
        ...(least !== undefined ? { min: least } : {}),
        ...(most !== undefined ? { max: most } : {}),
    };
}

/* A tick needs no more digits than tell it from the next one. */
function axisDecimals(value: number): number | undefined {
    return Number.isInteger(value) ? undefined : Math.abs(value) >= 100 ? 0 : undefined;
}

const STYLES: Record<string, { line: 'solid' | 'dashed' | 'none'; area: boolean }> = {
    line: { line: 'solid', area: false }, dashed: { line: 'dashed', area: false }, area: { line: 'none', area: true }, 'line+area': { line: 'solid', area: true }, 'dashed+area': { line: 'dashed', area: true },
};

function thresholdsOf(field: Field | undefined, look: Look): Threshold[] {
    const mode = own(STYLES, asText(asRecord(asRecord(field?.config.custom).thresholdsStyle).mode) ?? '');
    if (!mode || !field) {
        return [];
    }
    const steps = stepsOf(field);
    return steps.flatMap(({ at, color }, i): Threshold[] => {
        const css = namedColor(color, look);
        const isClear = css.startsWith('rgba(0,0,0,0') || color === 'transparent';
        return isClear || (at === -Infinity && !mode.area) ? [] : [{ value: at, color: hexColor(css), line: mode.line, ...(mode.area ? { fill: 'region' as const, until: steps[i + 1]?.at ?? Infinity } : {}) }];
    });
}

/* Shares of the sum at each time, 0 to 100. */
function asPercent(values: (number | null | undefined)[][]): (number | null | undefined)[][] {
    const sums = (values[0] ?? []).map((_, i) => values.reduce((sum, row) => sum + Math.abs(row[i] ?? 0), 0));
    return values.map((row) => row.map((v, i) => (v === null || v === undefined ? v : sums[i] === 0 ? 0 : (v / sums[i]!) * 100)));
}

function isHidden(field: Field, what: 'viz' | 'legend' | 'tooltip'): boolean {
    return asRecord(asRecord(field.config.custom).hideFrom)[what] === true;
}

/* A loop: Float64Array.from with a function takes ten times as long. Times are ms and become seconds; other numbers stay what they are. */
function columnOf(time: Field, field: Field): Column {
    const negative = asText(asRecord(field.config.custom).transform) === 'negative-Y';
    const at = time.values as ArrayLike<number>;
    const unit = time.type === 'time' ? 1000 : 1;
    const values = field.values as ArrayLike<number | null>;
    const column = { times: new Float64Array(at.length), values: new Float64Array(at.length), step: 0 };
    for (let i = 0; i < at.length; i++) {
        const value = values[i] ?? NaN;
        column.times[i] = at[i]! / unit;
        column.values[i] = negative ? -value : value;
    }
    return column;
}

/* Gaps that are connected: all, or those that are no longer than so many ms. */
function bridge(times: readonly number[], row: (number | null | undefined)[], spanNulls: unknown): (number | null | undefined)[] {
    if (spanNulls === true) {
        return row.map((v) => (v === null ? undefined : v));
    }
    const most = asNumber(spanNulls);
    if (most === undefined || most <= 0) {
        return row;
    }
    const result = [...row];
    let last = -1;
    for (let i = 0; i < row.length; i++) {
        if (row[i] !== null && row[i] !== undefined) {
            if (last >= 0 && (times[i]! - times[last]!) * 1000 <= most) {
                result.fill(undefined, last + 1, i);
            }
            last = i;
        }
    }
    return result;
}

/** plotted makes the columns of all number fields that have times, or stand over the numbers of `x`. */
export function plotted(frames: readonly Frame[], look: Look, x?: Field): Plotted {
    const sources = frames.flatMap((frame) => {
        const time = x ?? timeField(frame);
        return time ? frame.fields.filter((f) => f.type === 'number' && f !== x && !isHidden(f, 'viz')).map((field) => ({ time, field })) : [];
    });
    const rows = sources.map(({ field }): SeriesRow => {
        const stacking = asRecord(asRecord(field.config.custom).stacking);
        const mode = asText(stacking.mode) ?? 'none';
        return { field, name: field.state?.displayName ?? field.name, style: styleOf(field, look), group: mode === 'none' ? '' : String(stacking.group ?? 'A'), percent: mode === 'percent' };
    });
    const { axes, places } = axesOf(rows);
    const aligned = align(sources.map(({ time, field }) => columnOf(time, field)));
    const bridged = aligned.values.map((row, i) => bridge(aligned.times, row, asRecord(rows[i]!.field.config.custom).spanNulls));
    const percent = rows.length > 0 && rows.every((r) => r.percent);
    const names = new Map(rows.map((r, i) => [r.name, i]));
    rows.forEach((row, i) => {
        const to = names.get(asText(asRecord(row.field.config.custom).fillBelowTo) ?? '');
        row.style = { ...row.style, axis: percent ? 0 : places[i]!, ...(to !== undefined && to !== i ? { fillTo: to, fill: row.style.fill || FILL_TO } : {}) };
    });
    return {
        rows,
        times: aligned.times,
        values: percent ? asPercent(bridged) : bridged,
        axes: percent ? [{ ...axes[0]!, format: (v) => `${Math.round(v)}%`, min: 0, max: 100 }] : axes,
        stacked: rows.some((r) => r.group !== ''),
        thresholds: thresholdsOf(rows[0]?.field, look),
    };
}

export { isHidden };
