/* Stat: numbers large enough to be read from afar, with a line of their past. */
import { useMemo } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { Spark } from '../../draw/Spark';
import { textOn } from '../../grafana/color';
import { asNumber, asRecord, asText } from '../../grafana/json';
import { singleValues, type SingleValue } from '../../grafana/single';

const SPARK_SHARE = 0.36;

interface CellProps {
    one: SingleValue;
    width: number;
    height: number;
    colorMode: string;
    graph: boolean;
    title: boolean;
    value: boolean;
    valueSize: number | undefined;
    titleSize: number | undefined;
}

/* The size at which so many characters fit, by Inter's mean width of 0.6 em. */
export function fitSize(text: string, width: number, height: number, most: number): number {
    return Math.max(11, Math.min(most, height, width / Math.max(1, text.length) / 0.6));
}

function Cell({ one, width, height, colorMode, graph, title, value, valueSize, titleSize }: CellProps) {
    const isBackground = colorMode === 'background' || colorMode === 'background_solid';
    const back = isBackground ? one.value.color : undefined;
    const front = isBackground ? textOn(one.value.color) : colorMode === 'none' ? 'var(--text)' : one.value.color;
    const hasSpark = graph && one.times !== undefined && one.values !== undefined;
    /* The line lies below the number, not behind it. */
    const sparkPx = hasSpark ? Math.floor(height * SPARK_SHARE) : 0;
    const room = height - sparkPx;
    const titleFont = titleSize ?? fitSize(one.title, width - 16, height * 0.22, 18);
    const inRow = title && width > 3 * room;
    const valueFont = valueSize ?? fitSize(one.text, width - 16, (room - (title && !inRow ? titleFont + 6 : 0)) * 0.8, 90);
    return (
        <div className="stat" style={{ width, height, paddingBottom: sparkPx, background: back, color: front, flexDirection: inRow ? 'row' : 'column' }}>
            {hasSpark && (
                <div className="stat-spark"><Spark times={one.times!} values={one.values!} width={width} height={sparkPx} color={isBackground ? front : one.value.color} /></div>
            )}
            {title && <div className="stat-title truncate" style={{ fontSize: titleFont, color: isBackground ? front : 'var(--text)' }} title={one.title}>{one.title}</div>}
            {value && (
                <div className="stat-value num" style={{ fontSize: valueFont }}>
                    {one.value.prefix}{one.value.text}<small>{one.value.suffix}</small>
                </div>
            )}
        </div>
    );
}

/** gridFor gives columns and rows of cells in which the values fill the panel best. */
export function gridFor(count: number, width: number, height: number, orientation: string): { columns: number; rows: number } {
    if (orientation === 'vertical') {
        return { columns: 1, rows: count };
    }
    if (orientation === 'horizontal') {
        return { columns: count, rows: 1 };
    }
    let best = { columns: 1, rows: count };
    let size = 0;
    for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const fits = Math.min(width / columns / 2.2, height / rows);
        if (fits > size) {
            size = fits;
            best = { columns, rows };
        }
    }
    return best;
}

export default function StatPanel({ panel, frames, look, width, height, zone, fill }: PanelProps) {
    const values = useMemo(() => singleValues(frames, panel.options, { look, zone, fill }), [frames, panel.options, look, zone, fill]);
    const options = panel.options;
    const mode = asText(options.textMode) ?? 'auto';
    const text = asRecord(options.text);
    const { columns, rows } = gridFor(Math.max(1, values.length), width, height, asText(options.orientation) === 'vertical' ? 'vertical' : 'auto');
    const showTitle = mode === 'value_and_name' || mode === 'name' || (mode === 'auto' && values.length > 1);
    return (
        <div className="stat-grid" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
            {values.map((one, i) => (
                <Cell
                    key={i} one={mode === 'name' ? { ...one, text: one.title } : one} width={Math.floor(width / columns) - (columns > 1 ? 2 : 0)} height={Math.max(24, Math.floor(height / rows) - (rows > 1 ? 2 : 0))}
                    colorMode={asText(options.colorMode) ?? 'value'} graph={asText(options.graphMode) !== 'none'} title={showTitle} value={mode !== 'name' && mode !== 'none'}
                    valueSize={asNumber(text.valueSize)} titleSize={asNumber(text.titleSize)}
                />
            ))}
        </div>
    );
}
