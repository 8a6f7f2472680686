/* State timeline and status history: a row a series, a coloured stretch a state. */
import { useMemo, useState } from 'react';
import { PanelLegend, toggled } from '../../dashboard/Legend';
import { readLegend } from '../../dashboard/legend';
import type { PanelProps } from '../../dashboard/types';
import { timeTicks } from '../../draw/ticks';
import { useDrag } from '../../draw/useDrag';
import { namedColor, textOn } from '../../grafana/color';
import { displayProcessor, displayText } from '../../grafana/fieldconfig';
import { formatDate } from '../../grafana/datetime';
import { timeField, valueAt, type Field } from '../../grafana/frame';
import { asNumber, asText } from '../../grafana/json';
import { isMissing } from '../../grafana/transform/shared';
import { formatValue } from '../../grafana/units';

interface Stretch {
    /* Ms. */
    from: number;
    to: number;
    text: string;
    color: string;
}

interface StateRow {
    name: string;
    stretches: Stretch[];
}

/* More stretches than pixels cannot be seen. */
const STRETCHES_MAX = 2000;

/** stretchesOf joins neighbours that show the same; `joins` false keeps each sample apart. */
export function stretchesOf(times: ArrayLike<number>, field: Field, display: (value: unknown) => { text: string; color: string }, end: number, joins: boolean): Stretch[] {
    const found: Stretch[] = [];
    const count = field.values.length;
    const step = count > 1 ? times[1]! - times[0]! : 60_000;
    for (let i = 0; i < count; i++) {
        const value = valueAt(field, i);
        if (isMissing(value)) {
            continue;
        }
        const { text, color } = display(value);
        const last = found[found.length - 1];
        const to = Math.min(end, i + 1 < count ? times[i + 1]! : times[i]! + step);
        if (joins && last && last.text === text && last.color === color && last.to >= times[i]! - 1) {
            last.to = to;
        } else if (found.length < STRETCHES_MAX) {
            found.push({ from: times[i]!, to, text, color });
        }
    }
    return found;
}

const NAME_PX = 120;
const BOTTOM_PX = 20;
const LEGEND_PX = 26;
/* Lower panels have no room for a legend; more states are no help. */
const LEGEND_FROM_PX = 90;
const STATES_MAX = 12;

/** statesOf lists the states that are seen, in their order; where they are too many, the steps of the thresholds. */
export function statesOf(rows: readonly StateRow[], field: Field | undefined, look: PanelProps['look']): { name: string; color: string }[] {
    const seen = new Map(rows.flatMap((r) => r.stretches.map((s): [string, { name: string; color: string }] => [`${s.color} ${s.text}`, { name: s.text, color: s.color }])));
    const steps = field?.config.thresholds?.steps ?? [];
    /* Where each series has a colour of its own, a state has many. */
    const isByState = new Set([...seen.values()].map((one) => one.name)).size === seen.size;
    if (seen.size <= STATES_MAX) {
        return isByState ? [...seen.values()] : [];
    }
    return field?.config.color?.mode === 'thresholds'
        ? steps.map(({ value, color }, i) => ({ name: value === null ? `< ${formatValue(steps[i + 1]?.value ?? Infinity, field.config.unit)}` : `${formatValue(value, field.config.unit)}+`, color: namedColor(color, look) }))
        : [];
}

