/* Heatmap: counts of buckets over time as cells of one hue by lightness, on a canvas. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { timeTicks } from '../../draw/ticks';
import { useDrag } from '../../draw/useDrag';
import { interpolateColors, namedColor, scaleColors } from '../../grafana/color';
import { formatDate } from '../../grafana/datetime';
import { asNumber, asRecord, asText } from '../../grafana/json';
import { formatValue } from '../../grafana/units';
import { calculated, fromBuckets, merged, type Cells } from './cells';

const AXIS_PX = 64;
const BOTTOM_PX = 22;
const SCALE_PX = 20;
/* Lower panels have no room for what the colours mean. */
const SCALE_FROM_PX = 130;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";

/* Schemes of Grafana's heatmap, from little to much; unknown ones are oranges. */
const SCHEMES: Record<string, readonly string[]> = {
    Oranges: ['#2b2118', '#7a3e12', '#c4621a', '#f28e2b', '#ffd199'], Blues: ['#152238', '#1f4e8c', '#3a7fd0', '#7fb2ee', '#d3e6fb'], Greens: ['#14261a', '#1f5b33', '#379a55', '#7fcf93', '#d9f2de'],
    Reds: ['#2c1517', '#7a1f26', '#c23a3a', '#ee7d72', '#fbd6d0'], Purples: ['#211a30', '#4d3a86', '#7b62c4', '#ad9be6', '#e3dcf8'], Greys: ['#1d1f23', '#4a4e57', '#828893', '#b9bec7', '#eceef1'],
};

function colorsOf(options: PanelProps['panel']['options'], look: PanelProps['look']): readonly string[] {
    const color = asRecord(options.color);
    if (color.mode === 'opacity') {
        const fill = namedColor(asText(color.fill) ?? 'dark-orange', look);
        return [look === 'dark' ? '#1d1f23' : '#f4f5f5', fill];
    }
    const scheme = asText(color.scheme) ?? 'Oranges';
    const list = scaleColors(`continuous-${scheme.toLowerCase()}`, look) ?? SCHEMES[scheme] ?? SCHEMES.Oranges!;
    return look === 'light' && !scaleColors(`continuous-${scheme.toLowerCase()}`, look) ? [...list].reverse() : list;
}

interface Hover {
    column: number;
    row: number;
}

