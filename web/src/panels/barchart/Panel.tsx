/* Bar chart and histogram: bars by category, or by bucket of size, upright or lying. */
import { type PointerEvent, useId, useMemo, useState } from 'react';
import { PanelLegend, toggled } from '../../dashboard/Legend';
import { listRows, readLegend } from '../../dashboard/legend';
import type { PanelProps } from '../../dashboard/types';
import { footOf, stopsOf } from '../../draw/gradient';
import { isBinary } from '../../draw/ticks';
import { Tip, type TipContent } from '../../draw/Tip';
import { textOn } from '../../grafana/color';
import type { Frame } from '../../grafana/frame';
import { asNumber, asRecord, asText } from '../../grafana/json';
import { transformFrames } from '../../grafana/transform';
import { formattedText, formatValue, unitFormatter } from '../../grafana/units';
import { barAt, isLabelled, placeBars, valueAxis, type PlacedBar, type ValueAxis } from './bars';
import { asShares, groupsOf, type Bar, type Group } from './groups';

const LEGEND_ROW_PX = 24;
const LEGEND_SHARE_MAX = 0.35;
const LEGEND_SIDE_PX = 140;
/* Lower panels have no room for a legend. */
const LEGEND_FROM_PX = 120;
const LINE_PX = 16;
/* Of a character of the font, on average. */
const CHARACTER_PX = 6.2;
const PAD_PX = 8;
/* Labels take at most this share of the panel. */
const LABELS_MAX = 0.4;
/* Fainter bars have their values in the colour of text. */
const OPAQUE_FROM = 0.5;

const textPx = (text: string): number => 8 + CHARACTER_PX * text.length;

/* As many decimals at each tick as tell it from the next, where the unit does not scale numbers. */
function tickTexts(ticks: readonly number[], unit: string | undefined): string[] {
    const decimals = Math.max(0, -Math.floor(Math.log10(Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0)) || 1) + 1e-9));
    const format = unitFormatter(unit);
    const even = ticks.map((tick) => format(tick, decimals));
    const isPlain = even.every((one, i) => Number(one.text) === Number(ticks[i]!.toFixed(decimals)));
    return ticks.map((tick, i) => (isPlain ? formattedText(even[i]!) : formatValue(tick, unit)));
}

interface Style {
    isLying: boolean;
    isStacked: boolean;
    isPercent: boolean;
    showValue: string;
    groupWidth: number;
    barWidth: number;
    radius: number;
    /* Degrees, clockwise. */
    rotation: number;
    labelMax: number;
    spacing: number;
}

function styleOf({ type, options }: PanelProps['panel'], width: number, height: number): Style {
    const isHistogram = type === 'histogram';
    const stacking = asText(options.stacking);
    const orientation = asText(options.orientation) ?? 'auto';
    return {
        isLying: !isHistogram && (orientation === 'horizontal' || (orientation === 'auto' && width < height)),
        isStacked: stacking === 'normal' || stacking === 'percent',
        isPercent: stacking === 'percent',
        showValue: isHistogram ? 'never' : (asText(options.showValue) ?? 'auto'),
        groupWidth: isHistogram ? 1 : (asNumber(options.groupWidth) ?? 0.7),
        barWidth: isHistogram ? 1 : (asNumber(options.barWidth) ?? 0.97),
        radius: asNumber(options.barRadius) ?? 0,
        rotation: Math.min(90, Math.max(-90, asNumber(options.xTickLabelRotation) ?? 0)),
        labelMax: asNumber(options.xTickLabelMaxLength) || Infinity,
        spacing: asNumber(options.xTickLabelSpacing) ?? 0,
    };
}

