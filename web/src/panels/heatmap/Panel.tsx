/* Heatmap: counts of buckets over time as cells of one hue by lightness, on a canvas. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { exemplarMarks, type PickedExemplar } from '../../draw/exemplars';
import { timeTicks } from '../../draw/ticks';
import { TimeOverlay } from '../../draw/TimeOverlay';
import type { TipContent } from '../../draw/Tip';
import { useDrag } from '../../draw/useDrag';
import { formatDate, FULL_DATE } from '../../grafana/datetime';
import { asNumber, asRecord, asText } from '../../grafana/json';
import { formatValue } from '../../grafana/units';
import { calculated, columnAt, fromBuckets, heightOf, merged, type Cells } from './cells';
import { paintOf, type Paint } from './paint';

const ExemplarDialog = lazy(() => import('../../draw/ExemplarDialog'));
const AXIS_PX = 64;
const RIGHT_PX = 6;
const BOTTOM_PX = 22;
const SCALE_PX = 20;
/* Lower panels have no room for what the colours mean. */
const SCALE_FROM_PX = 130;
/* Elements that can be clicked. */
const EXEMPLARS_MAX = 300;
/* Of a cell that is small. */
const GAP_SHARE_MAX = 0.25;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";

interface Style {
    paint: Paint;
    /* Px between cells. */
    gap: number;
    isReversed: boolean;
    bound: (value: number) => string;
    count: (value: number) => string;
}

function styleOf({ options, fieldConfig }: PanelProps['panel'], look: PanelProps['look'], cells: Cells | undefined): Style {
    const axis = asRecord(options.yAxis);
    const values = asRecord(options.cellValues);
    const unit = asText(axis.unit) ?? fieldConfig.defaults.unit;
    const decimals = asNumber(axis.decimals) ?? fieldConfig.defaults.decimals;
    return {
        paint: paintOf(options, look, cells?.most ?? 0),
        gap: Math.max(0, asNumber(options.cellGap) ?? 1),
        isReversed: axis.reverse === true,
        bound: (value) => (Number.isFinite(value) ? formatValue(value, unit, decimals) : value > 0 ? '+Inf' : '-Inf'),
        count: (value) => formatValue(value, asText(values.unit) ?? 'short', asNumber(values.decimals)),
    };
}

type Box = Pick<PanelProps, 'width' | 'height' | 'from' | 'to' | 'zone'>;

function draw(canvas: HTMLCanvasElement, cells: Cells, props: Box, { paint, gap, isReversed, bound }: Style): void {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const { width, height } = props;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const ctx = canvas.getContext('2d');
    if (!ctx) {
        return;
    }
    ctx.scale(ratio, ratio);
    const css = getComputedStyle(document.documentElement);
    const text = css.getPropertyValue('--muted').trim();
    const plotWidth = width - AXIS_PX - RIGHT_PX;
    const plotHeight = height - BOTTOM_PX;
    const [from, to] = [props.from / 1000, props.to / 1000];
    const x = (t: number): number => AXIS_PX + ((t - from) / (to - from)) * plotWidth;
    const rowPx = plotHeight / cells.rows.length;
    const top = (row: number): number => (isReversed ? row : cells.rows.length - 1 - row) * rowPx;
    const columns = cells.times.length;
    const across = Math.min(gap, (x(cells.step) - x(0)) * GAP_SHARE_MAX);
    const down = Math.min(gap, rowPx * GAP_SHARE_MAX);
    for (let row = 0; row < cells.rows.length; row++) {
        const y = top(row) + down / 2;
        for (let i = 0; i < columns; i++) {
            const color = paint.colorOf(cells.counts[row * columns + i]!);
            if (color === undefined) {
                continue;
            }
            const left = Math.max(AXIS_PX, x(cells.times[i]! - cells.step));
            const right = Math.min(width - RIGHT_PX, x(cells.times[i]!));
            ctx.fillStyle = color;
            ctx.fillRect(left + across / 2, y, Math.max(1, right - left - across), Math.max(1, rowPx - down));
        }
    }
    ctx.font = FONT;
    ctx.fillStyle = text;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    const every = Math.max(1, Math.ceil(16 / rowPx));
    cells.rows.forEach((r, i) => {
        if (i % every === 0) {
            const label = r.label && Number.isNaN(Number(r.label.replace('+Inf', 'Infinity'))) ? r.label : bound(r.high);
            ctx.fillText(label.slice(0, 12), AXIS_PX - 6, top(i) + rowPx / 2, AXIS_PX - 8);
        }
    });
    ctx.textAlign = 'center';
    for (const tick of timeTicks(props.from, props.to, Math.max(2, Math.floor(plotWidth / 80)), props.zone)) {
        if (x(tick.at / 1000) <= width - 18) {
            ctx.fillText(formatDate(tick.at, tick.pattern, props.zone), Math.max(AXIS_PX + 12, x(tick.at / 1000)), height - 9);
        }
    }
}

