/* Table: rows of a frame, sorted, filtered, coloured; only the rows in sight are in the page. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import { Pager, PAGER_PX } from '../../dashboard/Pager';
import { pageOf } from '../../dashboard/paging';
import type { PanelProps } from '../../dashboard/types';
import { displayText } from '../../grafana/fieldconfig';
import { asArray, asNumber, asRecord, asRecords, asText, asTexts, own, type Json } from '../../grafana/json';
import { frameName } from '../../grafana/names';
import { compareValues, isMissing } from '../../grafana/transform/shared';
import { NESTED_NAME, valueAt, type Frame } from '../../grafana/frame';
import { reduceNumber } from '../../grafana/reduce';
import { Icon, Popover, Select, TextInput } from '../../ui';
import { Cell, cellText, sortValue, type Column } from './Cell';
import { columnsOf, rowColor } from './columns';
import { innerHeight } from './nesting';

const Nested = lazy(() => import('./Nested'));
const Choose = lazy(() => import('./Extras').then((m) => ({ default: m.Choose })));
const Whole = lazy(() => import('./Extras'));
const ROW_PX = 28;
/* By the size that a panel asks for; pictures need some room in any case. */
const ROW_SIZES: Readonly<Record<string, number>> = { md: 38, lg: 48 };
const IMAGE_ROW_PX = 40;
const COLUMN_PX_MIN = 90;
/* A bar for sideways scrolling, and lines. */
const EDGE_PX = 14;

/* Below the columns: what a reducer makes of the rows that are shown, or how many they are; a column may have its own. */
function footerOf(footer: Json, columns: readonly Column[], rows: readonly number[]): string[] | undefined {
    const own = (column: Column): string | undefined => asText(asArray(asRecord(asRecord(column.field.config.custom).footer).reducers)[0]);
    if (footer.show !== true && !columns.some(own)) {
        return undefined;
    }
    const reducer = asText(asArray(footer.reducer)[0]) ?? 'sum';
    const wanted = asTexts(footer.fields);
    if (footer.countRows === true && reducer === 'count') {
        return columns.map((_, i) => (i === 0 ? `Count: ${rows.length}` : ''));
    }
    return columns.map((column) => {
        const isWanted = column.field.type === 'number' && (own(column) !== undefined || (footer.show === true && (wanted.length === 0 || wanted.includes(column.name) || wanted.includes(column.field.name))));
        const value = isWanted ? reduceNumber({ ...column.field, values: rows.map((i) => column.field.values[i]) }, own(column) ?? reducer) : NaN;
        return isWanted && !Number.isNaN(value) ? displayText(column.display(value)) : '';
    });
}

const NONE: ReadonlySet<string> = new Set();

/* The values of a column by name that are chosen; no values: all. */
type Filters = ReadonlyMap<string, ReadonlySet<string>>;

function rowsOf(frame: Frame | undefined, columns: readonly Column[], find: string, filters: Filters, sort: { by: string; desc: boolean }): number[] {
    const wanted = find.toLowerCase();
    const active = columns.filter((c) => (filters.get(c.name)?.size ?? 0) > 0);
    const isKept = (i: number): boolean => active.every((c) => filters.get(c.name)!.has(cellText(c, valueAt(c.field, i))))
        && (wanted === '' || columns.some((c) => cellText(c, valueAt(c.field, i)).toLowerCase().includes(wanted)));
    const kept = Array.from({ length: frame?.length ?? 0 }, (_, i) => i).filter(isKept);
    const column = columns.find((c) => c.name === sort.by);
    const sign = sort.desc ? -1 : 1;
    return column
        ? kept.sort((a, b) => {
            const [left, right] = [sortValue(column.field.values[a]), sortValue(column.field.values[b])];
            return Number(isMissing(left)) - Number(isMissing(right)) || sign * compareValues(left, right) || a - b;
        })
        : kept;
}

interface HeadProps {
    column: Column;
    /* Of the whole table. */
    length: number;
    sort: { by: string; desc: boolean };
    onSort: () => void;
    chosen: ReadonlySet<string>;
    onChoose: (next: ReadonlySet<string>) => void;
}