interface Layout {
    style: Style;
    groups: readonly Group[];
    bars: readonly PlacedBar[];
    axis: ValueAxis;
    tickTexts: string[];
    labels: string[];
    /* The plot within the panel, px. */
    left: number;
    top: number;
    width: number;
    height: number;
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, Math.max(1, Math.floor(most)))}…` : text);

function layoutOf(groups: readonly Group[], style: Style, width: number, height: number, unit: string | undefined, limits: { min?: number; max?: number }): Layout {
    const { isLying, isStacked, showValue, rotation } = style;
    const values = groups.map((g) => g.bars.map((b) => b.value));
    const names = groups.map((g) => cut(g.label, style.labelMax));
    const widest = Math.max(0, ...names.map(textPx));
    /* The axis is the same however long the bars are. */
    const axis = valueAxis(placeBars(values, 1, { ...style, groupWidth: 1 }), Math.max(2, Math.floor((isLying ? width : height) / (isLying ? 90 : 48))), limits, isBinary(unit));
    const ticks = tickTexts(axis.ticks, unit);
    const valueRoom = !isStacked && showValue !== 'never' ? (isLying ? Math.min(width * 0.25, Math.max(0, ...groups.flatMap((g) => g.bars.map((b) => textPx(b.text))))) : LINE_PX) : 0;
    const slant = (Math.abs(rotation) * Math.PI) / 180;
    const labelPx = isLying ? Math.min(width * LABELS_MAX, widest) : Math.min(height * LABELS_MAX, rotation === 0 ? LINE_PX : LINE_PX + (widest - PAD_PX) * Math.sin(slant));
    const ticksPx = Math.max(0, ...ticks.map((text) => textPx(text) + 4));
    /* A label that is turned begins or ends at its bar: the first or the last ones may have no room there. */
    const slotGuess = (width - ticksPx) / Math.max(1, groups.length);
    const beyond = (name: string, i: number): number => (Math.min(textPx(name), labelPx / Math.max(0.2, Math.sin(slant))) - PAD_PX) * Math.cos(slant) - ((rotation < 0 ? i : names.length - 1 - i) + 0.5) * slotGuess;
    const aside = isLying || rotation === 0 ? 0 : Math.min(width * 0.25, Math.max(0, ...names.map(beyond)));
    const left = isLying ? labelPx : Math.max(rotation < 0 ? aside : 0, ticksPx);
    const right = isLying ? Math.max(valueRoom, textPx(ticks[ticks.length - 1] ?? '') / 2) : rotation > 0 ? aside : 0;
    const top = isLying ? 2 : 6 + valueRoom;
    const plot = { width: Math.max(10, width - left - PAD_PX - right), height: Math.max(10, height - top - 6 - (isLying ? LINE_PX : labelPx)) };
    const slot = (isLying ? plot.height : plot.width) / Math.max(1, groups.length);
    /* Turned labels need their height alone. */
    const wanted = style.spacing !== 0 ? style.spacing : isLying ? LINE_PX - 2 : rotation !== 0 ? (LINE_PX - 2) / Math.max(0.2, Math.sin(slant)) : Math.min(110, widest);
    const room = isLying ? (labelPx - PAD_PX) / CHARACTER_PX : rotation !== 0 ? (labelPx - LINE_PX) / Math.sin(slant) / CHARACTER_PX : Math.max(slot, Math.min(110, widest)) / CHARACTER_PX;
    return {
        style, groups, axis, tickTexts: ticks, left, top, ...plot,
        bars: placeBars(values, isLying ? plot.height : plot.width, style),
        labels: names.map((name, i) => (isLabelled(i, names.length, slot, wanted) ? cut(name, room) : '')),
    };
}

const valueShare = ({ low, high }: ValueAxis, value: number): number => (Math.min(high, Math.max(low, value)) - low) / (high - low);

function Axes({ layout }: { layout: Layout }) {
    const { style: { isLying, rotation }, axis, left, top, width, height, labels } = layout;
    const slot = (isLying ? height : width) / Math.max(1, labels.length);
    return (
        <>
            {axis.ticks.map((tick, i) => {
                const share = valueShare(axis, tick);
                const [x, y] = [left + width * share, top + height * (1 - share)];
                return isLying ? (
                    <g key={tick}>
                        <line x1={x} x2={x} y1={top} y2={top + height} stroke="var(--line)" />
                        <text x={x} y={top + height + 13} textAnchor="middle" fontSize={11} fill="var(--muted)">{layout.tickTexts[i]}</text>
                    </g>
                ) : (
                    <g key={tick}>
                        <line x1={left} x2={left + width} y1={y} y2={y} stroke="var(--line)" />
                        <text x={left - 6} y={y} textAnchor="end" dominantBaseline="middle" fontSize={11} fill="var(--muted)">{layout.tickTexts[i]}</text>
                    </g>
                );
            })}
            {labels.map((label, i) => {
                const along = (i + 0.5) * slot;
                const [x, y] = isLying ? [left - 6, top + along] : [left + along, top + height + (rotation === 0 ? 14 : 9)];
                return label === '' ? null : (
                    <text
                        key={i} x={x} y={y} fontSize={11} fill="var(--muted)" textAnchor={isLying || rotation < 0 ? 'end' : rotation > 0 ? 'start' : 'middle'} dominantBaseline={isLying || rotation !== 0 ? 'middle' : undefined}
                        transform={!isLying && rotation !== 0 ? `rotate(${rotation} ${x} ${y})` : undefined}
                    >
                        {label}
                    </text>
                );
            })}
        </>
    );
}

/* The value of a bar: beside its end, or in it where others stand on it. */
function Value({ box, bar, style, isDown }: { box: { x: number; y: number; width: number; height: number }; bar: Bar; style: Style; isDown: boolean }) {
    const { isLying, isStacked } = style;
    const text = style.isPercent ? `${Math.round(bar.value)}%` : bar.text;
    const wide = textPx(text) - 6;
    const fits = isLying ? box.height >= 11 && (!isStacked || box.width >= wide) : box.width >= wide - 4 && (!isStacked || box.height >= 13);
    if (text === '' || Number.isNaN(bar.value) || !(style.showValue === 'always' || (style.showValue === 'auto' && fits))) {
        return null;
    }
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const at = isStacked ? { ...middle, anchor: 'middle' as const }
        : isLying ? { x: isDown ? box.x - 4 : box.x + box.width + 4, y: middle.y, anchor: isDown ? 'end' as const : 'start' as const }
        : { x: middle.x, y: isDown ? box.y + box.height + 9 : box.y - 8, anchor: 'middle' as const };
    return <text x={at.x} y={at.y} textAnchor={at.anchor} dominantBaseline="middle" fontSize={11} fill={isStacked && bar.opacity >= OPAQUE_FROM && box.height >= 11 && box.width >= 11 ? textOn(bar.color) : 'var(--text)'}>{text}</text>;
}

/* Along the axis of values, through the whole plot: a bar has as much of it as it reaches. */
function GradientOf({ id, bar, layout: { style, axis, left, top, width, height } }: { id: string; bar: Bar; layout: Layout }) {
    const { gradient, color, opacity } = bar;
    const share = (value: number): number => (value === Infinity ? 1 : value === -Infinity ? 0 : valueShare(axis, value));
    const stops = typeof gradient === 'object' ? stopsOf(gradient, share).map((one) => ({ ...one, opacity: 1 })) : gradient ? [{ share: 0, ...footOf(gradient, color) }, { share: 1, color, opacity: 1 }] : [];
    const along = style.isLying ? { x1: left, x2: left + width, y1: 0, y2: 0 } : { x1: 0, x2: 0, y1: top + height, y2: top };
    return (
        <linearGradient id={id} gradientUnits="userSpaceOnUse" {...along}>
            {stops.map((one, i) => <stop key={i} offset={one.share} stopColor={one.color} stopOpacity={one.opacity * opacity} />)}
        </linearGradient>
    );
}

const gradientKey = ({ gradient, color, opacity }: Bar): string => JSON.stringify([gradient, typeof gradient === 'object' ? '' : color, opacity]);

/* Bars of one field and colour share one. */
function gradientsOf(groups: readonly Group[], name: string): ReadonlyMap<string, { id: string; bar: Bar }> {
    const found = new Map<string, { id: string; bar: Bar }>();
    for (const bar of groups.flatMap((group) => group.bars)) {
        if (bar.gradient && !found.has(gradientKey(bar))) {
            found.set(gradientKey(bar), { id: `${name.replace(/\W/g, '')}-${found.size}`, bar });
        }
    }
    return found;
}

function Bars({ layout }: { layout: Layout }) {
    const { style, axis, left, top, width, height, groups } = layout;
    const gradients = gradientsOf(groups, useId());
    const boxes = layout.bars.map((one) => {
        const [from, to] = [valueShare(axis, Math.min(one.from, one.to)), valueShare(axis, Math.max(one.from, one.to))];
        const box = style.isLying
            ? { x: left + width * from, y: top + one.at, width: width * (to - from), height: one.thick }
            : { x: left + one.at, y: top + height * (1 - to), width: one.thick, height: height * (to - from) };
        return { one, box, bar: groups[one.group]!.bars[one.bar]! };
    });
    return (
        <>
            {gradients.size > 0 && <defs>{[...gradients.values()].map(({ id, bar }) => <GradientOf key={id} id={id} bar={bar} layout={layout} />)}</defs>}
            {boxes.map(({ one, box, bar }, i) => {
                /* The line lies within the bar. */
                const line = Math.min(bar.linePx, box.width / 2, box.height / 2);
                const gradient = bar.gradient && gradients.get(gradientKey(bar))!;
                return <rect key={i} x={box.x + line / 2} y={box.y + line / 2} width={box.width - line} height={box.height - line} rx={(style.radius * one.thick) / 2} fill={gradient ? `url(#${gradient.id})` : bar.color} fillOpacity={gradient ? 1 : bar.opacity} stroke={typeof bar.gradient === 'object' ? 'none' : bar.color} strokeWidth={line} />;
            })}
            {style.showValue !== 'never' && boxes.map(({ one, box, bar }, i) => <Value key={i} box={box} bar={bar} style={style} isDown={one.to < one.from} />)}
        </>
    );
}

