/* Bar chart and histogram: bars by category, or by bucket of size. */
import { useMemo } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { displayProcessor, displayText, seriesColor } from '../../grafana/fieldconfig';
import { formatValue } from '../../grafana/units';
import { asText } from '../../grafana/json';
import { transformFrames } from '../../grafana/transform';
import { timeField, valueAt, type Field, type Frame } from '../../grafana/frame';

const LEFT_PX = 60;
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
    const shown = numbers.map((f: Field) => ({ f, display: displayProcessor(f, look, { zone }), color: seriesColor(f, look) }));
    return Array.from({ length: Math.min(frame.length, 500) }, (_, i) => ({
        label: label && category ? displayText(label(valueAt(category, i))) : String(i),
        bars: shown.map(({ f, display, color }) => {
            const value = display(valueAt(f, i));
            const byValue = f.config.color?.mode === undefined || f.config.color.mode === 'thresholds' || f.config.color.mode.startsWith('continuous');
            return { name: f.state?.displayName ?? f.name, value: value.numeric, text: displayText(value), color: byValue ? value.color : color };
        }),
    }));
}

export default function BarChartPanel({ panel, frames, look, width, height, zone }: PanelProps) {
    const groups = useMemo(() => {
        const source = panel.type === 'histogram' ? transformFrames(frames, [{ id: 'histogram', options: panel.options }]).frames : frames;
        return groupsOf(source[0], asText(panel.options.xField), look, zone);
    }, [frames, panel.type, panel.options, look, zone]);
    const stacked = asText(panel.options.stacking) === 'normal' || asText(panel.options.stacking) === 'percent';
    const sums = groups.map((g) => (stacked ? g.bars.reduce((s, b) => s + (b.value || 0), 0) : Math.max(0, ...g.bars.map((b) => b.value || 0))));
    const most = Math.max(0, ...sums) || 1;
    const plotWidth = width - LEFT_PX - 8;
    const plotHeight = height - BOTTOM_PX - 6;
    const groupPx = plotWidth / Math.max(1, groups.length);
    const unit = frames[0]?.fields.find((f) => f.type === 'number')?.config.unit;
    const every = Math.max(1, Math.ceil(60 / groupPx));
    return (
        <svg width={width} height={height} role="img" aria-label={`${panel.title}: ${groups.length} groups of bars`}>
            {[0, 0.25, 0.5, 0.75, 1].map((share) => (
                <g key={share}>
                    <line x1={LEFT_PX} x2={width - 8} y1={6 + plotHeight * (1 - share)} y2={6 + plotHeight * (1 - share)} stroke="var(--line)" />
                    <text x={LEFT_PX - 6} y={6 + plotHeight * (1 - share)} textAnchor="end" dominantBaseline="middle" fontSize={11} fill="var(--muted)">{formatValue(most * share, panel.type === 'histogram' ? 'short' : unit)}</text>
                </g>
            ))}
            {groups.map((group, g) => {
                let base = 0;
                const barPx = stacked ? groupPx * 0.8 : (groupPx * 0.8) / Math.max(1, group.bars.length);
                return (
                    <g key={g}>
                        {group.bars.map((bar, b) => {
                            const tall = ((bar.value || 0) / most) * plotHeight;
                            const y = 6 + plotHeight - base - tall;
                            base += stacked ? tall : 0;
                            return <rect key={b} x={LEFT_PX + g * groupPx + groupPx * 0.1 + (stacked ? 0 : b * barPx)} y={y} width={Math.max(1, barPx - 1)} height={Math.max(0, tall)} fill={bar.color}><title>{`${group.label} ${bar.name}: ${bar.text}`}</title></rect>;
                        })}
                        {g % every === 0 && <text x={LEFT_PX + (g + 0.5) * groupPx} y={height - 7} textAnchor="middle" fontSize={11} fill="var(--muted)">{group.label.slice(0, Math.max(3, Math.floor((groupPx * every) / 6.2)))}</text>}
                    </g>
                );
            })}
        </svg>
    );
}
