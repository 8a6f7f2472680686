/* Stat: numbers large enough to be read from afar, with a line of their past. */
import { useMemo } from 'react';
import { Linked, valueContext } from '../../dashboard/Linked';
import type { PanelProps } from '../../dashboard/types';
import { Spark } from '../../draw/Spark';
import { textOn } from '../../grafana/color';
import type { Field } from '../../grafana/frame';
import { asNumber, asRecord, asText, type Json } from '../../grafana/json';
import { reduceField } from '../../grafana/reduce';
import { singleValues, type SingleValue } from '../../grafana/single';

const SPARK_SHARE = 0.36;

interface CellProps {
    one: SingleValue;
    width: number;
    height: number;
    options: Json;
    title: boolean;
    props: PanelProps;
}

/* The size at which so many characters fit, by Inter's mean width of 0.6 em. */
export function fitSize(text: string, width: number, height: number, most: number): number {
    return Math.max(11, Math.min(most, height, width / Math.max(1, text.length) / 0.6));
}

/* Grafana's gradient: the same hue, a little darker. */
function backOf(mode: string, color: string): string | undefined {
    return mode === 'background' ? `linear-gradient(120deg, ${color}, color-mix(in oklab, ${color}, #000 22%))` : mode === 'background_solid' ? color : undefined;
}

/** changeText is by how much the series has changed: "4.21%", and which way; undefined where that says nothing. */
export function changeText(field: Field): { text: string; sign: number } | undefined {
    const change = reduceField(field, ['diffperc']).diffperc;
    return typeof change === 'number' && Number.isFinite(change) ? { text: `${Number(Math.abs(change).toPrecision(3))}%`, sign: Math.sign(change) } : undefined;
}

/* Up is good unless it is said otherwise. */
function changeColor(sign: number, mode: string | undefined, front: string, isBackground: boolean): string {
    return isBackground || mode === 'same_as_value' || sign === 0 ? front : (sign > 0) === (mode !== 'inverted') ? 'var(--ok)' : 'var(--bad)';
}

function Cell({ one, width, height, options, title, props }: CellProps) {
    const colorMode = asText(options.colorMode) ?? 'value';
    const mode = asText(options.textMode);
    const text = asRecord(options.text);
    const back = backOf(colorMode, one.value.color);
    const front = back ? textOn(one.value.color) : colorMode === 'none' ? 'var(--text)' : one.value.color;
    const hasSpark = asText(options.graphMode) !== 'none' && one.times !== undefined && one.values !== undefined;
    const change = options.showPercentChange === true && one.times ? changeText(one.field) : undefined;
    /* The line lies below the number, not behind it. */
    const sparkPx = hasSpark ? Math.floor(height * SPARK_SHARE) : 0;
    const room = height - sparkPx;
    const titleFont = asNumber(text.titleSize) ?? fitSize(one.title, width - 16, height * 0.22, 18);
    const inRow = title && options.wideLayout !== false && width > 3 * room;
    const below = (title && !inRow ? titleFont + 6 : 0) + (change && !inRow ? 18 : 0);
    const valueFont = asNumber(text.valueSize) ?? fitSize(one.text, width - 16, (room - below) * 0.8, 90);
    const align = asText(options.justifyMode) === 'center' || !title ? 'center' : inRow ? 'space-between' : 'center';
    return (
        <Linked
            links={one.field.config.links} context={() => valueContext(one, props)} fill={props.fill} className="stat"
            style={{ width, height, paddingBottom: sparkPx, background: back, color: front, flexDirection: inRow ? 'row' : 'column', justifyContent: align }}
        >
            {hasSpark && (
                <div className="stat-spark"><Spark times={one.times!} values={one.values!} width={width} height={sparkPx} color={back ? front : one.value.color} /></div>
            )}
            {title && <div className="stat-title truncate" style={{ fontSize: titleFont, color: back ? front : 'var(--text)' }} title={one.title}>{one.title}</div>}
            {mode !== 'name' && mode !== 'none' && (
                <div className="stat-value num" style={{ fontSize: valueFont }}>
                    {one.value.prefix}{one.value.text}<small>{one.value.suffix}</small>
                </div>
            )}
            {change && <div className="stat-title num" style={{ fontSize: 13, color: changeColor(change.sign, asText(options.percentChangeColorMode), front, back !== undefined) }}>{change.sign > 0 ? '▲' : change.sign < 0 ? '▼' : ''} {change.text}</div>}
        </Linked>
    );
}

/** gridFor gives columns and rows of cells: below each other, beside each other (Grafana's "vertical"), or as they fill the panel best. */
export function gridFor(count: number, width: number, height: number, orientation: string): { columns: number; rows: number } {
    if (orientation === 'horizontal') {
        return { columns: 1, rows: count };
    }
    if (orientation === 'vertical') {
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

export default function StatPanel(props: PanelProps) {
    const { panel, frames, look, width, height, zone, fill } = props;
    const values = useMemo(() => singleValues(frames, panel.options, { look, zone, fill }), [frames, panel.options, look, zone, fill]);
    const { options } = panel;
    const mode = asText(options.textMode) ?? 'auto';
    const { columns, rows } = gridFor(Math.max(1, values.length), width, height, asText(options.orientation) ?? 'auto');
    const showTitle = mode === 'value_and_name' || mode === 'name' || (mode === 'auto' && values.length > 1);
    return (
        <div className="stat-grid" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
            {values.map((one, i) => (
                <Cell
                    key={i} one={mode === 'name' ? { ...one, text: one.title } : one} width={Math.floor(width / columns) - (columns > 1 ? 2 : 0)} height={Math.max(24, Math.floor(height / rows) - (rows > 1 ? 2 : 0))}
                    options={options} title={showTitle} props={props}
                />
            ))}
        </div>
    );
}
