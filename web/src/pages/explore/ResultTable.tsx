/* ResultTable: results as rows, a column a label. Sorted by a click; drawn as far as it is scrolled. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { HistogramValue, Labels, QueryResult } from '../../api/types';
import { csvLine } from '../../grafana/csv';
import { formatTime } from '../../grafana/time';
import { Button, Empty, Icon, plural, saveFile, UnstyledButton } from '../../ui';

export interface TableResult {
    letter: string;
    expr: string;
    data: QueryResult;
}

export interface TableRow {
    labels: Labels;
    letter: string;
    /* As the server sent it; a histogram in words. */
    text: string;
    value: number;
    time: number;
}

const ROW_PX = 29;

export function histogramText(histogram: HistogramValue): string {
    const buckets = histogram.buckets.map((bucket) => {
        const open = bucket.bounds === 1 || bucket.bounds === 3 ? '[' : '(';
        const close = bucket.bounds === 0 || bucket.bounds === 3 ? ']' : ')';
        return `${open}${bucket.low}, ${bucket.high}${close}: ${bucket.count}`;
    });
    return `count ${histogram.count}, sum ${histogram.sum}${buckets.length > 0 ? `; ${buckets.join(', ')}` : ''}`;
}

/* tableOf makes rows and columns; a series's newest point is its row, all points of a range selector are rows. */
export function tableOf(results: readonly TableResult[]): { columns: string[]; rows: TableRow[] } {
    const rows: TableRow[] = [];
    const columns = new Set<string>();
    for (const { letter, data } of results) {
        for (const series of data.series) {
            Object.keys(series.labels).forEach((name) => columns.add(name));
            for (let i = 0; i < series.times.length; i++) {
                const value = series.values[i]!;
                rows.push({ labels: series.labels, letter, text: data.text ?? String(value), value, time: series.times[i]! });
            }
            series.histograms.forEach((histogram, i) => {
                rows.push({ labels: series.labels, letter, text: histogramText(histogram), value: histogram.count, time: series.histogramTimes[i]! });
            });
        }
    }
    const names = [...columns].sort((a, b) => (a === '__name__' ? -1 : b === '__name__' ? 1 : a.localeCompare(b)));
    return { columns: names, rows };
}

export function csvOf(columns: readonly string[], rows: readonly TableRow[]): string {
    const lines = rows.map((row) => csvLine([...columns.map((name) => row.labels[name] ?? ''), new Date(row.time * 1000).toISOString(), row.text]));
    return [csvLine([...columns, 'time', 'value']), ...lines].join('\r\n');
}

export function ResultTable({ results }: { results: TableResult[] }) {
    const scroller = useRef<HTMLDivElement>(null);
    const [sort, setSort] = useState<{ by: string; up: boolean } | null>(null);
    const { columns, rows } = useMemo(() => tableOf(results), [results]);
    const several = results.length > 1;
    const sorted = useMemo(() => {
        if (!sort) {
            return rows;
        }
        const direction = sort.up ? 1 : -1;
        const compare = (a: TableRow, b: TableRow) =>
            sort.by === 'value' ? a.value - b.value : (a.labels[sort.by] ?? '').localeCompare(b.labels[sort.by] ?? '', undefined, { numeric: true });
        return [...rows].sort((a, b) => direction * compare(a, b));
    }, [rows, sort]);
    const virtual = useVirtualizer({ count: sorted.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 12 });
    const items = virtual.getVirtualItems();

    function head(by: string, title: string, right = false) {
        const on = sort?.by === by;
        return (
            <th key={by} className={right ? 'right' : ''} aria-sort={on ? (sort.up ? 'ascending' : 'descending') : 'none'}>
                <UnstyledButton onClick={() => setSort(on ? (sort.up === right ? null : { by, up: !sort.up }) : { by, up: !right })}>
                    {title} {on && <Icon name={sort.up ? 'up' : 'down'} size={11} />}
                </UnstyledButton>
            </th>
        );
    }

    if (rows.length === 0) {
        return <Empty title="Empty result" icon="table">Nothing matches at the end of the range.</Empty>;
    }
    const before = items[0]?.start ?? 0;
    const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
    return (
        <>
            <div className="row" style={{ padding: '0 10px 6px' }}>
                <span className="muted">{plural(rows.length, 'row')} at {formatTime(rows[0]!.time * 1000)}</span>
                <div className="grow" />
                <Button variant="default" size="compact-xs" leftSection={<Icon name="download" size={12} />}
                    onClick={() => saveFile('result.csv', csvOf(columns, sorted), 'text/csv')}>CSV</Button>
            </div>
            <div className="table-wrap" ref={scroller} style={{ maxHeight: 560 }} tabIndex={0} role="region" aria-label="Result rows">
                <table className="table result-table">
                    <thead>
                        <tr>
                            {several && <th>Query</th>}
                            {columns.map((name) => head(name, name))}
                            {head('value', 'Value', true)}
                        </tr>
                    </thead>
                    <tbody>
                        {before > 0 && <tr aria-hidden="true" style={{ height: before }} />}
                        {items.map((item) => {
                            const row = sorted[item.index]!;
                            return (
                                <tr key={item.index}>
                                    {several && <td>{row.letter}</td>}
                                    {columns.map((name) => <td key={name} className="mono">{row.labels[name] ?? ''}</td>)}
                                    <td className="right mono">{row.text}</td>
                                </tr>
                            );
                        })}
                        {after > 0 && <tr aria-hidden="true" style={{ height: after }} />}
                    </tbody>
                </table>
            </div>
        </>
    );
}