function draw(canvas: HTMLCanvasElement, cells: Cells, props: Pick<PanelProps, 'width' | 'height' | 'from' | 'to' | 'zone'>, colors: readonly string[], exponent: number, unit: string | undefined): void {
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
    const plotWidth = width - AXIS_PX - 6;
    const plotHeight = height - BOTTOM_PX;
    const [from, to] = [props.from / 1000, props.to / 1000];
    const x = (t: number): number => AXIS_PX + ((t - from) / (to - from)) * plotWidth;
    const rowPx = plotHeight / cells.rows.length;
    const scale = Array.from({ length: 64 }, (_, i) => interpolateColors(colors, i / 63));
    const columns = cells.times.length;
    for (let row = 0; row < cells.rows.length; row++) {
        const y = plotHeight - (row + 1) * rowPx;
        for (let i = 0; i < columns; i++) {
            const count = cells.counts[row * columns + i]!;
            if (!(count > 0)) {
                continue;
            }
            const share = (count / cells.most) ** exponent;
            const left = Math.max(AXIS_PX, x(cells.times[i]! - cells.step));
            const right = Math.min(width - 6, x(cells.times[i]!));
            ctx.fillStyle = scale[Math.min(63, Math.floor(share * 63.99))]!;
            ctx.fillRect(left, y + 0.5, Math.max(1, right - left - 0.5), Math.max(1, rowPx - 1));
        }
    }
    ctx.font = FONT;
    ctx.fillStyle = text;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    const every = Math.max(1, Math.ceil(16 / rowPx));
    cells.rows.forEach((r, i) => {
        if (i % every === 0) {
            const label = r.label && Number.isNaN(Number(r.label.replace('+Inf', 'Infinity'))) ? r.label : formatValue(r.high, unit);
            ctx.fillText(label.slice(0, 10), AXIS_PX - 6, plotHeight - (i + 0.5) * rowPx);
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
function Scale({ cells, colors }: { cells: Cells; colors: readonly string[] }) {
    return (
        <div className="heatmap-scale num" style={{ paddingLeft: AXIS_PX }}>
            <span>{formatValue(cells.least, 'short')}</span>
            <i style={{ background: `linear-gradient(to right, ${colors.join(', ')})` }} />
            <span>{formatValue(cells.most, 'short')}</span>
        </div>
    );
}

export default function HeatmapPanel(props: PanelProps) {
    const { panel, frames, look, width } = props;
    const hasScale = asRecord(panel.options.legend).show !== false && props.height > SCALE_FROM_PX;
    const height = props.height - (hasScale ? SCALE_PX : 0);
    const canvas = useRef<HTMLCanvasElement>(null);
    const [hover, setHover] = useState<Hover | null>(null);
    const options = panel.options;
    const cells = useMemo(() => {
        const one = merged(frames);
        return options.calculate === true ? calculated(frames, Math.floor(width / 12)) : one ? fromBuckets(one) : undefined;
    }, [frames, options.calculate, width]);
    const unit = asText(asRecord(options.yAxis).unit) ?? panel.fieldConfig.defaults.unit;
    const exponent = asNumber(asRecord(options.color).exponent) ?? 0.5;
    const colors = useMemo(() => colorsOf(options, look), [options, look]);
    const { from, to, zone } = props;
    useEffect(() => {
        if (canvas.current && cells) {
            draw(canvas.current, cells, { width, height, from, to, zone }, colors, exponent, unit);
        }
    }, [cells, width, height, from, to, zone, colors, exponent, unit]);
    const drag = useDrag({ from, to, left: AXIS_PX, right: width - 6, height: height - BOTTOM_PX, onZoom: props.onZoom, onZoomOut: props.onZoomOut });
    if (!cells) {
        return null;
    }
    const columns = cells.times.length;
    function find(event: React.MouseEvent): Hover | null {
        const box = event.currentTarget.getBoundingClientRect();
        const t = props.from / 1000 + ((event.clientX - box.left - AXIS_PX) / (width - AXIS_PX - 6)) * ((props.to - props.from) / 1000);
        const column = cells!.times.findIndex((start) => t <= start && t > start - cells!.step);
        const row = Math.floor(((height - BOTTOM_PX - (event.clientY - box.top)) / (height - BOTTOM_PX)) * cells!.rows.length);
        return column >= 0 && row >= 0 && row < cells!.rows.length ? { column, row } : null;
    }
    const row = hover ? cells.rows[hover.row] : undefined;
    const count = hover ? cells.counts[hover.row * columns + hover.column] : undefined;
    return (
        <div className="heatmap" style={{ width, height: props.height }} {...drag.handlers}>
            {drag.stretch && <i className="drag-stretch" style={drag.stretch} />}
            {hasScale && cells.most > 0 && <Scale cells={cells} colors={colors} />}
            <canvas ref={canvas} style={{ width, height }} role="img" aria-label={`${panel.title}: ${cells.rows.length} buckets over time`} onMouseMove={(e) => setHover(find(e))} onMouseLeave={() => setHover(null)} />
            {hover && row && (
                <div className="heatmap-tip num">
                    {formatDate(cells.times[hover.column]! * 1000, 'YYYY-MM-DD HH:mm:ss', props.zone)}: {formatValue(row.low, unit)} to {formatValue(row.high, unit)}: <b>{formatValue(Number.isNaN(count) ? 0 : count!, 'short')}</b>
                </div>
            )}
        </div>
    );
}