/* The bar at a place of the panel. */
function pointedBar({ style, bars, axis, left, top, width, height, groups }: Layout, x: number, y: number): PlacedBar | undefined {
    const share = style.isLying ? (x - left) / width : 1 - (y - top) / height;
    return barAt(bars, style.isLying ? y - top : x - left, axis.low + share * (axis.high - axis.low), (style.isLying ? height : width) / Math.max(1, groups.length));
}

/* Several queries of time series are one chart. */
function framesOf(frames: readonly Frame[], { type, options }: PanelProps['panel']): readonly Frame[] {
    return type === 'histogram' ? transformFrames(frames, [{ id: 'histogram', options }]).frames : frames.length > 1 ? transformFrames(frames, [{ id: 'joinByField', options: {} }]).frames : frames;
}

export default function BarChartPanel({ panel, frames, look, width: given, height: whole, zone }: PanelProps) {
    const isPercent = asText(panel.options.stacking) === 'percent';
    const groups = useMemo(() => {
        const found = groupsOf(framesOf(frames, panel)[0], panel.options, look, zone);
        return isPercent ? asShares(found) : found;
    }, [frames, panel, look, zone, isPercent]);
    const legend = readLegend(panel.options);
    const [shown, setShown] = useState<readonly boolean[]>([]);
    const [pointed, setPointed] = useState<{ bar: PlacedBar; x: number; y: number } | null>(null);
    const series = groups[0]?.bars ?? [];
    const hasLegend = legend.show && series.length > 1 && whole > LEGEND_FROM_PX;
    const isBeside = hasLegend && legend.right;
    const sidePx = legend.widthPx ?? Math.min(given * 0.35, LEGEND_SIDE_PX);
    const listed = series.map((one, i) => ({ name: one.name, color: one.color, shown: !hasLegend || (shown[i] ?? true), figures: [] }));
    const legendPx = hasLegend && !isBeside ? Math.min(Math.floor(whole * LEGEND_SHARE_MAX), listRows(listed, given) * LEGEND_ROW_PX + 2) : 0;
    const height = whole - legendPx;
    const width = given - (isBeside ? sidePx + PAD_PX : 0);
    const numbers = frames[0]?.fields.find((f) => f.type === 'number')?.config;
    const layout = layoutOf(
        groups.map((g) => ({ ...g, bars: g.bars.filter((_, i) => listed[i]!.shown) })), styleOf(panel, width, height), width, height, isPercent ? 'percent' : panel.type === 'histogram' ? 'short' : numbers?.unit,
        isPercent || panel.type === 'histogram' ? {} : { ...(typeof numbers?.min === 'number' ? { min: numbers.min } : {}), ...(typeof numbers?.max === 'number' ? { max: numbers.max } : {}) },
    );
    const tipMode = asText(asRecord(panel.options.tooltip).mode) ?? 'single';
    function point(event: PointerEvent<SVGSVGElement>): void {
        const box = event.currentTarget.getBoundingClientRect();
        const bar = tipMode === 'none' ? undefined : pointedBar(layout, event.clientX - box.left, event.clientY - box.top);
        setPointed(bar ? { bar, x: event.clientX, y: event.clientY } : null);
    }
    const group = pointed && layout.groups[pointed.bar.group];
    const content: TipContent | null = group ? { head: group.label, rows: group.bars.flatMap((b, i) => (tipMode === 'multi' || i === pointed.bar.bar ? [{ color: b.color, name: b.name, text: isPercent ? `${b.text} (${Math.round(b.value)}%)` : b.text, near: tipMode === 'multi' && i === pointed.bar.bar }] : [])) } : null;
    return (
        <div className={isBeside ? 'panel-split' : 'panel-column'}>
            <svg width={width} height={height} role="img" aria-label={`${panel.title}: ${groups.length} groups of bars`} onPointerMove={point} onPointerLeave={() => setPointed(null)}>
                <Axes layout={layout} />
                <Bars layout={layout} />
            </svg>
            {pointed && content && <Tip x={pointed.x} y={pointed.y} content={content} />}
            {hasLegend && (
                <div style={isBeside ? { width: sidePx, maxHeight: whole } : { height: legendPx }} className="panel-legend-box">
                    <PanelLegend rows={listed} options={{ ...legend, table: false }} onPick={(i, more) => setShown(toggled(listed.map((one) => one.shown), i, more))} />
                </div>
            )}
        </div>
    );
}
