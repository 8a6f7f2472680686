/*
 * Plot: time series on uPlot. The chart is made anew only when its shape changes (series, styles, colours, axes); new values
 * go in by setData. Drag zooms, double click zooms out, arrow keys move the cursor; plots with the same `sync` share it.
 */
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './plot.css';
import { isBrowser, isUtc, type TimeZone } from '../grafana/datetime';
import { alpha } from './colors';
import { groupPlugin, hasRoom, lineOptions, makeTooltip, type Mark, marksPlugin, scaleKey, type Threshold, timeLabels, type TooltipOptions } from './plotParts';
import { stack } from './align';
import type { Gradient } from './gradient';

export interface PlotSeries {
    name: string;
    color: string;
    shown?: boolean;
    draw?: 'line' | 'bars' | 'points';
    interpolation?: 'linear' | 'smooth' | 'before' | 'after';
    width?: number;
    /* 0 to 1 */
    fill?: number;
    dash?: number[];
    /* Dashes have round ends: those of no length are dots. */
    round?: boolean;
    points?: 'auto' | 'always' | 'never';
    pointSize?: number;
    /* Of bars: where they stand at their time, their share of the room between two, and the most pixels. */
    bars?: { align: -1 | 0 | 1; factor: number; most: number };
    /* Of the area; by value, of the line too. */
    gradient?: Gradient;
    /* The area ends at that series. */
    fillTo?: number;
    /* 0 is the plot's own axis, n the n-th of `moreAxes`. */
    axis?: number;
    /* It has no row in the tooltip. */
    hidesTip?: boolean;
    /* Series of one name are stacked on each other; '' stands alone. Absent: as the plot's `stacked` says. */
    stack?: string;
}

export interface PlotAxis {
    /* Of a tick: with as many decimals as the distance to the next one has. */
    format: (value: number, decimals?: number) => string;
    label?: string;
    min?: number;
    max?: number;
    /* The axis goes at least so far. */
    softMin?: number;
    softMax?: number;
    /* Zero is shown unless the scale is logarithmic or this is false. */
    zero?: boolean;
    log?: boolean;
    hidden?: boolean;
    side?: 'left' | 'right';
    /* Zero is in the middle. */
    centered?: boolean;
    /* Logarithmic on both sides of zero, linear up to this. */
    symlog?: number;
    /* Of a logarithm: 10 or 2. */
    base?: 2 | 10;
    hidesGrid?: boolean;
    /* Ticks at powers of two, for bytes. */
    binary?: boolean;
}

export interface PlotProps {
    /* Numbers of another kind in place of times: the axis below, and what the tooltip calls them. */
    x?: PlotAxis & { name: string };
    times: number[];
    /* One row a series; null is a gap, undefined another series's time. */
    values: (number | null | undefined)[][];
    series: PlotSeries[];
    axis: PlotAxis;
    /* Scales of other units, each with an axis. */
    moreAxes?: PlotAxis[];
    /* Seconds. */
    from: number;
    to: number;
    height: number;
    stacked?: boolean;
    sync?: string;
    /* Where others of that group point, the tooltip is shown here too. */
    sharesTip?: boolean;
    thresholds?: Threshold[];
    marks?: Mark[];
    tooltip?: TooltipOptions;
    /* What the graph shows, in one sentence. */
    label: string;
    /* Whose clock the axis has. */
    zone?: TimeZone;
    onZoom?: (from: number, to: number) => void;
    onZoomOut?: () => void;
    /* A point that was clicked, of the series that is nearest: seconds. */
    onPick?: (time: number, series: number) => void;
    /* Dims all other series; null: none. */
    focused?: number | null;
}

export type { Mark, Threshold } from './plotParts';

/* Above so many points hovering redraws too slowly to dim the other series. */
const FOCUS_POINTS_MAX = 30_000;
/* 1, 2, 4, ... 2^60: a tick of 16 MiB reads better than one of 19.1. */
const BINARY_STEPS = Array.from({ length: 61 }, (_, i) => 2 ** i);
const AXIS_FONT = "11px 'Inter Variable', system-ui, sans-serif";

function cssVar(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888';
}

