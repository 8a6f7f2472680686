/* Heatmap: counts of buckets over time as cells of one hue by lightness, on a canvas. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { exemplarMarks, type PickedExemplar } from '../../draw/exemplars';
import { TimeOverlay } from '../../draw/TimeOverlay';
import type { TipContent } from '../../draw/Tip';
import { useDrag } from '../../draw/useDrag';
import { formatDate, FULL_DATE } from '../../grafana/datetime';
import { asRecord } from '../../grafana/json';
import { bucketsOf, calculated, columnAt, fromBuckets, heightOf, layoutOf, merged, within, type Cells } from './cells';
import { scaleShare } from './paint';
import { BOTTOM_PX, draw, styleOf, type Style } from './picture';

const ExemplarDialog = lazy(() => import('../../draw/ExemplarDialog'));
const SCALE_PX = 20;
/* Lower panels have no room for what the colours mean. */
const SCALE_FROM_PX = 130;
/* Elements that can be clicked. */
const EXEMPLARS_MAX = 300;

/* What the colours mean, from the least count to the most; in a tooltip with the place of the count that is pointed at. */
function Scale({ cells, style, count }: { cells: Cells; style: Style; count?: number }) {
    const { low, high, colors } = style.paint;
    const gradient = `linear-gradient(to right, ${colors.join(', ')})`;
    return (
        <div className="heatmap-scale num" style={count === undefined ? { paddingLeft: style.left } : { position: 'static', marginTop: 4 }}>
            <span>{style.count(low || cells.least)}</span>
            <i style={{ background: count === undefined ? gradient : `${marker(scaleShare(style.paint, count))}, ${gradient}` }} />
            <span>{style.count(high)}</span>
        </div>
    );
}

/* A line across the scale, seen on whatever colour. */
function marker(share: number): string {
    const at = (px: number): string => `calc(${share * 100}% + ${px}px)`;
    return `linear-gradient(to right, transparent ${at(-2)}, var(--panel) ${at(-2)} ${at(-1)}, var(--text) ${at(-1)} ${at(1)}, var(--panel) ${at(1)} ${at(2)}, transparent ${at(2)})`;
}

/* The cell at a row, or all of the column that have something. */
function cellsAt(cells: Cells, seconds: number, row: number | undefined, style: Style, zone: string | undefined, { hasHistogram, hasScale }: { hasHistogram: boolean; hasScale: boolean }): TipContent | null {
    const columns = cells.times.length;
    const column = columnAt(cells, seconds);
    if (column < 0 || (row !== undefined && !cells.rows[row])) {
        return null;
    }
    const all = cells.rows.map((one, i) => ({ one, i, count: cells.counts[i * columns + column]! }));
    const rows = all.filter(({ i, count }) => (row === undefined ? count > 0 : i === row)).reverse();
    const end = cells.times[column]! * 1000;
    return {
        head: `${formatDate(end - cells.step * 1000, FULL_DATE, zone)} to ${formatDate(end, 'HH:mm:ss', zone)}`,
        rows: rows.map(({ one, count }) => ({ color: style.paint.colorOf(count) ?? 'transparent', name: cells.isNamed ? one.label : `${style.bound(one.low)} to ${style.bound(one.high)}`, text: style.count(Number.isNaN(count) ? 0 : count) })),
        ...(hasHistogram && row !== undefined ? { bars: all.map(({ i, count }) => ({ size: count > 0 ? count : 0, near: i === row })) } : {}),
        ...(hasScale && row !== undefined && all[row]!.count > 0 ? { foot: <Scale cells={cells} style={style} count={all[row]!.count} /> } : {}),
    };
}

export default function HeatmapPanel(props: PanelProps) {
    const { panel, frames, look, width, from, to, zone } = props;
    const { options } = panel;
    const hasScale = asRecord(options.legend).show !== false && props.height > SCALE_FROM_PX;
    const height = props.height - (hasScale ? SCALE_PX : 0);
    const plotHeight = height - BOTTOM_PX;
    const canvas = useRef<HTMLCanvasElement>(null);
    const cells = useMemo(() => {
        const layout = layoutOf(options);
        const one = merged(frames, layout);
        const found = options.calculate === true ? calculated(frames, bucketsOf(options, Math.floor(width / 12))) : one ? fromBuckets(one, layout) : undefined;
        return found && within(found, asRecord(options.yAxis));
    }, [frames, options, width]);
    const style = useMemo(() => styleOf(panel, look, cells), [panel, look, cells]);
    const { left } = style;
    const right = width - style.right;
    useEffect(() => {
        if (canvas.current && cells) {
            draw(canvas.current, cells, { width, height, from, to, zone }, style);
        }
    }, [cells, width, height, from, to, zone, style]);
    const drag = useDrag({ from, to, left, right, height: plotHeight, onZoom: props.onZoom, onZoomOut: props.onZoomOut });
    const [exemplar, setExemplar] = useState<PickedExemplar | null>(null);
    const tooltip = asRecord(options.tooltip);
    const [isSilent, hasHistogram, tipHasScale] = [tooltip.mode === 'none', tooltip.yHistogram === true, tooltip.showColorScale === true];
    const tip = useCallback((time: number, y: number | null): TipContent | null => {
        if (!cells || isSilent) {
            return null;
        }
        const place = y === null ? undefined : Math.floor((y / plotHeight) * cells.rows.length);
        return cellsAt(cells, time / 1000, place === undefined || style.isReversed ? place : cells.rows.length - 1 - place, style, zone, { hasHistogram, hasScale: tipHasScale });
    }, [cells, isSilent, hasHistogram, tipHasScale, plotHeight, style, zone]);
    if (!cells) {
        return null;
    }
    const points = exemplarMarks(props.exemplars, setExemplar).slice(0, EXEMPLARS_MAX).flatMap((mark) => {
        const share = heightOf(cells, mark.value ?? NaN, style.isReversed);
        const x = left + ((mark.from * 1000 - from) / (to - from)) * (right - left);
        return share === undefined || x < left || x > right ? [] : [{ ...mark, left: x, top: share * plotHeight }];
    });
    return (
        <div className="heatmap" style={{ width, height: props.height }} {...drag.handlers}>
            {drag.stretch && <i className="drag-stretch" style={drag.stretch} />}
            <TimeOverlay group={props.sync} sharesTip={props.sharesTip} from={from} to={to} left={left} right={right} height={plotHeight} zone={zone} annotations={props.annotations} tip={tip} />
            {hasScale && cells.most > 0 && <Scale cells={cells} style={style} />}
            <canvas ref={canvas} style={{ width, height }} role="img" aria-label={`${panel.title}: ${cells.rows.length} buckets over time`} />
            <div className="plot-points">
                {points.map((one, i) => <button key={i} type="button" className="plot-point" tabIndex={-1} title={one.text} aria-label={one.text} style={{ left: one.left, top: one.top, background: one.color }} onClick={one.onClick} />)}
            </div>
            {exemplar && <Suspense fallback={null}><ExemplarDialog picked={exemplar} range={{ from: String(Math.round(from)), to: String(Math.round(to)) }} close={() => setExemplar(null)} /></Suspense>}
        </div>
    );
}