/* What the colours mean, from the least count to the most. */
function Scale({ cells, style }: { cells: Cells; style: Style }) {
    const { low, high, colors } = style.paint;
    return (
        <div className="heatmap-scale num" style={{ paddingLeft: AXIS_PX }}>
            <span>{style.count(low || cells.least)}</span>
            <i style={{ background: `linear-gradient(to right, ${colors.join(', ')})` }} />
            <span>{style.count(high)}</span>
        </div>
    );
}

/* The cell at a row, or all of the column that have something. */
function cellsAt(cells: Cells, seconds: number, row: number | undefined, style: Style, zone: string | undefined): TipContent | null {
    const columns = cells.times.length;
    const column = columnAt(cells, seconds);
    if (column < 0 || (row !== undefined && !cells.rows[row])) {
        return null;
    }
    const rows = cells.rows.map((one, i) => ({ one, i, count: cells.counts[i * columns + column]! })).filter(({ i, count }) => (row === undefined ? count > 0 : i === row)).reverse();
    const end = cells.times[column]! * 1000;
    return {
        head: `${formatDate(end - cells.step * 1000, FULL_DATE, zone)} to ${formatDate(end, 'HH:mm:ss', zone)}`,
        rows: rows.map(({ one, count }) => ({ color: style.paint.colorOf(count) ?? 'transparent', name: `${style.bound(one.low)} to ${style.bound(one.high)}`, text: style.count(Number.isNaN(count) ? 0 : count) })),
    };
}

export default function HeatmapPanel(props: PanelProps) {
    const { panel, frames, look, width, from, to, zone } = props;
    const { options } = panel;
    const hasScale = asRecord(options.legend).show !== false && props.height > SCALE_FROM_PX;
    const height = props.height - (hasScale ? SCALE_PX : 0);
    const plotHeight = height - BOTTOM_PX;
    const right = width - RIGHT_PX;
    const canvas = useRef<HTMLCanvasElement>(null);
    const cells = useMemo(() => {
        const one = merged(frames);
        return options.calculate === true ? calculated(frames, Math.floor(width / 12)) : one ? fromBuckets(one) : undefined;
    }, [frames, options.calculate, width]);
    const style = useMemo(() => styleOf(panel, look, cells), [panel, look, cells]);
    useEffect(() => {
        if (canvas.current && cells) {
            draw(canvas.current, cells, { width, height, from, to, zone }, style);
        }
    }, [cells, width, height, from, to, zone, style]);
    const drag = useDrag({ from, to, left: AXIS_PX, right, height: plotHeight, onZoom: props.onZoom, onZoomOut: props.onZoomOut });
    const [exemplar, setExemplar] = useState<PickedExemplar | null>(null);
    const isSilent = asRecord(options.tooltip).mode === 'none';
    const tip = useCallback((time: number, y: number | null): TipContent | null => {
        if (!cells || isSilent) {
            return null;
        }
        const place = y === null ? undefined : Math.floor((y / plotHeight) * cells.rows.length);
        return cellsAt(cells, time / 1000, place === undefined || style.isReversed ? place : cells.rows.length - 1 - place, style, zone);
    }, [cells, isSilent, plotHeight, style, zone]);
    if (!cells) {
        return null;
    }
    const points = exemplarMarks(props.exemplars, setExemplar).slice(0, EXEMPLARS_MAX).flatMap((mark) => {
        const share = heightOf(cells, mark.value ?? NaN, style.isReversed);
        const left = AXIS_PX + ((mark.from * 1000 - from) / (to - from)) * (right - AXIS_PX);
        return share === undefined || left < AXIS_PX || left > right ? [] : [{ ...mark, left, top: share * plotHeight }];
    });
    return (
        <div className="heatmap" style={{ width, height: props.height }} {...drag.handlers}>
            {drag.stretch && <i className="drag-stretch" style={drag.stretch} />}
            <TimeOverlay group={props.sync} sharesTip={props.sharesTip} from={from} to={to} left={AXIS_PX} right={right} height={plotHeight} zone={zone} annotations={props.annotations} tip={tip} />
            {hasScale && cells.most > 0 && <Scale cells={cells} style={style} />}
            <canvas ref={canvas} style={{ width, height }} role="img" aria-label={`${panel.title}: ${cells.rows.length} buckets over time`} />
            <div className="plot-points">
                {points.map((one, i) => <button key={i} type="button" className="plot-point" tabIndex={-1} title={one.text} aria-label={one.text} style={{ left: one.left, top: one.top, background: one.color }} onClick={one.onClick} />)}
            </div>
            {exemplar && <Suspense fallback={null}><ExemplarDialog picked={exemplar} range={{ from: String(Math.round(from)), to: String(Math.round(to)) }} close={() => setExemplar(null)} /></Suspense>}
        </div>
    );
}