function rangeOf(axis: PlotAxis): uPlot.Scale.Range {
    return (_u, lowest, highest) => {
        if (lowest === null || highest === null) {
            return [axis.min ?? axis.softMin ?? 0, axis.max ?? axis.softMax ?? 1];
        }
        const low = Math.min(lowest, axis.softMin ?? lowest);
        const high = Math.max(highest, axis.softMax ?? highest);
        if (axis.log) {
            const least = low > 0 ? low : high > 0 ? high / 1e6 : 1e-3;
            const base = axis.base ?? 10;
            const power = (value: number): number => Math.log(value) / Math.log(base);
            return [axis.min ?? base ** Math.floor(power(least) + 1e-9), axis.max ?? base ** Math.ceil(power(Math.max(high, least * base)) - 1e-9)];
        }
        if (axis.centered) {
            const most = Math.max(Math.abs(low), Math.abs(high), Math.abs(axis.min ?? 0), Math.abs(axis.max ?? 0)) * 1.05 || 1;
            return [-most, most];
        }
        const bottom = axis.zero === false ? low : Math.min(low, 0);
        const top = axis.zero === false ? high : Math.max(high, 0);
        const [min, max] = bottom === top ? [bottom - (bottom === 0 ? 0 : Math.abs(bottom) * 0.1), top + (top === 0 ? 1 : Math.abs(top) * 0.1)] : uPlot.rangeNum(bottom, top, 0.05, axis.zero !== false);
        const soft = { min: low === axis.softMin ? low : undefined, max: high === axis.softMax ? high : undefined };
        return [axis.min ?? soft.min ?? (axis.zero !== false && bottom === 0 ? 0 : min!), axis.max ?? soft.max ?? (axis.zero !== false && top === 0 ? 0 : max!)];
    };
}

/* Rounded, because steps are sums: 0.30000000000000004. */
function decimalsOf(step: number): number {
    return String(Number(step.toPrecision(6))).split('.')[1]?.length ?? 0;
}

function numberLabels(format: () => PlotAxis['format']): uPlot.Axis.Values {
    return (u, splits, _axis, _space, step) => splits.map((value) => {
        const text = format()(value, decimalsOf(step));
        return hasRoom(u, value, text) ? text : '';
    });
}

/* format is asked for when it is drawn: each answer of the server makes another one, and the chart stays. */
function axisOptions(axis: PlotAxis, scale: string, colors: { text: string; grid: string }, format: () => PlotAxis['format']): uPlot.Axis {
    return {
        scale,
        side: axis.side === 'right' ? 1 : 3,
        show: !axis.hidden,
        stroke: colors.text,
        font: AXIS_FONT,
        gap: 6,
        label: axis.label,
        labelFont: AXIS_FONT,
        labelSize: axis.label ? 18 : 0,
        grid: { show: scale === scaleKey(0) && !axis.hidesGrid, stroke: colors.grid, width: 1 },
        ticks: { show: false },
        space: 32,
        incrs: axis.binary ? BINARY_STEPS : undefined,
        values: (_u, splits, _axis, _space, step) => splits.map((value) => (value === null ? '' : format()(value, decimalsOf(step)))),
        size: (u, values, _index, cycle) => {
            if (cycle > 1) {
                return (u.axes.find((one) => one.scale === scale) as uPlot.Axis & { _size: number })._size;
            }
            u.ctx.font = AXIS_FONT;
            const widest = Math.max(0, ...(values ?? []).filter(Boolean).map((text) => u.ctx.measureText(text).width));
            return Math.ceil(widest) + 14;
        },
    };
}

const stackOf = (props: PlotProps, index: number): string => props.series[index]?.stack ?? (props.stacked ? 'all' : '');

/* The area of a stacked series ends at the one below it; that of another one where it says. */
function bandsOf(props: PlotProps): uPlot.Band[] | undefined {
    const below = new Map<string, number>();
    const bands: uPlot.Band[] = [];
    props.series.forEach((series, i) => {
        if (series.fillTo !== undefined) {
            bands.push({ series: [i + 1, series.fillTo + 1] });
        }
        const group = stackOf(props, i);
        const under = below.get(group);
        if (group !== '' && under !== undefined) {
            bands.push({ series: [i + 1, under + 1] });
        }
        below.set(group, i);
    });
    return bands.length > 0 ? bands : undefined;
}

