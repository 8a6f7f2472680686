/* SeriesGraph: the series of all queries over the range, with a legend of figures below. */
import { memo, type ReactNode, useMemo, useState } from 'react';
import type { Exemplars, QueryResult, Series } from '../api/types';
import { Button, commonLabels, Empty, formatQuantity, guessQuantity, LabelSet, Note, seriesName, useComputedColorScheme } from '../ui';
import { align } from './align';
import { colorsFor } from './colors';
import ExemplarCard from './ExemplarCard';
import { exemplarMarks, type PickedExemplar } from './exemplars';
import { type Mark, Plot, type Threshold } from './Plot';
import './legend.css';

export type DrawStyle = 'line' | 'stacked' | 'bars' | 'points';

export interface GraphResult {
    letter: string;
    expr: string;
    /* Seconds. */
    step: number;
    data: QueryResult;
    /* The range before, its times moved onto this one: dashed. */
    earlier?: QueryResult;
    exemplars: Exemplars[];
}

interface GraphProps {
    results: GraphResult[];
    /* Seconds. */
    from: number;
    to: number;
    draw: DrawStyle;
    log: boolean;
    height?: number;
    thresholds?: Threshold[];
    /* Beside the exemplars. */
    marks?: Mark[];
    sync?: string;
    /* As it stands in the URL: links keep it. */
    range?: { from: string; to: string };
    onZoom?: (from: number, to: number) => void;
    onZoomOut?: () => void;
    /* Where there are no data: a way to some. */
    whenEmpty?: ReactNode;
}

interface Row {
    key: string;
    name: string;
    series: Series;
    step: number;
    isEarlier: boolean;
}

interface Figures {
    last: number;
    min: number;
    max: number;
    mean: number;
}

/* More lines than that say nothing; the rest is counted, and can be had. */
const SERIES_SHOWN = 100;
const LEGEND_SHOWN = 40;

export function figuresOf(values: ArrayLike<number>): Figures {
    let min = Infinity;
    let max = -Infinity;
    let sum = 0;
    let count = 0;
    let last = NaN;
    for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (Number.isFinite(value)) {
            min = Math.min(min, value);
            max = Math.max(max, value);
            sum += value;
            count++;
        }
        last = value;
    }
    return count > 0 ? { last, min, max, mean: sum / count } : { last, min: NaN, max: NaN, mean: NaN };
}

/* Behind the key of a series of the range before, which has the colour of its twin. */
const BEFORE = ' (before)';

function rowsOf(results: GraphResult[]): { rows: Row[]; common: Record<string, string> } {
    const all = results.flatMap((result) => [result.data, ...(result.earlier ? [result.earlier] : [])].flatMap((data, i) => data.series.filter((series) => series.times.length > 0).map((series) => ({ result, series, isEarlier: i > 0 }))));
    const names = commonLabels(all.map(({ series }) => series.labels));
    const common = Object.fromEntries(Object.entries(all[0]?.series.labels ?? {}).filter(([name]) => names.has(name)));
    const rows = all.map(({ result, series, isEarlier }) => {
        const full = seriesName(series.labels);
        const short = seriesName(series.labels, names);
        const plain = short === '{}' ? (Object.keys(series.labels).length > 0 && all.length === 1 ? full : result.expr) : short;
        const name = isEarlier ? `${plain} (before)` : plain;
        return { isEarlier, key: `${result.letter} ${full}${isEarlier ? BEFORE : ''}`, name: results.length > 1 ? `${result.letter}  ${name}` : name, series, step: result.step };
    });
    return { rows, common };
}

const Legend = memo(function Legend(props: {
    rows: Row[]; colors: string[]; shown: boolean[]; format: (value: number) => string; onPick: (index: number, more: boolean) => void; onHover: (index: number | null) => void;
}) {
    const [all, setAll] = useState(false);
    const figures = useMemo(() => props.rows.map((row) => figuresOf(row.series.values)), [props.rows]);
    const order = useMemo(
        () => props.rows.map((_, i) => i).sort((a, b) => (figures[b]!.last || 0) - (figures[a]!.last || 0)),
        [props.rows, figures],
    );
    const visible = all ? order : order.slice(0, LEGEND_SHOWN);
    return (
        <div className="legend" onMouseLeave={() => props.onHover(null)}>
            <table className="legend-table">
                <thead>
                    <tr>
                        <th>Series</th>
                        {['Last', 'Min', 'Mean', 'Max'].map((name) => <th key={name} className="right">{name}</th>)}
                    </tr>
                </thead>
                <tbody>
                    {visible.map((i) => {
                        const row = props.rows[i]!;
                        const value = figures[i]!;
                        return (
                            <tr key={row.key} className={props.shown[i] ? '' : 'off'} onMouseEnter={() => props.onHover(i)}>
                                <td>
                                    <button type="button" aria-pressed={props.shown[i]} title={seriesName(row.series.labels)}
                                        onClick={(event) => props.onPick(i, event.ctrlKey || event.metaKey || event.shiftKey)}>
                                        <i style={{ background: props.colors[i] }} />
                                        <span>{row.name}</span>
                                    </button>
                                </td>
                                {[value.last, value.min, value.mean, value.max].map((one, column) => (
                                    <td key={column} className="right">{props.format(one)}</td>
                                ))}
                            </tr>
                        );
                    })}
                </tbody>
            </table>
            {order.length > visible.length && (
                <Button variant="subtle" size="compact-xs" onClick={() => setAll(true)}>Show all {order.length}</Button>
            )}
        </div>
    );
});

