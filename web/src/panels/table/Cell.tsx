/* Cell: one value of a table, as its column's cell type wants it. */
import { textOn } from '../../grafana/color';
import { displayText, fieldLimits, type DisplayValue } from '../../grafana/fieldconfig';
import { timeField, valueAt, type Field, type Frame } from '../../grafana/frame';
import { isRecord, type Json } from '../../grafana/json';
import { dataLinkTitle, dataLinkUrl, type LinkContext } from '../../grafana/links';
import { reduceNumber } from '../../grafana/reduce';
import { Linked } from '../../dashboard/Linked';
import { Spark } from '../../draw/Spark';

export interface Column {
    field: Field;
    name: string;
    display: (value: unknown) => DisplayValue;
    width: number | undefined;
    align: 'left' | 'right' | 'center';
    cell: string;
    options: Json;
    toRow: boolean;
    /* A click on a value shows the whole of it. */
    inspects: boolean;
    filters: boolean;
    /* Long text is broken, and its row grows. */
    wraps: boolean;
}

export interface CellProps {
    column: Column;
    /* All of the row, for links that speak of them. */
    columns: readonly Column[];
    row: number;
    rowPx: number;
    from: number;
    to: number;
    fill: (text: string) => string;
    onInspect: (what: { name: string; text: string }) => void;
}

const SPARK_PX = 110;
const GAUGES = ['gauge', 'lcd-gauge', 'gradient-gauge', 'basic'];

/* A field of a row by its name or its place, as data links want it. */
function fieldIn(columns: readonly Column[], row: number): LinkContext['fieldOf'] {
    return (field) => {
        const column = typeof field === 'number' ? columns[field] : columns.find((c) => c.name === field || c.field.name === field);
        const value = column && valueAt(column.field, row);
        return column && { raw: value, text: displayText(column.display(value)) };
    };
}

/** cellText is a value as text: a series by its newest value, an object as JSON. */
export function cellText(column: Column, value: unknown): string {
    const frame = frameOf(value);
    return frame ? displayText(column.display(newest(frame))) : column.cell === 'json-view' ? jsonText(value, 0) : displayText(column.display(value));
}

/* What the transformation of time series to tables leaves in a cell. */
function frameOf(value: unknown): Frame | undefined {
    return isRecord(value) && Array.isArray(value.fields) ? (value as unknown as Frame) : undefined;
}

function newest(frame: Frame): number | null {
    const field = frame.fields.find((f) => f.type === 'number');
    const value = field ? reduceNumber(field, 'lastNotNull') : NaN;
    return Number.isNaN(value) ? null : value;
}

/** sortValue is what a row is ordered by: a series by its newest value. */
export function sortValue(value: unknown): unknown {
    const frame = frameOf(value);
    return frame ? newest(frame) : value;
}

/** jsonText is a value as JSON: a text that holds some is written anew, any other stays as it is. */
export function jsonText(value: unknown, indent: number): string {
    try {
        return JSON.stringify(typeof value === 'string' ? JSON.parse(value) : value, null, indent) ?? '';
    } catch {
        return String(value);
    }
}

/* Pictures of other origins are not loaded: no page asks there. */
function imageUrl(text: string): string | undefined {
    const url = URL.canParse(text, document.baseURI) ? new URL(text, document.baseURI) : undefined;
    return url && (url.protocol === 'data:' || url.protocol === 'blob:' || url.origin === location.origin) ? url.href : undefined;
}

function Sparkline({ frame, column, rowPx }: { frame: Frame; column: Column; rowPx: number }) {
    const time = timeField(frame);
    const field = frame.fields.find((f) => f.type === 'number');
    const shown = column.display(newest(frame));
    return (
        <span className="cell-spark">
            {time && field && <Spark times={time.values as ArrayLike<number>} values={field.values as ArrayLike<number>} width={SPARK_PX} height={rowPx - 6} color={shown.color} />}
            {column.options.hideValue !== true && <b className="num">{displayText(shown)}</b>}
        </span>
    );
}

function Gauge({ column, shown, text }: { column: Column; shown: DisplayValue; text: string }) {
    const { min, max } = fieldLimits(column.field);
    const share = Math.min(1, Math.max(0, (shown.numeric - min) / (max - min || 1)));
    return (
        <span className="cell-gauge">
            <i style={{ width: `${(Number.isFinite(share) ? share : 0) * 100}%`, background: shown.color }} />
            {column.options.valueDisplayMode !== 'hidden' && <b className="num" style={{ color: column.options.valueDisplayMode === 'text' ? 'var(--text)' : shown.color }}>{text}</b>}
        </span>
    );
}

function Pills({ value, column }: { value: unknown; column: Column }) {
    const list = Array.isArray(value) ? value.map(String) : String(value ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
    return <>{list.map((part, i) => { const { color } = column.display(part); return <span key={i} className="cell-pill" style={{ background: color, color: textOn(color) }}>{part}</span>; })}</>;
}

/* What stands in a cell, but for links. */
function content({ column, rowPx }: CellProps, value: unknown, shown: DisplayValue, text: string): React.ReactNode {
    const frame = frameOf(value);
    if (frame) {
        return <Sparkline frame={frame} column={column} rowPx={rowPx} />;
    }
    if (GAUGES.includes(column.cell)) {
        return <Gauge column={column} shown={shown} text={text} />;
    }
    if (column.cell === 'pill') {
        return <Pills value={value} column={column} />;
    }
    if (column.cell === 'image') {
        const url = imageUrl(text);
        return url ? <img src={url} alt={String(column.options.alt ?? column.name)} style={{ height: rowPx - 4 }} /> : text;
    }
    return column.cell === 'json-view' ? <code className="mono">{text}</code> : text;
}

export function Cell(props: CellProps) {
    const { column, columns, row, from, to, fill } = props;
    const value = valueAt(column.field, row);
    const text = cellText(column, value);
    const shown = column.display(frameOf(value) ? newest(frameOf(value)!) : value);
    const { links } = column.field.config;
    const context = (): LinkContext => ({ value: value as number | string | null, text, time: null, name: column.name, labels: column.field.labels ?? {}, from, to, fieldOf: fieldIn(columns, row) });
    const style: React.CSSProperties = { textAlign: column.align, ...(column.wraps ? { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } : {}) };
    if (column.cell === 'color-text') {
        style.color = shown.color;
    } else if (column.cell.startsWith('color-background')) {
        style.background = shown.color;
        style.color = textOn(shown.color);
    }
    const inner = content(props, value, shown, text);
    const linked = { ...(style.color ? { style: { color: style.color } } : {}), context, fill };
    return (
        <td style={style} title={text} className={column.field.type === 'number' ? 'num' : undefined}>
            {column.cell === 'data-links' && links?.length
                ? links.map((link, i) => <a key={i} className="cell-link" href={dataLinkUrl(link.url, context(), fill)} target={link.targetBlank ? '_blank' : undefined} rel="noreferrer">{link.title ? dataLinkTitle(link.title, context(), fill) : text}</a>)
                : links?.length ? <Linked as="span" links={links} {...linked}>{inner}</Linked>
                : column.inspects ? <button type="button" className="cell-inspect" onClick={() => props.onInspect({ name: column.name, text: jsonText(value, 2) })}>{inner}</button>
                : inner}
        </td>
    );
}
