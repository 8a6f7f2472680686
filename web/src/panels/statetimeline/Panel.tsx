/* State timeline and status history: a row a series, a coloured stretch a state, in pages where it is asked for. */
import { useCallback, useMemo, useState } from 'react';
import { PanelLegend, toggled } from '../../dashboard/Legend';
import { readLegend } from '../../dashboard/legend';
import { Pager, PAGER_PX } from '../../dashboard/Pager';
import { pageOf } from '../../dashboard/paging';
import type { PanelProps } from '../../dashboard/types';
import { timeTicks } from '../../draw/ticks';
import { TimeOverlay } from '../../draw/TimeOverlay';
import { useDrag } from '../../draw/useDrag';
import { textOn } from '../../grafana/color';
import { displayProcessor, displayText } from '../../grafana/fieldconfig';
import { formatDate } from '../../grafana/datetime';
import { timeField, type Frame } from '../../grafana/frame';
import { asNumber, asRecord, asText, own } from '../../grafana/json';
import { statesAt, statesOf, stretchesOf, type StateRow } from './states';

const NAME_PX = 120;
const BOTTOM_PX = 20;
const LEGEND_PX = 26;
/* Lower panels have no room for a legend. */
const LEGEND_FROM_PX = 90;

/* Of a cell, where text stands. */
const ANCHORS: Readonly<Record<string, { anchor: 'start' | 'middle' | 'end'; share: number; px: number }>> = { left: { anchor: 'start', share: 0, px: 4 }, center: { anchor: 'middle', share: 0.5, px: 0 }, right: { anchor: 'end', share: 1, px: -4 } };
/* Text of a state is read on the panel where less than this of its colour is there. */
const OPAQUE_FROM = 0.5;

interface RowStyle {
    rowPx: number;
    thick: number;
    showValue: string;
    opacity: number;
    at: { anchor: 'start' | 'middle' | 'end'; share: number; px: number };
    /* Of the room of a sample, as much as is filled. */
    share: number;
}

function styleOf({ type, options, fieldConfig }: PanelProps['panel'], rowPx: number): RowStyle {
    const isHistory = type === 'status-history';
    return {
        rowPx,
        thick: rowPx * (asNumber(options.rowHeight) ?? 0.9),
        showValue: asText(options.showValue) ?? 'auto',
        opacity: (asNumber(asRecord(fieldConfig.defaults.custom).fillOpacity) ?? 100) / 100,
        at: own(ANCHORS, isHistory ? 'center' : (asText(options.alignValue) ?? 'left')) ?? ANCHORS.left!,
        share: isHistory ? (asNumber(options.colWidth) ?? 0.9) : 1,
    };
}

function Row({ name, stretches, top, namePx, x, end, style }: StateRow & { top: number; namePx: number; x: (time: number) => number; end: number; style: RowStyle }) {
    const { rowPx, thick, showValue, opacity, at, share } = style;
    const middle = top + rowPx / 2;
    return (
        <g>
            <text x={namePx - 6} y={middle} textAnchor="end" dominantBaseline="middle" fontSize={11} fill="var(--text)"><title>{name}</title>{name.length > namePx / 6.2 ? `${name.slice(0, Math.floor(namePx / 6.2) - 1)}…` : name}</text>
            {stretches.map((s, i) => {
                const room = Math.max(1, x(Math.min(s.to, end)) - x(s.from));
                const wide = Math.max(1, room * share);
                const left = x(s.from) + (room - wide) / 2;
                const fits = showValue === 'always' || (showValue !== 'never' && wide > s.text.length * 6.5 + 6 && thick > 12);
                return (
                    <g key={i}>
                        <rect x={left} y={top + (rowPx - thick) / 2} width={wide} height={thick} fill={s.color} fillOpacity={opacity} />
                        {fits && <text x={left + at.share * wide + at.px} y={middle} textAnchor={at.anchor} dominantBaseline="middle" fontSize={11} fill={opacity < OPAQUE_FROM ? 'var(--text)' : textOn(s.color)}>{s.text}</text>}
                    </g>
                );
            })}
        </g>
    );
}

