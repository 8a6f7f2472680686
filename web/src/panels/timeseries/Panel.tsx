/* Time series: lines, bars and points over time, with a legend of figures. */
import { useMemo, useState } from 'react';
import { PanelLegend, toggled, type LegendRow } from '../../dashboard/Legend';
import { figures, readLegend } from '../../dashboard/legend';
import type { PanelProps } from '../../dashboard/types';
import { Plot } from '../../draw/Plot';
import { asRecord, asText } from '../../grafana/json';
import { isHidden, plotted } from './series';

const LEGEND_ROW_PX = 24;
const LEGEND_SHARE_MAX = 0.35;

/* Swatch, gaps, and 6.4 px a character. */
function itemPx(row: LegendRow): number {
    return 30 + 6.4 * (row.name.length + row.figures.reduce((n, f) => n + f.name.length + f.text.length + 3, 0));
}

/* How many lines a list of names takes in that width. */
function listRows(rows: readonly LegendRow[], width: number): number {
    let lines = 1;
    let x = 0;
    for (const row of rows) {
        const px = Math.min(width, itemPx(row));
        if (x > 0 && x + px > width) {
            lines++;
            x = 0;
        }
        x += px;
    }
    return lines;
}

export default function TimeSeriesPanel(props: PanelProps) {
    const { panel, frames, look, height, width } = props;
    const data = useMemo(() => plotted(frames, look), [frames, look]);
    const legend = useMemo(() => readLegend(panel.options), [panel.options]);
    const names = data.rows.map((r) => r.name).join('\n');
    const [picked, setPicked] = useState<{ names: string; shown: boolean[] }>({ names: '', shown: [] });
    const shown = useMemo(() => (picked.names === names ? picked.shown : data.rows.map(() => true)), [picked, names, data.rows]);
    const [focused, setFocused] = useState<number | null>(null);
    const rows = useMemo<LegendRow[]>(
        () => data.rows.map((r, i) => ({ name: r.name, color: r.style.color, shown: shown[i] ?? true, figures: figures(r.field, legend.calcs, look, props.zone), right: data.right !== undefined && r.style.axis === 'right' })),
        [data, shown, legend.calcs, look, props.zone],
    );
    const listed = useMemo(() => data.rows.map((r, i) => ({ r, i })).filter(({ r }) => !isHidden(r.field, 'legend')), [data]);
    const series = useMemo(() => data.rows.map((r, i) => ({ ...r.style, stack: r.group && `${r.group} ${r.style.axis ?? ''}`, shown: shown[i] ?? true, axis: data.right ? r.style.axis : ('left' as const) })), [data, shown]);
    const tooltip = asRecord(panel.options.tooltip);
    const legendHeight = !legend.show || legend.right ? 0 : Math.min(Math.floor(height * LEGEND_SHARE_MAX), legend.table ? (listed.length + 1) * LEGEND_ROW_PX + 6 : listRows(listed.map(({ i }) => rows[i]!), width) * LEGEND_ROW_PX + 4);
    const mode = asText(tooltip.mode);
    return (
        <div className={legend.right && legend.show ? 'panel-split' : 'panel-column'}>
            <div className="panel-plot">
                <Plot
                    times={data.times} values={data.values} series={series} axis={data.left} rightAxis={data.right}
                    from={props.from / 1000} to={props.to / 1000} height={Math.max(40, height - legendHeight)} stacked={data.stacked} sync={props.sync}
                    thresholds={data.thresholds} tooltip={{ mode: mode === 'single' || mode === 'none' ? mode : 'multi', sort: (asText(tooltip.sort) as 'none' | 'asc' | 'desc' | undefined) ?? 'none' }}
                    label={`${panel.title}: ${data.rows.length} series`} utc={props.zone === 'utc'} focused={focused}
                    onZoom={(from, to) => props.onZoom(from * 1000, to * 1000)} onZoomOut={props.onZoomOut}
                />
            </div>
            {legend.show && (
                <div style={legend.right ? { maxHeight: height, width: legend.widthPx ?? (legend.table ? '40%' : '25%') } : { maxHeight: legendHeight, height: legendHeight }} className="panel-legend-box">
                    <PanelLegend
                        rows={listed.map(({ i }) => rows[i]!)} options={legend}
                        onPick={(index, more) => setPicked({ names, shown: toggled(shown, listed[index]!.i, more) })}
                        onHover={(index) => setFocused(index === null ? null : listed[index]!.i)}
                    />
                </div>
            )}
        </div>
    );
}
