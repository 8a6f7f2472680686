/* InspectStats: what the queries of a panel cost: they are asked once more, with the server's statistics. */
import { useQueries } from '@tanstack/react-query';
import { measureQuery, type Measured } from '../../api/measure';
import type { Asked, PanelData } from '../../dashboard/data';
import { asNumber, asRecord } from '../../grafana/json';
import { formatValue } from '../../grafana/units';
import { Button, Fault, Loading } from '../../ui';

const ms = (value: number | undefined): string => (value === undefined ? '-' : formatValue(value, 'ms'));
const count = (value: number | undefined): string => (value === undefined ? '-' : formatValue(value, 'none', 0));
const bytes = (value: number): string => formatValue(value, 'decbytes');

/** valuesOf counts the samples of an answer, those of native histograms too. */
export function valuesOf({ result }: Measured): number {
    return result.series.reduce((sum, one) => sum + one.times.length + one.histograms.length, 0);
}

/* Seconds of the server's timings in ms. */
function timing({ result }: Measured, name: string): number | undefined {
    const seconds = asNumber(result.stats?.timings?.[name]);
    return seconds === undefined ? undefined : seconds * 1000;
}

/* Name, value of one query, and of all together where they add up. */
const ROWS: readonly [label: string, of: (one: Measured) => string, sum?: (all: readonly Measured[]) => string][] = [
    ['Request', (m) => ms(m.requestMs), (all) => ms(total(all, (m) => m.requestMs))],
    ['of that evaluation', (m) => ms(timing(m, 'evalTotalTime')), (all) => ms(total(all, (m) => timing(m, 'evalTotalTime') ?? 0))],
    ['of that looking up series', (m) => ms(timing(m, 'queryPreparationTime'))],
    ['waited in the queue', (m) => ms(timing(m, 'execQueueTime'))],
    ['Samples read', (m) => count(asNumber(asRecord(m.result.stats?.samples).totalQueryableSamples)), (all) => count(total(all, (m) => asNumber(asRecord(m.result.stats?.samples).totalQueryableSamples) ?? 0))],
    ['most in memory at once', (m) => count(asNumber(asRecord(m.result.stats?.samples).peakSamples))],
    ['Series', (m) => count(m.result.series.length), (all) => count(total(all, (m) => m.result.series.length))],
    ['Rows', (m) => count(valuesOf(m)), (all) => count(total(all, valuesOf))],
    ['Size of the answer', (m) => bytes(m.bytes), (all) => bytes(total(all, (m) => m.bytes))],
    ['Parsing', (m) => ms(m.parseMs), (all) => ms(total(all, (m) => m.parseMs))],
];

function total(all: readonly Measured[], of: (one: Measured) => number): number {
    return all.reduce((sum, one) => sum + of(one), 0);
}

export default function InspectStats({ data }: { data: PanelData }) {
    const answers = useQueries({
        queries: data.asked.map((one: Asked, i) => ({
            queryKey: ['measured', i, one.expr, one.start, one.end, one.stepMs],
            queryFn: ({ signal }: { signal: AbortSignal }) => measureQuery({ ...one, step: one.stepMs / 1000 }, signal),
            staleTime: Infinity, gcTime: 0, retry: false,
        })),
    });
    const failed = answers.find((a) => a.error !== null);
    const all = answers.flatMap((a) => a.data ?? []);
    if (data.asked.length === 0) {
        return <p className="muted">It has no query.</p>;
    }
    if (failed) {
        return <Fault error={failed.error} what="Query" retry={() => void failed.refetch()} />;
    }
    if (all.length < answers.length) {
        return <Loading what="Measuring" />;
    }
    return (
        <div className="stack">
            <div className="table-wrap" tabIndex={0} role="region" aria-label="Statistics">
                <table className="table">
                    <thead><tr><th aria-label="Figure" />{data.asked.map((one, i) => <th key={i} style={{ textAlign: 'right' }}>{one.refId}</th>)}{all.length > 1 && <th style={{ textAlign: 'right' }}>All {all.length} queries</th>}</tr></thead>
                    <tbody>
                        {ROWS.map(([label, of, sum]) => (
                            <tr key={label}>
                                <th scope="row">{label}</th>
                                {all.map((one, i) => <td key={i} className="num" style={{ textAlign: 'right' }}>{of(one)}</td>)}
                                {all.length > 1 && <td className="num" style={{ textAlign: 'right' }}>{sum?.(all) ?? ''}</td>}
                            </tr>
                        ))}
                        <tr><th scope="row">Data processing</th><td className="num" style={{ textAlign: 'right' }} colSpan={all.length > 1 ? all.length + 1 : 1}>{ms(data.processMs)}</td></tr>
                    </tbody>
                </table>
            </div>
            <p className="muted">The queries were asked once more for this, with the statistics of the server. Data processing is what transformations and field options took for what the panel shows.</p>
            <div className="row"><Button variant="default" onClick={() => answers.forEach((a) => void a.refetch())}>Measure again</Button></div>
        </div>
    );
}
