/* Pie and donut: shares of a whole. */
import { lazy, Suspense, useMemo, useState } from 'react';
import { PanelLegend, toggled } from '../../dashboard/Legend';
import { readLegend } from '../../dashboard/legend';
import { valueContext } from '../../dashboard/Linked';
import type { PanelProps } from '../../dashboard/types';
import type { PickedLinks } from '../../draw/LinksDialog';
import { namedColor, paletteColor, textOn } from '../../grafana/color';
import { asRecord, asText, asTexts } from '../../grafana/json';
import { singleValues, type SingleValue } from '../../grafana/single';

const LinksDialog = lazy(() => import('../../draw/LinksDialog'));

/** slicePath is the part of a ring between two shares of the circle, from the top, clockwise. */
export function slicePath(cx: number, cy: number, outer: number, inner: number, from: number, to: number): string {
    const span = Math.min(to - from, 0.99999);
    const point = (r: number, share: number): string => `${(cx + r * Math.sin(2 * Math.PI * share)).toFixed(2)},${(cy - r * Math.cos(2 * Math.PI * share)).toFixed(2)}`;
    const large = span > 0.5 ? 1 : 0;
    const end = from + span;
    return inner > 0
        ? `M${point(outer, from)}A${outer},${outer} 0 ${large} 1 ${point(outer, end)}L${point(inner, end)}A${inner},${inner} 0 ${large} 0 ${point(inner, from)}Z`
        : `M${cx},${cy}L${point(outer, from)}A${outer},${outer} 0 ${large} 1 ${point(outer, end)}Z`;
}

/* Between the pie and what stands beside it. */
const GAP_PX = 8;

interface Slice {
    one: SingleValue;
    color: string;
    from: number;
    to: number;
}

function slices(values: readonly SingleValue[], shown: readonly boolean[], look: PanelProps['look']): Slice[] {
    const size = (i: number): number => (shown[i] === false || !(values[i]!.value.numeric > 0) ? 0 : values[i]!.value.numeric);
    const total = values.reduce((sum, _, i) => sum + size(i), 0);
    let at = 0;
    return values.map((one, i) => {
        const from = at;
        at += total > 0 ? size(i) / total : 0;
        const mode = one.field.config.color?.mode ?? 'palette-classic';
        /* Several rows of one field would all have its colour. */
        const rows = values.filter((v) => v.field === one.field).length > 1;
        const color = rows ? (paletteColor('palette-classic', i, one.title, look) ?? one.value.color) : mode.startsWith('palette') ? (paletteColor(mode, i, one.title, look) ?? one.value.color) : one.value.color;
        return { one, color: namedColor(color, look), from, to: at };
    });
}

/* A slice with data links is a button that lists them. */
function opens(one: SingleValue, props: PanelProps, open: (picked: PickedLinks) => void): React.SVGProps<SVGGElement> {
    const { links } = one.field.config;
    if (!links?.length) {
        return {};
    }
    const run = (): void => open({ context: valueContext(one, props), links });
    return { role: 'button', tabIndex: 0, className: 'linked', 'aria-label': `Links of ${one.title}`, onClick: run, onKeyDown: (event) => event.key === 'Enter' && run() };
}

export default function PiePanel(props: PanelProps) {
    const { panel, frames, look, width, height, zone, fill } = props;
    const values = useMemo(() => singleValues(frames, panel.options, { look, zone, fill }), [frames, panel.options, look, zone, fill]);
    const [shown, setShown] = useState<boolean[]>([]);
    const [picked, setPicked] = useState<PickedLinks | null>(null);
    const visible = values.map((_, i) => shown[i] ?? true);
    const parts = slices(values, visible, look);
    const legend = readLegend(panel.options);
    const extra = asTexts(asRecord(panel.options.legend).values);
    const labels = asTexts(panel.options.displayLabels);
    const legendPx = legend.show ? (legend.right ? Math.min(width * 0.5, 240, 40 + 6.6 * Math.max(4, ...values.map((v) => v.title.length)) + extra.length * 66) : Math.min(height * 0.35, 24 + values.length * (legend.table ? 20 : 6))) : 0;
    const [w, h] = legend.right ? [width - legendPx - GAP_PX, height] : [width, height - legendPx];
    const r = Math.max(10, Math.min(w, h) / 2 - 6);
    const inner = asText(panel.options.pieType) === 'donut' ? r * 0.6 : 0;
    const share = (p: Slice): string => `${((p.to - p.from) * 100).toFixed(p.to - p.from < 0.1 ? 1 : 0)}%`;
    const textOf = (p: Slice): string => labels.map((l) => (l === 'name' ? p.one.title : l === 'value' ? p.one.text : share(p))).join(' ');
    return (
        <div className={legend.right ? 'panel-split' : 'panel-column'}>
            <svg width={w} height={h} role={values.some((v) => v.field.config.links?.length) ? 'group' : 'img'} aria-label={`${panel.title}: ${parts.map((p) => `${p.one.title} ${share(p)}`).slice(0, 10).join(', ')}`}>
                {parts.filter((p) => p.to > p.from).map((p, i) => {
                    const middle = (p.from + p.to) / 2;
                    const at = inner > 0 ? (r + inner) / 2 : r * 0.65;
                    return (
                        <g key={i} {...opens(p.one, props, setPicked)}>
                            <path d={slicePath(w / 2, h / 2, r, inner, p.from, p.to)} fill={p.color} stroke="var(--panel)" strokeWidth={1}><title>{`${p.one.title}: ${p.one.text} (${share(p)})`}</title></path>
                            {labels.length > 0 && p.to - p.from > 0.04 && (
                                <text x={w / 2 + at * Math.sin(2 * Math.PI * middle)} y={h / 2 - at * Math.cos(2 * Math.PI * middle)} textAnchor="middle" dominantBaseline="middle" fontSize={11} fill={textOn(p.color)}>{textOf(p)}</text>
                            )}
                        </g>
                    );
                })}
            </svg>
            {picked && <Suspense fallback={null}><LinksDialog picked={picked} fill={fill} close={() => setPicked(null)} /></Suspense>}
            {legend.show && (
                <div className="panel-legend-box" style={legend.right ? { width: legendPx, maxHeight: height } : { height: legendPx }}>
                    <PanelLegend
                        rows={parts.map((p, i) => ({ name: p.one.title, color: p.color, shown: visible[i]!, figures: extra.map((e) => ({ name: e === 'percent' ? 'Percent' : 'Value', text: e === 'percent' ? share(p) : p.one.text, value: p.one.value.numeric })) }))}
                        options={legend} onPick={(i, more) => setShown(toggled(visible, i, more))}
                    />
                </div>
            )}
        </div>
    );
}
