/* Bar chart and histogram: bars by category, or by bucket of size. */
import { useMemo, useState } from 'react';
import { PanelLegend, toggled } from '../../dashboard/Legend';
import { readLegend } from '../../dashboard/legend';
import type { PanelProps } from '../../dashboard/types';
import { valueTicks } from '../../draw/ticks';
import { paletteColor } from '../../grafana/color';
import { displayProcessor, displayText, seriesColor } from '../../grafana/fieldconfig';
import { formattedText, formatValue, unitFormatter } from '../../grafana/units';
import { asText } from '../../grafana/json';
import { transformFrames } from '../../grafana/transform';
import { timeField, valueAt, type Field, type Frame } from '../../grafana/frame';

const BOTTOM_PX = 22;

interface Group {
    label: string;
    bars: { name: string; value: number; text: string; color: string }[];
}

function groupsOf(frame: Frame | undefined, xField: string | undefined, look: PanelProps['look'], zone: string | undefined): Group[] {
    if (!frame) {
        return [];
    }
    const category = frame.fields.find((f) => f.name === xField || f.state?.displayName === xField) ?? frame.fields.find((f) => f.type === 'string') ?? timeField(frame) ?? frame.fields[0];
    const numbers = frame.fields.filter((f) => f.type === 'number' && f !== category && f.name !== 'xMax');
    const label = category ? displayProcessor(category, look, { zone }) : undefined;
    /* The fields of a histogram are made here, and have no colours of their own. */
    const shown = numbers.map((f: Field, i) => ({ f, display: displayProcessor(f, look, { zone }), color: f.config.color ? seriesColor(f, look) : (paletteColor('palette-classic', i, f.name, look) ?? seriesColor(f, look)) }));
    return Array.from({ length: Math.min(frame.length, 500) }, (_, i) => ({
        label: label && category ? displayText(label(valueAt(category, i))) : String(i),
        bars: shown.map(({ f, display, color }) => {
            const value = display(valueAt(f, i));
            const byValue = f.config.color?.mode === 'thresholds' || f.config.color?.mode?.startsWith('continuous') === true;
            return { name: f.state?.displayName ?? f.name, value: value.numeric, text: displayText(value), color: byValue ? value.color : color };
        }),
    }));
}

/* As many decimals at each tick as tell it from the next, where the unit does not scale numbers. */
function tickTexts(ticks: readonly number[], unit: string | undefined): string[] {
    const decimals = Math.max(0, -Math.floor(Math.log10((ticks[1] ?? 1) - (ticks[0] ?? 0)) + 1e-9));
    const format = unitFormatter(unit);
    return ticks.map((tick) => {
        const even = format(tick, decimals);
        return Number(even.text) === Number(tick.toFixed(decimals)) ? formattedText(even) : formatValue(tick, unit);
    });
}

const LEGEND_PX = 26;
/* Lower panels have no room for a legend. */
const LEGEND_FROM_PX = 120;

/* Shares of each group's sum, 0 to 100. */
function asShares(groups: readonly Group[]): Group[] {
    return groups.map((g) => {
        const sum = g.bars.reduce((total, b) => total + Math.abs(b.value || 0), 0);
        return { ...g, bars: g.bars.map((b) => ({ ...b, value: sum > 0 ? (b.value / sum) * 100 : 0 })) };
    });
}

export default function BarChartPanel({ panel, frames, look, width, height: whole, zone }: PanelProps) {
    const stacking = asText(panel.options.stacking);
    const groups = useMemo(() => {
        const source = panel.type === 'histogram' ? transformFrames(frames, [{ id: 'histogram', options: panel.options }]).frames : frames;
        const found = groupsOf(source[0], asText(panel.options.xField), look, zone);
        return stacking === 'percent' ? asShares(found) : found;
    }, [frames, panel.type, panel.options, look, zone, stacking]);
    const stacked = stacking === 'normal' || stacking === 'percent';
    const legend = readLegend(panel.options);
    const [shown, setShown] = useState<readonly boolean[]>([]);
    const series = groups[0]?.bars ?? [];
    const hasLegend = legend.show && series.length > 1 && whole > LEGEND_FROM_PX;
    const height = whole - (hasLegend ? LEGEND_PX : 0);
    const isShown = (i: number): boolean => !hasLegend || (shown[i] ?? true);
    const visible = groups.map((g) => ({ ...g, bars: g.bars.filter((_, i) => isShown(i)) }));
    const sums = visible.map((g) => (stacked ? g.bars.reduce((s, b) => s + (b.value || 0), 0) : Math.max(0, ...g.bars.map((b) => b.value || 0))));
    const ticks = valueTicks(Math.max(0, ...sums), Math.max(2, Math.floor(height / 48)));
    const most = ticks[ticks.length - 1]!;
    const unit = frames[0]?.fields.find((f) => f.type === 'number')?.config.unit;
    const texts = tickTexts(ticks, stacking === 'percent' ? 'percent' : panel.type === 'histogram' ? 'short' : unit);
    const left = 12 + 6.4 * Math.max(...texts.map((text) => text.length));
    const plotWidth = width - left - 8;
    const plotHeight = height - BOTTOM_PX - 6;
    const groupPx = plotWidth / Math.max(1, groups.length);
    const widest = Math.min(110, 8 + 6.2 * Math.max(0, ...groups.map((g) => g.label.length)));
    const every = Math.max(1, Math.ceil(widest / groupPx));
    return (
        <div className="panel-column">
            <svg width={width} height={height} role="img" aria-label={`${panel.title}: ${groups.length} groups of bars`}>
                {ticks.map((tick, i) => ({ text: texts[i]!, share: tick / most })).map(({ text, share }) => (
                    <g key={share}>
                        <line x1={left} x2={width - 8} y1={6 + plotHeight * (1 - share)} y2={6 + plotHeight * (1 - share)} stroke="var(--line)" />
                        <text x={left - 6} y={6 + plotHeight * (1 - share)} textAnchor="end" dominantBaseline="middle" fontSize={11} fill="var(--muted)">{text}</text>
                    </g>
                ))}
                {visible.map((group, g) => {
                    let base = 0;
                    const barPx = stacked ? groupPx * 0.8 : (groupPx * 0.8) / Math.max(1, group.bars.length);
                    return (
                        <g key={g}>
                            {group.bars.map((bar, b) => {
                                const tall = ((bar.value || 0) / most) * plotHeight;
                                const y = 6 + plotHeight - base - tall;
                                base += stacked ? tall : 0;
                                return <rect key={b} x={left + g * groupPx + groupPx * 0.1 + (stacked ? 0 : b * barPx)} y={y} width={Math.max(1, barPx - 1)} height={Math.max(0, tall)} fill={bar.color}><title>{`${group.label} ${bar.name}: ${bar.text}`}</title></rect>;
                            })}
                            {g % every === 0 && <text x={left + (g + 0.5) * groupPx} y={height - 7} textAnchor="middle" fontSize={11} fill="var(--muted)">{group.label.slice(0, Math.max(3, Math.floor((groupPx * every) / 6.2)))}</text>}
                        </g>
                    );
                })}
            </svg>
            {hasLegend && (
                <div style={{ height: LEGEND_PX }}>
                    <PanelLegend rows={series.map((one, i) => ({ name: one.name, color: one.color, shown: isShown(i), figures: [] }))} options={{ ...legend, table: false, right: false }} onPick={(i, more) => setShown(toggled(series.map((_, k) => isShown(k)), i, more))} />
                </div>
            )}
        </div>
    );
}