function Head({ column: c, length, sort, onSort, chosen, onChoose }: HeadProps) {
    const [open, setOpen] = useState(false);
    const values = useMemo(() => (open ? [...new Set(Array.from({ length }, (_, i) => cellText(c, valueAt(c.field, i))))].sort((a, b) => compareValues(a, b)) : []), [open, c, length]);
    const isSorted = sort.by === c.name;
    return (
        <th style={{ textAlign: c.align, width: c.width }} aria-sort={isSorted ? (sort.desc ? 'descending' : 'ascending') : 'none'}>
            <button type="button" onClick={onSort}>{c.name}{isSorted ? (sort.desc ? ' ↓' : ' ↑') : ''}</button>
            {c.filters && (
                <Popover opened={open} onChange={setOpen} width={240}>
                    <Popover.Target><button type="button" className="table-filter" aria-label={`Filter ${c.name}${chosen.size > 0 ? `: ${chosen.size} chosen` : ''}`} aria-haspopup="dialog" aria-pressed={chosen.size > 0} onClick={() => setOpen(!open)}><Icon name="filter" size={12} /></button></Popover.Target>
                    <Popover.Dropdown aria-label={`Filter ${c.name}`}><Suspense fallback={null}><Choose name={c.name} values={values} chosen={chosen} onChange={onChoose} /></Suspense></Popover.Dropdown>
                </Popover>
            )}
        </th>
    );
}

/* A row, or the table that stands below one. */
interface Line {
    row: number;
    isOpen?: boolean;
    inner?: Frame;
}

const linePx = (line: Line | undefined, rowPx: number): number => (line?.inner ? innerHeight(line.inner, rowPx) : rowPx);

function Turn({ open, onTurn }: { open: boolean; onTurn: () => void }) {
    return <button type="button" className="table-filter" aria-label="Rows within" aria-expanded={open} onClick={onTurn}><Icon name={open ? 'down' : 'right'} size={13} /></button>;
}