/* Ticks stand at full hours and days of the zone; one that nobody knows counts as the browser's. */
function dateIn(zone: TimeZone): ((seconds: number) => Date) | undefined {
    if (isBrowser(zone)) {
        return undefined;
    }
    try {
        const name = isUtc(zone) ? 'Etc/UTC' : new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
        return (seconds) => uPlot.tzDate(new Date(seconds * 1e3), name);
    } catch {
        return undefined;
    }
}

function makeOptions(props: PlotProps, width: number, handlers: { current: PlotProps }): uPlot.Options {
    const colors = { text: cssVar('--muted'), grid: cssVar('--line') };
    const pointCount = props.times.length * props.series.length;
    const dims = pointCount <= FOCUS_POINTS_MAX && props.series.length > 1;
    const bands = bandsOf(props);
    const axes = [props.axis, ...(props.moreAxes ?? [])];
    return {
        width,
        height: props.height,
        padding: [8, axes.some((one) => one.side === 'right' && !one.hidden) ? 0 : 12, 0, 0],
        legend: { show: false },
        tzDate: dateIn(props.zone),
        pxAlign: 1,
        focus: { alpha: dims ? 0.25 : 1 },
        cursor: {
            y: false,
            drag: { x: true, y: false, setScale: false },
            focus: { prox: dims ? 24 : -1 },
            points: { size: 7, width: 0 },
            bind: {
                dblclick: () => () => {
                    handlers.current.onZoomOut?.();
                    return null;
                },
            },
        },
        scales: {
            x: { time: !props.x, range: () => [handlers.current.from, handlers.current.to] },
            ...Object.fromEntries(axes.map((axis, i): [string, uPlot.Scale] => [scaleKey(i), {
                distr: axis.log ? 3 : axis.symlog !== undefined ? 4 : 1, range: rangeOf(axis), ...(axis.base ? { log: axis.base } : {}), ...(axis.symlog !== undefined ? { asinh: axis.symlog } : {}),
            }])),
        },
        axes: [
            {
                show: !props.x?.hidden,
                stroke: colors.text,
                font: AXIS_FONT,
                label: props.x?.label,
                labelFont: AXIS_FONT,
                labelSize: props.x?.label ? 18 : 0,
                grid: { show: !props.x?.hidesGrid, stroke: colors.grid, width: 1 },
                ticks: { stroke: colors.grid, width: 1, size: 4 },
                gap: 4,
                size: 26,
                /* Less on a phone, where even a range of minutes is to have more than one label. */
                space: (_u, _axis, _low, _high, width) => (width < 360 ? 56 : 70),
                values: props.x ? numberLabels(() => handlers.current.x!.format) : timeLabels(props.zone),
            },
            ...axes.map((axis, i) => axisOptions(axis, scaleKey(i), colors, () => [handlers.current.axis, ...(handlers.current.moreAxes ?? [])][i]?.format ?? axis.format)),
        ],
        series: [{}, ...props.series.map((series, i) => lineOptions(series, props, i))],
        bands,
        hooks: {
            setSelect: [
                (u) => {
                    if (u.select.width > 4) {
                        const from = u.posToVal(u.select.left, 'x');
                        const to = u.posToVal(u.select.left + u.select.width, 'x');
                        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                        handlers.current.onZoom?.(from, to);
                    }
                },
            ],
        },
        plugins: [
            marksPlugin(() => ({ thresholds: handlers.current.thresholds ?? [], marks: handlers.current.marks ?? [] })),
            ...(props.tooltip?.mode === 'none' ? [] : [makeTooltip(() => handlers.current)]),
            ...(props.sync ? [groupPlugin(props.sync)] : []),
        ],
    };
}

/* What makes a chart another chart; values and range do not. */
function shapeOf(props: PlotProps): string {
    const { x, series, axis, moreAxes, stacked, sync, tooltip, zone } = props;
    const plain = (one?: PlotAxis) => one && { ...one, format: undefined };
    return JSON.stringify([plain(x), series, plain(axis), moreAxes?.map(plain), stacked, sync, tooltip, zone, document.documentElement.dataset.mantineColorScheme]);
}

