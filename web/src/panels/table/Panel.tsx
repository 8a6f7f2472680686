/* Table: rows of a frame, sorted, filtered, coloured; only the rows in sight are in the page. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { textOn, withAlpha } from '../../grafana/color';
import { displayProcessor, displayText, fieldLimits, type DisplayValue } from '../../grafana/fieldconfig';
import { asArray, asNumber, asRecord, asRecords, asText, asTexts, type Json } from '../../grafana/json';
import { frameName } from '../../grafana/names';
import { compareValues, isMissing } from '../../grafana/transform/shared';
import { valueAt, type Field, type Frame } from '../../grafana/frame';
import { dataLinkUrl, type LinkContext } from '../../grafana/links';
import { reduceNumber } from '../../grafana/reduce';
import { Select, TextInput } from '../../ui';

const ROW_PX = 28;
const COLUMN_PX_MIN = 90;

interface Column {
    field: Field;
    name: string;
    display: (value: unknown) => DisplayValue;
    width: number | undefined;
    align: 'left' | 'right' | 'center';
    cell: string;
    toRow: boolean;
}

function columnsOf(frame: Frame, look: PanelProps['look'], zone: string | undefined): Column[] {
    return frame.fields.filter((f) => asRecord(f.config.custom).hidden !== true).map((field) => {
        const custom = asRecord(field.config.custom);
        const cell = asRecord(custom.cellOptions);
        const wanted = asText(custom.align);
        return {
            field, name: field.state?.displayName ?? field.name, display: displayProcessor(field, look, { zone }), width: asNumber(custom.width),
            align: wanted === 'left' || wanted === 'right' || wanted === 'center' ? wanted : field.type === 'number' ? 'right' : 'left',
            cell: asText(cell.type) ?? asText(custom.displayMode) ?? 'auto', toRow: cell.applyToRow === true,
        };
    });
}

interface CellProps {
    column: Column;
    /* All of the row, for links that speak of them. */
    columns: readonly Column[];
    row: number;
    from: number;
    to: number;
    fill: (text: string) => string;
}

/* A field of a row by its name or its place, as data links want it. */
function fieldIn(columns: readonly Column[], row: number): LinkContext['fieldOf'] {
    return (field) => {
        const column = typeof field === 'number' ? columns[field] : columns.find((c) => c.name === field || c.field.name === field);
        const value = column && valueAt(column.field, row);
        return column && { raw: value, text: displayText(column.display(value)) };
    };
}

function Cell({ column, columns, row, from, to, fill }: CellProps) {
    const value = valueAt(column.field, row);
    const shown = column.display(value);
    const text = displayText(shown);
    const link = column.field.config.links?.[0];
    const style: React.CSSProperties = { textAlign: column.align };
    if (column.cell === 'color-text') {
        style.color = shown.color;
    } else if (column.cell.startsWith('color-background')) {
        style.background = shown.color;
        style.color = textOn(shown.color);
    }
    if (column.cell === 'gauge' || column.cell === 'lcd-gauge' || column.cell === 'gradient-gauge' || column.cell === 'basic') {
        const { min, max } = fieldLimits(column.field);
        const share = Math.min(1, Math.max(0, (shown.numeric - min) / (max - min || 1)));
        return (
            <td style={style} title={text}>
                <span className="cell-gauge"><i style={{ width: `${(Number.isFinite(share) ? share : 0) * 100}%`, background: shown.color }} /><b className="num" style={{ color: shown.color }}>{text}</b></span>
            </td>
        );
    }
    return (
        <td style={style} title={text} className={column.field.type === 'number' ? 'num' : undefined}>
            {link ? <a href={dataLinkUrl(link.url, { value: value as number | string | null, text, time: null, name: column.field.state?.displayName ?? column.field.name, labels: column.field.labels ?? {}, from, to, fieldOf: fieldIn(columns, row) }, fill)} rel="noreferrer" target={link.targetBlank ? '_blank' : undefined}>{text}</a> : text}
        </td>
    );
}

function rowColor(columns: readonly Column[], row: number): string | undefined {
    const column = columns.find((c) => c.toRow && c.cell.startsWith('color-background'));
    return column ? withAlpha(column.display(valueAt(column.field, row)).color, 0.35) : undefined;
}

