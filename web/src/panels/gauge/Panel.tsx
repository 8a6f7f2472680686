/* Gauge: a value as an arc between its limits, with the thresholds as a thin ring outside. */
import { useMemo } from 'react';
import { Linked, valueContext } from '../../dashboard/Linked';
import type { PanelProps } from '../../dashboard/types';
import { namedColor } from '../../grafana/color';
import type { Threshold } from '../../grafana/fieldconfig';
import { asText } from '../../grafana/json';
import { singleValues, type SingleValue } from '../../grafana/single';
import { formatValue } from '../../grafana/units';

/* The arc begins and ends below: 240 degrees around the top. */
const SWEEP = (4 / 3) * Math.PI;
const START = Math.PI / 2 + (2 * Math.PI - SWEEP) / 2;

function at(cx: number, cy: number, r: number, share: number): [number, number] {
    const angle = START + SWEEP * share;
    return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
}

/** arcPath is an SVG path of the part of the ring between two shares. */
export function arcPath(cx: number, cy: number, outer: number, inner: number, from: number, to: number): string {
    const large = (to - from) * SWEEP > Math.PI ? 1 : 0;
    const [ax, ay] = at(cx, cy, outer, from);
    const [bx, by] = at(cx, cy, outer, to);
    const [dx, dy] = at(cx, cy, inner, to);
    const [ex, ey] = at(cx, cy, inner, from);
    const n = (v: number): string => v.toFixed(2);
    return `M${n(ax)},${n(ay)}A${n(outer)},${n(outer)} 0 ${large} 1 ${n(bx)},${n(by)}L${n(dx)},${n(dy)}A${n(inner)},${n(inner)} 0 ${large} 0 ${n(ex)},${n(ey)}Z`;
}

function clamp(share: number): number {
    return Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
}

/* Each step as a part of the ring, in shares of the limits. */
function bands(one: SingleValue): { from: number; to: number; step: Threshold }[] {
    const config = one.field.config.thresholds;
    const steps = config?.steps ?? [];
    const { min, max } = one.limits;
    const share = (v: number | null | undefined): number => (v === null || v === undefined ? 0 : clamp(config?.mode === 'percentage' ? v / 100 : (v - min) / (max - min)));
    return steps.map((step, i) => ({ from: share(step.value), to: i + 1 < steps.length ? share(steps[i + 1]!.value) : 1, step })).filter((b) => b.to > b.from);
}

function stepText({ field }: SingleValue, value: number): string {
    return field.config.thresholds?.mode === 'percentage' ? `${value}%` : formatValue(value, field.config.unit, field.config.decimals ?? undefined);
}

interface DialProps {
    one: SingleValue;
    width: number;
    height: number;
    look: PanelProps['look'];
    markers: boolean;
    /* The values of thresholds beside the ring. */
    labels: boolean;
    title: boolean;
}

function Dial({ one, width, height, look, markers, labels, title }: DialProps) {
    const titlePx = title ? 18 : 0;
    const labelPx = labels ? 14 : 0;
    const radius = Math.max(10, Math.min(width / 2 - 2 * labelPx, (height - titlePx) / 1.55) - 4 - labelPx);
    const cx = width / 2;
    const cy = radius + 4 + labelPx;
    const steps = labels ? bands(one).filter((b) => b.from > 0 && b.step.value !== null) : [];
    const thick = Math.max(4, radius * 0.22);
    const outer = markers ? radius - Math.max(3, radius * 0.06) - 2 : radius;
    const share = clamp(one.value.percent);
    const font = Math.max(11, Math.min(radius * 0.42, ((outer - thick) * 1.7) / Math.max(3, one.text.length) / 0.58));
    return (
        <svg width={width} height={height} role="img" aria-label={`${one.title}: ${one.text}`}>
            <path d={arcPath(cx, cy, outer, outer - thick, 0, 1)} fill="var(--raised)" />
            {share > 0 && <path d={arcPath(cx, cy, outer, outer - thick, 0, share)} fill={one.value.color} />}
            {markers && bands(one).map((b, i) => <path key={i} d={arcPath(cx, cy, radius, radius - Math.max(3, radius * 0.06), b.from, b.to)} fill={namedColor(b.step.color, look)} />)}
            {steps.map(({ from, step }, i) => {
                const [x, y] = at(cx, cy, radius + 4, from);
                return <text key={i} x={x} y={y} textAnchor={Math.abs(x - cx) < 8 ? 'middle' : x > cx ? 'start' : 'end'} fontSize={11} fill={namedColor(step.color, look)}>{stepText(one, step.value!)}</text>;
            })}
            <text x={cx} y={cy + font * 0.35} textAnchor="middle" fontSize={font} fontWeight={500} fill={one.value.color} className="num">{one.text}</text>
            {title && <text x={cx} y={Math.min(height - 4, cy + radius * 0.5 + 18)} textAnchor="middle" fontSize={13} fill="var(--text)">{one.title}</text>}
        </svg>
    );
}

export default function GaugePanel(props: PanelProps) {
    const { panel, frames, look, width, height, zone, fill } = props;
    const values = useMemo(() => singleValues(frames, panel.options, { look, zone, fill }), [frames, panel.options, look, zone, fill]);
    const orientation = asText(panel.options.orientation) ?? 'auto';
    /* Grafana's "vertical" stands side by side. */
    const isBelow = orientation === 'horizontal' || (orientation === 'auto' && height > width && values.length > 1);
    const count = Math.max(1, values.length);
    return (
        <div className="gauge-grid" style={{ flexDirection: isBelow ? 'column' : 'row' }}>
            {values.map((one, i) => (
                <Linked key={i} links={one.field.config.links} context={() => valueContext(one, props)} fill={fill}>
                    <Dial one={one} width={Math.floor(isBelow ? width : width / count)} height={Math.floor(isBelow ? height / count : height)} look={look} markers={panel.options.showThresholdMarkers !== false} labels={panel.options.showThresholdLabels === true} title={values.length > 1 || one.field.config.displayName !== undefined} />
                </Linked>
            ))}
        </div>
    );
}
