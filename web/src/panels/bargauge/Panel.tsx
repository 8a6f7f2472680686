/* Bar gauge: values as bars between their limits, side by side. */
import { useMemo } from 'react';
import { Linked, valueContext } from '../../dashboard/Linked';
import type { PanelProps } from '../../dashboard/types';
import { readableColor } from '../../grafana/color';
import { fieldColor } from '../../grafana/fieldconfig';
import { asText } from '../../grafana/json';
import { singleValues, type SingleValue } from '../../grafana/single';

const CELLS = 24;

function clamp(share: number): number {
    return Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
}

/* Colours along the way from the least to the value. */
function gradient(one: SingleValue, look: PanelProps['look'], side: string): string {
    const { min, max } = one.limits;
    const share = clamp(one.value.percent);
    const stops = Array.from({ length: 6 }, (_, i) => fieldColor(one.field, min + ((max - min) * share * i) / 5, look));
    return `linear-gradient(to ${side}, ${stops.join(', ')})`;
}

function Bar({ one, mode, vertical, unfilled, look }: { one: SingleValue; mode: string; vertical: boolean; unfilled: boolean; look: PanelProps['look'] }) {
    const share = clamp(one.value.percent);
    if (mode === 'lcd') {
        const { min, max } = one.limits;
        return (
            <div className={vertical ? 'bar-cells vertical' : 'bar-cells'}>
                {Array.from({ length: CELLS }, (_, i) => {
                    const isOn = i / CELLS < share;
                    return <i key={i} style={{ background: fieldColor(one.field, min + ((max - min) * i) / CELLS, look), opacity: isOn ? 1 : unfilled ? 0.15 : 0 }} />;
                })}
            </div>
        );
    }
    const size = `${share * 100}%`;
    const fill = mode === 'gradient' ? gradient(one, look, vertical ? 'top' : 'right') : one.value.color;
    return (
        <div className="bar-track" style={{ background: unfilled ? 'var(--raised)' : undefined }}>
            <div className="bar-fill" style={vertical ? { height: size, width: '100%', background: fill, bottom: 0 } : { width: size, height: '100%', background: fill }} />
        </div>
    );
}

export default function BarGaugePanel(props: PanelProps) {
    const { panel, frames, look, width, height, zone, fill } = props;
    const values = useMemo(() => singleValues(frames, panel.options, { look, zone, fill }), [frames, panel.options, look, zone, fill]);
    const { options } = panel;
    const wanted = asText(options.orientation) ?? 'auto';
    const vertical = wanted === 'vertical' || (wanted === 'auto' && width > height);
    const mode = asText(options.displayMode) ?? 'gradient';
    const names = asText(options.namePlacement) ?? 'auto';
    const valueMode = asText(options.valueMode) ?? 'color';
    const showTitles = names !== 'hidden' && (values.length > 1 || values.some((v) => v.field.config.displayName !== undefined));
    const rowPx = height / Math.max(1, values.length);
    const tight = names === 'left' || (names === 'auto' && rowPx < 44);
    return (
        <div className={vertical ? 'bars vertical' : tight ? 'bars tight' : 'bars'} role="list" aria-label={panel.title} tabIndex={0}>
            {values.map((one, i) => (
                <div key={i} className="bar" role="listitem" aria-label={`${one.title}: ${one.text}`}>
                    {showTitles && <span className="bar-title truncate" title={one.title}>{one.title}</span>}
                    <Bar one={one} mode={mode} vertical={vertical} unfilled={options.showUnfilled !== false} look={look} />
                    {valueMode !== 'hidden' && (
                        <Linked as="span" links={one.field.config.links} context={() => valueContext(one, props)} fill={fill} className="bar-value num" style={{ color: valueMode === 'text' ? 'var(--text)' : readableColor(one.value.color, look) }}>{one.text}</Linked>
                    )}
                </div>
            ))}
        </div>
    );
}
