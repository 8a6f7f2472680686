/* Trend: series over any field of ascending numbers. */
import { useMemo, useState } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { asNumber, asText } from '../../grafana/json';
import TimeSeriesPanel, { type Over } from './Panel';
import { axisOf } from './series';
import { trendOf } from './trend';

interface Range {
    from: number;
    to: number;
}

const NONE: never[] = [];

export default function TrendPanel(props: PanelProps) {
    const xField = asText(props.panel.options.xField);
    const trend = useMemo(() => trendOf(props.frames, xField), [props.frames, xField]);
    const [zoomed, setZoomed] = useState<Range | null>(null);
    const over = useMemo<Over | undefined>(() => {
        if ('warning' in trend || trend.x.type !== 'number') {
            return undefined;
        }
        const { config, state, name, values } = trend.x;
        return {
            field: trend.x, axis: { ...axisOf([trend.x]), name: state?.displayName ?? name },
            from: zoomed?.from ?? asNumber(config.min) ?? asNumber(values[0]) ?? 0, to: zoomed?.to ?? asNumber(config.max) ?? asNumber(values[values.length - 1]) ?? 1,
        };
    }, [trend, zoomed]);
    const frames = useMemo(() => ('warning' in trend ? NONE : [trend.frame]), [trend]);
    if ('warning' in trend) {
        return <div className="panel-said" tabIndex={0}>{trend.warning}</div>;
    }
    if (!over) {
        return <TimeSeriesPanel {...props} frames={frames} />;
    }
    /* What happens at times has no place here; a part that is drawn over is shown alone, until a double click. */
    return (
        <TimeSeriesPanel
            {...props} frames={frames} over={over} sync={undefined} annotations={NONE} exemplars={NONE}
            onZoom={(from, to) => setZoomed({ from: from / 1000, to: to / 1000 })} onZoomOut={() => setZoomed(null)}
        />
    );
}
