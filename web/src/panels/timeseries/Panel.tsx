/* Time series: lines, bars and points over time, with a legend of figures. */
import { lazy, Suspense, useMemo, useState } from 'react';
import { PanelLegend, toggled, type LegendRow } from '../../dashboard/Legend';
import { figures, listRows, readLegend } from '../../dashboard/legend';
import type { PanelProps } from '../../dashboard/types';
import { annotationLines } from '../../draw/events';
import { exemplarMarks, type PickedExemplar } from '../../draw/exemplars';
import type { PickedLinks } from '../../draw/LinksDialog';
import { type Mark, Plot, type PlotProps } from '../../draw/Plot';
import type { Field } from '../../grafana/frame';
import { asRecord, asText } from '../../grafana/json';
import { isHidden, plotted } from './series';

const LinksDialog = lazy(() => import('../../draw/LinksDialog'));
const ExemplarDialog = lazy(() => import('../../draw/ExemplarDialog'));
const LEGEND_ROW_PX = 24;
const LEGEND_SHARE_MAX = 0.35;

/* Numbers that series stand over in place of times, and the range of them that is shown. */
export interface Over {
    field: Field;
    axis: NonNullable<PlotProps['x']>;
    from: number;
    to: number;
}

export default function TimeSeriesPanel({ over, ...props }: PanelProps & { over?: Over }) {
    const { panel, frames, look, height, width } = props;
    const data = useMemo(() => plotted(frames, look, over?.field), [frames, look, over?.field]);
    const legend = useMemo(() => readLegend(panel.options), [panel.options]);
    const names = data.rows.map((r) => r.name).join('\n');
    const [picked, setPicked] = useState<{ names: string; shown: boolean[] }>({ names: '', shown: [] });
    const shown = useMemo(() => (picked.names === names ? picked.shown : data.rows.map(() => true)), [picked, names, data.rows]);
    const [focused, setFocused] = useState<number | null>(null);
    const rows = useMemo<LegendRow[]>(
        () => data.rows.map((r, i) => ({ name: r.name, color: r.style.color, shown: shown[i] ?? true, figures: figures(r.field, legend.calcs, look, props.zone), right: data.axes[r.style.axis ?? 0]?.side === 'right' && data.axes.some((one) => one.side !== 'right' && !one.hidden) })),
        [data, shown, legend.calcs, look, props.zone],
    );
    const listed = useMemo(() => data.rows.map((r, i) => ({ r, i })).filter(({ r }) => !isHidden(r.field, 'legend')), [data]);
    const series = useMemo(() => data.rows.map((r, i) => ({ ...r.style, stack: r.group && `${r.group} ${r.style.axis ?? ''}`, shown: shown[i] ?? true })), [data, shown]);
    const tooltip = asRecord(panel.options.tooltip);
    const legendHeight = !legend.show || legend.right ? 0 : Math.min(Math.floor(height * LEGEND_SHARE_MAX), legend.table ? (listed.length + 1) * LEGEND_ROW_PX + 6 : listRows(listed.map(({ i }) => rows[i]!), width) * LEGEND_ROW_PX + 4);
    const mode = asText(tooltip.mode);
    const [exemplar, setExemplar] = useState<PickedExemplar | null>(null);
    const [links, setLinks] = useState<PickedLinks | null>(null);
    const pick = (seconds: number, index: number) => {
        const row = data.rows[index];
        const value = data.values[index]?.[data.times.indexOf(seconds)] ?? null;
        if (row?.field.config.links?.length) {
            const text = data.axes[row.style.axis ?? 0]!.format(value ?? NaN);
            const context = { value, text, time: seconds * 1000, name: row.name, labels: row.field.labels ?? {}, from: props.from, to: props.to };
            setLinks({ context, links: row.field.config.links });
        }
    };
    const { annotations, exemplars } = props;
    const marks = useMemo<Mark[]>(() => [
        ...annotations.map((one) => ({
            from: one.from / 1000, ...(one.to !== undefined ? { to: one.to / 1000 } : {}), color: one.color, text: one.title,
            flag: { title: one.title, lines: annotationLines(one, props.zone) },
        })),
        ...exemplarMarks(exemplars, setExemplar),
    ], [annotations, exemplars, props.zone]);
    return (
        <div className={legend.right && legend.show ? 'panel-split' : 'panel-column'}>
            <div className="panel-plot">
                <Plot
                    times={data.times} values={data.values} series={series} axis={data.axes[0]!} moreAxes={data.axes.slice(1)}
                    x={over?.axis} from={over ? over.from : props.from / 1000} to={over ? over.to : props.to / 1000} height={Math.max(40, height - legendHeight)} stacked={data.stacked} sync={props.sync} sharesTip={props.sharesTip}
                    thresholds={data.thresholds} marks={marks} onPick={pick} tooltip={{ mode: mode === 'single' || mode === 'none' ? mode : 'multi', sort: (asText(tooltip.sort) as 'none' | 'asc' | 'desc' | undefined) ?? 'none', hidesZeros: tooltip.hideZeros === true }}
                    label={`${panel.title}: ${data.rows.length} series`} zone={props.zone} focused={focused}
                    onZoom={(from, to) => props.onZoom(from * 1000, to * 1000)} onZoomOut={props.onZoomOut}
                />
            </div>
            {links && <Suspense fallback={null}><LinksDialog picked={links} fill={props.fill} close={() => setLinks(null)} /></Suspense>}
            {exemplar && <Suspense fallback={null}><ExemplarDialog picked={exemplar} range={{ from: String(Math.round(props.from)), to: String(Math.round(props.to)) }} close={() => setExemplar(null)} /></Suspense>}
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