export default function TablePanel({ panel, frames, look, width, height, zone, from, to, fill }: PanelProps) {
    const [chosen, setChosen] = useState(asNumber(panel.options.frameIndex) ?? 0);
    const [find, setFind] = useState('');
    const [filters, setFilters] = useState<Filters>(new Map());
    const [whole, setWhole] = useState<{ name: string; text: string } | null>(null);
    const first = asRecords(panel.options.sortBy)[0];
    const [sort, setSort] = useState({ by: asText(first?.displayName) ?? '', desc: first?.desc === true });
    const frame = frames[Math.min(chosen, frames.length - 1)];
    const columns = useMemo(() => (frame ? columnsOf(frame, look, zone) : []), [frame, look, zone]);
    const rows = useMemo(() => rowsOf(frame, columns, find, filters, sort), [frame, columns, find, filters, sort]);
    const footer = useMemo(() => footerOf(asRecord(panel.options.footer), columns, rows), [panel.options.footer, columns, rows]);
    const rowPx = own(ROW_SIZES, asText(panel.options.cellHeight) ?? '') ?? (columns.some((c) => c.cell === 'image') ? IMAGE_ROW_PX : ROW_PX);
    const box = useRef<HTMLDivElement>(null);
    const filterable = columns.some((c) => asRecord(c.field.config.custom).filterable === true) || (frame?.length ?? 0) > 20;
    const isPaged = panel.options.enablePagination === true || asRecord(panel.options.footer).enablePagination === true;
    const barPx = (filterable ? 32 : 0) + (frames.length > 1 ? 36 : 0) + (isPaged ? PAGER_PX : 0);
    const [wantedPage, setPage] = useState(0);
    const page = pageOf(rows.length, isPaged ? (height - barPx - EDGE_PX - ROW_PX * ((panel.options.showHeader === false ? 0 : 1) + (footer ? 1 : 0))) / rowPx : Math.max(1, rows.length), wantedPage);
    /* A row whose table is open is followed by it. */
    const nested = frame?.fields.find((f) => f.name === NESTED_NAME);
    const [turned, setTurned] = useState<ReadonlySet<number>>(new Set());
    const opensRows = frame?.meta?.opensRows === true;
    const lines = useMemo(() => rows.slice(page.from, page.to).flatMap((row): Line[] => (nested && turned.has(row) !== opensRows ? [{ row, isOpen: true }, { row, inner: nested.values[row] as Frame }] : [{ row }])), [rows, page.from, page.to, nested, turned, opensRows]);
    const turn = (row: number): void => setTurned((now) => {
        const next = new Set(now);
        return next.delete(row) ? next : next.add(row);
    });
    const virtual = useVirtualizer({
        count: lines.length, getScrollElement: () => box.current, overscan: 12, estimateSize: (i) => linePx(lines[i], rowPx), getItemKey: (i) => `${lines[i]?.row} ${lines[i]?.inner !== undefined}`,
    });
    const items = virtual.getVirtualItems();
    const grows = columns.some((c) => c.wraps);
    const needed = columns.reduce((sum, c) => sum + (c.width ?? COLUMN_PX_MIN), 0);
    return (
        <div className="panel-column">
            {filterable && <TextInput aria-label="Find in the table" placeholder="Find" value={find} onChange={(e) => setFind(e.currentTarget.value)} size="xs" className="table-find" />}
            <div ref={box} className="table-box" style={{ height: height - barPx }} tabIndex={0} role="region" aria-label={`${panel.title}: ${rows.length} rows`}>
                <table className="data-table" style={{ minWidth: Math.max(width - 12, needed) }}>
                    {panel.options.showHeader !== false && (
                        <thead>
                            <tr>
                                {nested && <th className="table-turn"><span className="visually-hidden">Rows within</span></th>}
                                {columns.map((c, i) => (
                                    <Head
                                        key={i} column={c} length={frame?.length ?? 0} sort={sort} onSort={() => setSort({ by: c.name, desc: sort.by === c.name ? !sort.desc : false })}
                                        chosen={filters.get(c.name) ?? NONE} onChoose={(next) => setFilters(new Map([...filters, [c.name, next]]))}
                                    />
                                ))}
                            </tr>
                        </thead>
                    )}
                    <tbody>
                        {items.length > 0 && items[0]!.start > 0 && <tr style={{ height: items[0]!.start }} />}
                        {items.map((item) => {
                            const { row, inner, isOpen = false } = lines[item.index]!;
                            return inner ? (
                                <tr key={item.key}>
                                    <td colSpan={columns.length + 1} className="table-inner" style={{ height: linePx({ row, inner }, rowPx) }}>
                                        <Suspense fallback={null}><Nested frame={inner} panel={panel} look={look} zone={zone} rowPx={rowPx} from={from} to={to} fill={fill} onInspect={setWhole} /></Suspense>
                                    </td>
                                </tr>
                            ) : (
                                <tr key={item.key} {...(grows ? { ref: virtual.measureElement, 'data-index': item.index } : {})} style={{ height: rowPx, background: rowColor(columns, row) }}>
                                    {nested && <td className="table-turn"><Turn open={isOpen} onTurn={() => turn(row)} /></td>}
                                    {columns.map((c, i) => <Cell key={i} column={c} columns={columns} row={row} rowPx={rowPx} from={from} to={to} fill={fill} onInspect={setWhole} />)}
                                </tr>
                            );
                        })}
                        {items.length > 0 && <tr style={{ height: Math.max(0, virtual.getTotalSize() - items[items.length - 1]!.end) }} />}
                    </tbody>
                    {footer && <tfoot><tr>{nested && <td />}{footer.map((text, i) => <td key={i} className="num" style={{ textAlign: columns[i]!.align }} title={text}>{text}</td>)}</tr></tfoot>}
                </table>
            </div>
            {isPaged && <Pager page={page} rows={rows.length} onTurn={setPage} />}
            {whole && <Suspense fallback={null}><Whole what={whole} close={() => setWhole(null)} /></Suspense>}
            {frames.length > 1 && (
                <Select aria-label="Table" size="xs" value={String(Math.min(chosen, frames.length - 1))} onChange={(v) => setChosen(Number(v ?? 0))} data={frames.map((f, i) => ({ value: String(i), label: frameName(f, i) }))} />
            )}
        </div>
    );
}