/* Below the columns: what a reducer makes of the rows that are shown, or how many they are. */
function footerOf(footer: Json, columns: readonly Column[], rows: readonly number[]): string[] | undefined {
    if (footer.show !== true) {
        return undefined;
    }
    const reducer = asText(asArray(footer.reducer)[0]) ?? 'sum';
    const wanted = asTexts(footer.fields);
    if (footer.countRows === true && reducer === 'count') {
        return columns.map((_, i) => (i === 0 ? `Count: ${rows.length}` : ''));
    }
    return columns.map((column) => {
        const isWanted = column.field.type === 'number' && (wanted.length === 0 || wanted.includes(column.name) || wanted.includes(column.field.name));
        const value = isWanted ? reduceNumber({ ...column.field, values: rows.map((i) => column.field.values[i]) }, reducer) : NaN;
        return isWanted && !Number.isNaN(value) ? displayText(column.display(value)) : '';
    });
}

export default function TablePanel({ panel, frames, look, width, height, zone, from, to, fill }: PanelProps) {
    const [chosen, setChosen] = useState(asNumber(panel.options.frameIndex) ?? 0);
    const [find, setFind] = useState('');
    const first = asRecords(panel.options.sortBy)[0];
    const [sort, setSort] = useState({ by: asText(first?.displayName) ?? '', desc: first?.desc === true });
    const frame = frames[Math.min(chosen, frames.length - 1)];
    const columns = useMemo(() => (frame ? columnsOf(frame, look, zone) : []), [frame, look, zone]);
    const rows = useMemo(() => {
        const all = Array.from({ length: frame?.length ?? 0 }, (_, i) => i);
        const wanted = find.toLowerCase();
        const kept = wanted === '' ? all : all.filter((i) => columns.some((c) => displayText(c.display(valueAt(c.field, i))).toLowerCase().includes(wanted)));
        const column = columns.find((c) => c.name === sort.by);
        const sign = sort.desc ? -1 : 1;
        return column
            ? kept.sort((a, b) => {
                const [left, right] = [column.field.values[a], column.field.values[b]];
                return Number(isMissing(left)) - Number(isMissing(right)) || sign * compareValues(left, right) || a - b;
            })
            : kept;
    }, [frame, columns, find, sort]);
    const footer = useMemo(() => footerOf(asRecord(panel.options.footer), columns, rows), [panel.options.footer, columns, rows]);
    const box = useRef<HTMLDivElement>(null);
    const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: 12 });
    const items = virtual.getVirtualItems();
    const filterable = columns.some((c) => asRecord(c.field.config.custom).filterable === true) || (frame?.length ?? 0) > 20;
    const barPx = (filterable ? 32 : 0) + (frames.length > 1 ? 36 : 0);
    const needed = columns.reduce((sum, c) => sum + (c.width ?? COLUMN_PX_MIN), 0);
    return (
        <div className="panel-column">
            {filterable && <TextInput aria-label="Find in the table" placeholder="Find" value={find} onChange={(e) => setFind(e.currentTarget.value)} size="xs" className="table-find" />}
            <div ref={box} className="table-box" style={{ height: height - barPx }} tabIndex={0} role="region" aria-label={`${panel.title}: ${rows.length} rows`}>
                <table className="data-table" style={{ minWidth: Math.max(width - 12, needed) }}>
                    {panel.options.showHeader !== false && (
                        <thead>
                            <tr>
                                {columns.map((c, i) => (
                                    <th key={i} style={{ textAlign: c.align, width: c.width }} aria-sort={sort.by === c.name ? (sort.desc ? 'descending' : 'ascending') : 'none'}>
                                        <button type="button" onClick={() => setSort({ by: c.name, desc: sort.by === c.name ? !sort.desc : false })}>{c.name}{sort.by === c.name ? (sort.desc ? ' ↓' : ' ↑') : ''}</button>
                                    </th>
                                ))}
                            </tr>
                        </thead>
                    )}
                    <tbody>
                        {items.length > 0 && items[0]!.start > 0 && <tr style={{ height: items[0]!.start }} />}
                        {items.map((item) => (
                            <tr key={item.key} style={{ height: ROW_PX, background: rowColor(columns, rows[item.index]!) }}>
                                {columns.map((c, i) => <Cell key={i} column={c} columns={columns} row={rows[item.index]!} from={from} to={to} fill={fill} />)}
                            </tr>
                        ))}
                        {items.length > 0 && <tr style={{ height: Math.max(0, virtual.getTotalSize() - items[items.length - 1]!.end) }} />}
                    </tbody>
                    {footer && <tfoot><tr>{footer.map((text, i) => <td key={i} className="num" style={{ textAlign: columns[i]!.align }} title={text}>{text}</td>)}</tr></tfoot>}
                </table>
            </div>
            {frames.length > 1 && (
                <Select aria-label="Table" size="xs" value={String(Math.min(chosen, frames.length - 1))} onChange={(v) => setChosen(Number(v ?? 0))} data={frames.map((f, i) => ({ value: String(i), label: frameName(f, i) }))} />
            )}
        </div>
    );
}