/* The shown series whose value at an index is nearest to the cursor; -1 when none has one. */
function nearest(u: uPlot, index: number): number {
    let best = -1;
    let least = Infinity;
    for (let i = 1; i < u.data.length; i++) {
        const value = u.data[i]?.[index];
        if (u.series[i]?.show && value !== null && value !== undefined) {
            const away = Math.abs(u.valToPos(value, u.series[i]!.scale ?? 'y') - (u.cursor.top ?? 0));
            if (away < least) {
                least = away;
                best = i - 1;
            }
        }
    }
    return best;
}

export function Plot(props: PlotProps) {
    const host = useRef<HTMLDivElement>(null);
    const chart = useRef<uPlot | null>(null);
    const latest = useRef(props);
    const shape = shapeOf(props);
    const format = props.axis.format;
    const drawn = useMemo(
        () => [props.times, ...(props.stacked ? stackShown(props) : props.values)] as uPlot.AlignedData,
        /* Of the props these alone count here. */
        /* eslint-disable-next-line react-hooks/exhaustive-deps */
        [props.times, props.values, props.stacked, props.series],
    );
    const drawnNow = useRef(drawn);

    useEffect(() => {
        latest.current = props;
        drawnNow.current = drawn;
    });

    useEffect(() => {
        const element = host.current;
        if (!element) {
            return;
        }
        const made = new uPlot(makeOptions(latest.current, element.clientWidth || 300, latest), drawnNow.current, element);
        chart.current = made;
        const pick = () => {
            if (made.cursor.idx !== null && made.cursor.idx !== undefined) {
                latest.current.onPick?.(made.data[0][made.cursor.idx]!, nearest(made, made.cursor.idx));
            }
        };
        made.over.addEventListener('click', pick);
        const observer = new ResizeObserver(() => {
            if (element.clientWidth > 0 && (element.clientWidth !== made.width || latest.current.height !== made.height)) {
                made.setSize({ width: element.clientWidth, height: latest.current.height });
            }
        });
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
            chart.current = null;
        };
    }, [shape]);

    useEffect(() => {
        chart.current?.redraw(true, true);
    }, [format]);

    useEffect(() => {
        if (chart.current && chart.current.data !== drawn) {
            chart.current.setData(drawn);
        }
    }, [drawn]);

    useEffect(() => {
        chart.current?.setScale('x', { min: props.from, max: props.to });
    }, [props.from, props.to]);

    useEffect(() => {
        chart.current?.redraw(false);
    }, [props.thresholds, props.marks]);

    useEffect(() => {
        if (chart.current && chart.current.height !== props.height) {
            chart.current.setSize({ width: chart.current.width, height: props.height });
        }
    }, [props.height]);

    useEffect(() => {
        if (props.focused !== undefined && chart.current) {
            chart.current.setSeries(props.focused === null ? null : props.focused + 1, { focus: true }, false);
        }
    }, [props.focused]);

    function onKeyDown(event: React.KeyboardEvent): void {
        const u = chart.current;
        const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
        if (!u || step === 0) {
            return;
        }
        event.preventDefault();
        const count = u.data[0].length;
        const at = u.cursor.idx ?? (step > 0 ? -1 : count);
        const next = Math.max(0, Math.min(count - 1, at + step * (event.shiftKey ? 10 : 1)));
        u.setCursor({ left: u.valToPos(u.data[0][next] ?? 0, 'x'), top: u.over.clientHeight / 2 });
    }

    return (
        <div className="plot" role="group" aria-label={props.label} tabIndex={0} onKeyDown={onKeyDown} style={{ height: props.height }}>
            <div ref={host} />
        </div>
    );
}

/* Hidden series take no part in a stack. */
function stackShown(props: PlotProps): PlotProps['values'] {
    const shown = props.values.map((row, i) => (props.series[i]?.shown === false ? row.map(() => null) : row));
    const groups = new Map<string, number[]>();
    shown.forEach((_, i) => groups.set(stackOf(props, i), [...(groups.get(stackOf(props, i)) ?? []), i]));
    const result = [...shown];
    for (const [group, members] of groups) {
        if (group !== '') {
            stack(members.map((i) => shown[i]!)).forEach((row, k) => {
                result[members[k]!] = row;
            });
        }
    }
    return result;
}

export { alpha };