function rowsOf(frames: readonly Frame[], look: PanelProps['look'], zone: string | undefined, end: number, joins: boolean): StateRow[] {
    return frames.flatMap((frame) => {
        const time = timeField(frame);
        return time ? frame.fields.filter((f) => f !== time).map((field) => {
            const display = displayProcessor(field, look, { zone });
            const show = (v: unknown): { text: string; color: string } => {
                const shown = display(v);
                return { text: displayText(shown), color: shown.color };
            };
            return { name: field.state?.displayName ?? field.name, stretches: stretchesOf(time.values as ArrayLike<number>, field, show, end, joins) };
        }) : [];
    });
}

export default function StateTimelinePanel(props: PanelProps) {
    const { panel, frames, look, width, from, to, zone } = props;
    const legend = readLegend(panel.options);
    const isHistory = panel.type === 'status-history';
    const [shown, setShown] = useState<readonly boolean[]>([]);
    const joins = !isHistory && panel.options.mergeValues !== false;
    const all = useMemo(() => rowsOf(frames, look, zone, to, joins), [frames, look, zone, to, joins]);
    const [wantedPage, setPage] = useState(0);
    const perPage = asNumber(panel.options.perPage) ?? 0;
    const page = pageOf(all.length, perPage >= 1 ? perPage : Math.max(1, all.length), wantedPage);
    const rows = useMemo(() => all.slice(page.from, page.to), [all, page.from, page.to]);
    const states = legend.show && props.height > LEGEND_FROM_PX ? statesOf(all, frames[0]?.fields.find((f) => f.type !== 'time'), look) : [];
    const names = new Map(states.map((s, i) => [`${s.color} ${s.name}`, shown[i] ?? true]));
    const height = props.height - (states.length > 0 ? LEGEND_PX : 0) - (page.count > 1 ? PAGER_PX : 0);
    const plotHeight = height - BOTTOM_PX;
    const namePx = Math.min(NAME_PX, width * 0.3, 14 + 6.4 * Math.max(0, ...rows.map((r) => r.name.length)));
    const plotWidth = width - namePx - 8;
    const rowPx = Math.max(6, plotHeight / Math.max(1, rows.length));
    const x = (t: number): number => namePx + ((Math.max(t, from) - from) / (to - from)) * plotWidth;
    const drag = useDrag({ from, to, left: namePx, right: namePx + plotWidth, height: plotHeight, onZoom: props.onZoom, onZoomOut: props.onZoomOut });
    const style = styleOf(panel, rowPx);
    const tipMode = asText(asRecord(panel.options.tooltip).mode) ?? 'single';
    const tip = useCallback(
        (time: number, y: number | null) => (tipMode === 'none' ? null : statesAt(rows, time, y === null || tipMode === 'multi' ? undefined : Math.floor(y / rowPx), zone)),
        [tipMode, rows, rowPx, zone],
    );
    return (
        <div className="heatmap" {...drag.handlers}>
            {drag.stretch && <i className="drag-stretch" style={drag.stretch} />}
            <TimeOverlay group={props.sync} sharesTip={props.sharesTip} from={from} to={to} left={namePx} right={namePx + plotWidth} height={plotHeight} zone={zone} annotations={props.annotations} tip={tip} />
            <svg width={width} height={height} role="img" aria-label={`${panel.title}: ${rows.length} rows`}>
                {rows.map((row, r) => <Row key={r} name={row.name} stretches={row.stretches.filter((s) => s.to > from && s.from < to && names.get(`${s.color} ${s.text}`) !== false)} top={r * rowPx} namePx={namePx} x={x} end={to} style={style} />)}
                {timeTicks(from, to, Math.max(2, Math.floor(plotWidth / 80)), zone).filter((tick) => x(tick.at) <= namePx + plotWidth - 14).map((tick) => (
                    <text key={tick.at} x={Math.max(namePx + 14, x(tick.at))} y={height - 5} textAnchor="middle" fontSize={11} fill="var(--muted)">{formatDate(tick.at, tick.pattern, zone)}</text>
                ))}
            </svg>
            {page.count > 1 && <Pager page={page} rows={all.length} onTurn={setPage} />}
            {states.length > 0 && (
                <div style={{ height: LEGEND_PX }}>
                    <PanelLegend rows={states.map((one, i) => ({ ...one, shown: shown[i] ?? true, figures: [] }))} options={{ ...legend, table: false, right: false }} onPick={(i, more) => setShown(toggled(states.map((_, k) => shown[k] ?? true), i, more))} />
                </div>
            )}
        </div>
    );
}