export default function StateTimelinePanel(props: PanelProps) {
    const { panel, frames, look, width, from, to, zone } = props;
    const legend = readLegend(panel.options);
    const [shown, setShown] = useState<readonly boolean[]>([]);
    const rows = useMemo<StateRow[]>(() => frames.flatMap((frame) => {
        const time = timeField(frame);
        return time ? frame.fields.filter((f) => f !== time).map((field) => {
            const display = displayProcessor(field, look, { zone });
            const show = (v: unknown): { text: string; color: string } => {
                const shown = display(v);
                return { text: displayText(shown), color: shown.color };
            };
            return { name: field.state?.displayName ?? field.name, stretches: stretchesOf(time.values as ArrayLike<number>, field, show, to, panel.type === 'state-timeline' && panel.options.mergeValues !== false) };
        }) : [];
    }), [frames, look, zone, to, panel.type, panel.options.mergeValues]);
    const states = legend.show && props.height > LEGEND_FROM_PX ? statesOf(rows, frames[0]?.fields.find((f) => f.type !== 'time'), look) : [];
    const names = new Map(states.map((s, i) => [`${s.color} ${s.name}`, shown[i] ?? true]));
    const height = props.height - (states.length > 0 ? LEGEND_PX : 0);
    const namePx = Math.min(NAME_PX, width * 0.3, 14 + 6.4 * Math.max(0, ...rows.map((r) => r.name.length)));
    const plotWidth = width - namePx - 8;
    const rowPx = Math.max(6, (height - BOTTOM_PX) / Math.max(1, rows.length));
    const thick = rowPx * (asNumber(panel.options.rowHeight) ?? 0.9);
    const x = (t: number): number => namePx + ((Math.max(t, from) - from) / (to - from)) * plotWidth;
    const drag = useDrag({ from, to, left: namePx, right: namePx + plotWidth, height: height - BOTTOM_PX, onZoom: props.onZoom, onZoomOut: props.onZoomOut });
    const showValue = asText(panel.options.showValue) ?? 'auto';
    return (
        <div className="heatmap" {...drag.handlers}>
            {drag.stretch && <i className="drag-stretch" style={drag.stretch} />}
            <svg width={width} height={height} role="img" aria-label={`${panel.title}: ${rows.length} rows`}>
                {rows.map((row, r) => (
                    <g key={r}>
                        <text x={namePx - 6} y={r * rowPx + rowPx / 2} textAnchor="end" dominantBaseline="middle" fontSize={11} fill="var(--text)"><title>{row.name}</title>{row.name.length > namePx / 6.2 ? `${row.name.slice(0, Math.floor(namePx / 6.2) - 1)}…` : row.name}</text>
                        {row.stretches.filter((s) => s.to > from && s.from < to && names.get(`${s.color} ${s.text}`) !== false).map((s, i) => {
                            const left = x(s.from);
                            const wide = Math.max(1, x(Math.min(s.to, to)) - left);
                            const fits = showValue !== 'never' && wide > s.text.length * 6.5 + 6 && thick > 12;
                            return (
                                <g key={i}>
                                    <rect x={left} y={r * rowPx + (rowPx - thick) / 2} width={wide} height={thick} fill={s.color}><title>{`${row.name}: ${s.text}, ${formatDate(s.from, 'HH:mm:ss', zone)} to ${formatDate(s.to, 'HH:mm:ss', zone)}`}</title></rect>
                                    {fits && <text x={left + 4} y={r * rowPx + rowPx / 2} dominantBaseline="middle" fontSize={11} fill={textOn(s.color)}>{s.text}</text>}
                                </g>
                            );
                        })}
                    </g>
                ))}
                {timeTicks(from, to, Math.max(2, Math.floor(plotWidth / 80)), zone).filter((tick) => x(tick.at) <= namePx + plotWidth - 14).map((tick) => (
                    <text key={tick.at} x={Math.max(namePx + 14, x(tick.at))} y={height - 5} textAnchor="middle" fontSize={11} fill="var(--muted)">{formatDate(tick.at, tick.pattern, zone)}</text>
                ))}
            </svg>
            {states.length > 0 && (
                <div style={{ height: LEGEND_PX }}>
                    <PanelLegend rows={states.map((one, i) => ({ ...one, shown: shown[i] ?? true, figures: [] }))} options={{ ...legend, table: false, right: false }} onPick={(i, more) => setShown(toggled(states.map((_, k) => shown[k] ?? true), i, more))} />
                </div>
            )}
        </div>
    );
}