const NO_MARKS: Mark[] = [];

export function SeriesGraph({ results, from, to, draw, log, height = 340, thresholds, marks: more = NO_MARKS, sync, range, onZoom, onZoomOut, whenEmpty }: GraphProps) {
    const scheme = useComputedColorScheme('dark');
    const [everything, setEverything] = useState(false);
    const [alone, setAlone] = useState<ReadonlySet<string>>(new Set());
    const [hovered, setHovered] = useState<number | null>(null);
    const { rows: allRows, common } = useMemo(() => rowsOf(results), [results]);
    const rows = useMemo(() => (everything ? allRows : allRows.slice(0, SERIES_SHOWN)), [allRows, everything]);
    const aligned = useMemo(
        () => align(rows.map((row) => ({ times: row.series.times, values: row.series.values, step: row.step }))),
        [rows],
    );
    const colors = useMemo(() => colorsFor(rows.map((row) => (row.isEarlier ? row.key.slice(2, -BEFORE.length) : row.key.slice(2))), scheme), [rows, scheme]);
    const quantity = useMemo(() => {
        const found = new Set(results.map((result) => guessQuantity(result.expr)));
        return found.size === 1 ? [...found][0]! : 'none';
    }, [results]);
    const format = useMemo(() => (value: number) => formatQuantity(value, quantity), [quantity]);
    const shown = useMemo(() => rows.map((row) => alone.size === 0 || alone.has(row.key)), [rows, alone]);
    const series = useMemo(
        () => rows.map((row, i) => ({
            name: row.name, color: colors[i]!, shown: shown[i]!, ...(row.isEarlier ? { dash: [4, 4], width: 1 } : {}),
            draw: draw === 'bars' ? 'bars' as const : draw === 'points' ? 'points' as const : 'line' as const,
        })),
        [rows, colors, shown, draw],
    );
    const axis = useMemo(() => ({ format, log, zero: !log && quantity !== 'time', binary: quantity.startsWith('bytes') }), [format, log, quantity]);
    const [picked, setPicked] = useState<PickedExemplar | null>(null);
    const marks = useMemo(() => [...more, ...exemplarMarks(results.flatMap((result) => result.exemplars), setPicked)], [results, more]);
    const histograms = results.some((result) => result.data.series.some((one) => one.histograms.length > 0 && one.times.length === 0));

    function pick(index: number, more: boolean): void {
        const key = rows[index]!.key;
        const next = new Set(more ? alone : []);
        if (more ? next.has(key) : alone.size === 1 && alone.has(key)) {
            next.delete(key);
        } else {
            next.add(key);
        }
        setAlone(next);
    }

    if (rows.length === 0) {
        return (
            <Empty title="No data in this range" icon="graph">
                {histograms ? 'The result holds native histograms: take histogram_quantile() or look at the table.' : 'The expression is good, but nothing was found. Try a longer range, or the metric browser.'}
                <div className="row" style={{ marginTop: 8, justifyContent: 'center' }}>
                    {onZoomOut && <Button variant="default" size="compact-xs" onClick={onZoomOut}>Zoom out</Button>}
                    {whenEmpty}
                </div>
            </Empty>
        );
    }
    return (
        <>
            {allRows.length > rows.length && (
                <Note kind="warn">
                    {allRows.length} series: the first {SERIES_SHOWN} are drawn.{' '}
                    <Button variant="subtle" size="compact-xs" onClick={() => setEverything(true)}>Draw all</Button>
                </Note>
            )}
            <Plot
                times={aligned.times} values={aligned.values} series={series} axis={axis} from={from} to={to} height={height}
                stacked={draw === 'stacked'} marks={marks} thresholds={thresholds} sync={sync} focused={hovered} onZoom={onZoom} onZoomOut={onZoomOut}
                label={`Graph of ${results.map((result) => result.expr).join('; ')}: ${rows.length} series. The table below has their figures.`}
            />
            {picked && <ExemplarCard picked={picked} range={range ?? { from: String(Math.round(from * 1000)), to: String(Math.round(to * 1000)) }} close={() => setPicked(null)} />}
            {Object.keys(common).length > 0 && rows.length > 1 && (
                <div className="row wrap legend-common"><span className="muted">In all:</span><LabelSet labels={common} /></div>
            )}
            <Legend rows={rows} colors={colors} shown={shown} format={format} onPick={pick} onHover={setHovered} />
        </>
    );
}
