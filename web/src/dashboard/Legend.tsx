/* Legend: names of series with their figures, as a list or a table. A click shows one series alone, with Ctrl it toggles. */
import { useMemo, useState } from 'react';
import type { LegendFigure, LegendOptions } from './legend';

export interface LegendRow {
    name: string;
    color: string;
    shown: boolean;
    figures: LegendFigure[];
    right?: boolean;
}

interface LegendProps {
    rows: LegendRow[];
    options: LegendOptions;
    onPick: (index: number, more: boolean) => void;
    onHover?: (index: number | null) => void;
}

/* More rows slow the page down; the rest is counted. */
const ROWS_MAX = 200;

function Swatch({ row }: { row: LegendRow }) {
    return <i className="legend-swatch" style={{ background: row.color }} />;
}

function Item({ row, index, props }: { row: LegendRow; index: number; props: LegendProps }) {
    return (
        <button
            type="button" className={row.shown ? 'legend-name' : 'legend-name off'} title={row.name} aria-pressed={row.shown}
            onClick={(event) => props.onPick(index, event.ctrlKey || event.metaKey || event.shiftKey)}
            onMouseEnter={() => props.onHover?.(index)} onFocus={() => props.onHover?.(index)} onBlur={() => props.onHover?.(null)}
        >
            <Swatch row={row} />
            <span>{row.name}{row.right ? ' (right)' : ''}</span>
        </button>
    );
}

export function PanelLegend(props: LegendProps) {
    const { rows, options } = props;
    const [sort, setSort] = useState({ by: options.sortBy, desc: options.sortDesc });
    const order = useMemo(() => {
        const list = rows.map((_, i) => i);
        if (sort.by === '') {
            return list;
        }
        const sign = sort.desc ? -1 : 1;
        const figure = (i: number): number => rows[i]!.figures.find((f) => f.name.toLowerCase() === sort.by.toLowerCase())?.value ?? NaN;
        return sort.by === 'Name'
            ? list.sort((a, b) => sign * rows[a]!.name.localeCompare(rows[b]!.name))
            : list.sort((a, b) => (Number.isNaN(figure(a)) ? 1 : Number.isNaN(figure(b)) ? -1 : sign * (figure(a) - figure(b))));
    }, [rows, sort]);
    const visible = order.slice(0, ROWS_MAX);
    const rest = order.length - visible.length;
    if (!options.table) {
        return (
            <div className={options.right ? 'panel-legend list right' : 'panel-legend list'} onMouseLeave={() => props.onHover?.(null)} tabIndex={0} role="group" aria-label="Legend">
                {visible.map((i) => (
                    <span key={i} className="legend-item">
                        <Item row={rows[i]!} index={i} props={props} />
                        {rows[i]!.figures.map((f) => <span key={f.name} className="legend-figure num">{f.name}: {f.text}</span>)}
                    </span>
                ))}
                {rest > 0 && <span className="muted">and {rest} more</span>}
            </div>
        );
    }
    const heads = rows[0]?.figures.map((f) => f.name) ?? [];
    const head = (name: string, label: string) => (
        <th key={name} aria-sort={sort.by === name ? (sort.desc ? 'descending' : 'ascending') : 'none'}>
            <button type="button" onClick={() => setSort({ by: name, desc: sort.by === name ? !sort.desc : name !== 'Name' })}>{label}{sort.by === name ? (sort.desc ? ' ↓' : ' ↑') : ''}</button>
        </th>
    );
    return (
        <div className={options.right ? 'panel-legend table right' : 'panel-legend table'} onMouseLeave={() => props.onHover?.(null)} tabIndex={0} role="group" aria-label="Legend">
            <table>
                <thead><tr>{head('Name', 'Name')}{heads.map((h) => head(h, h))}</tr></thead>
                <tbody>
                    {visible.map((i) => (
                        <tr key={i}>
                            <td><Item row={rows[i]!} index={i} props={props} /></td>
                            {rows[i]!.figures.map((f) => <td key={f.name} className="num">{f.text}</td>)}
                        </tr>
                    ))}
                </tbody>
            </table>
            {rest > 0 && <span className="muted">and {rest} more</span>}
        </div>
    );
}

/** toggled gives what is shown after a click: one alone, or all again; with `more` that one goes or comes. */
export function toggled(shown: readonly boolean[], index: number, more: boolean): boolean[] {
    if (more) {
        return shown.map((s, i) => (i === index ? !s : s));
    }
    const isAlone = shown[index] === true && shown.every((s, i) => i === index || !s);
    return shown.map((_, i) => isAlone || i === index);
}
