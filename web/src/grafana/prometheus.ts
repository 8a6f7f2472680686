/*
 * From the server's answers to frames: a series becomes a frame with time and value; format "table" becomes one table
 * with a column a label; format "heatmap" becomes buckets. What Grafana's Prometheus data source does.
 */
import { makeField, makeFrame, type Frame } from './frame';
import { own } from './json';
import { legendName, seriesName, TIME_NAME, VALUE_NAME, type Labels } from './names';

/** A series as the API client has it: times in seconds. */
export interface SeriesLike {
    labels: Labels;
    times: Float64Array | readonly number[];
    values: Float64Array | readonly number[];
    /** Native histograms, if it has such: seconds, and buckets from the lowest to the highest. */
    histogramTimes?: readonly number[];
    histograms?: readonly { buckets: readonly { low: number; high: number; count: number }[] }[];
}

export interface AnswerOptions {
    refId: string;
    legendFormat?: string;
    /** Names a series that has no labels. */
    expr?: string;
    /** In ms; 0 for an instant query. */
    stepMs: number;
    startMs: number;
    endMs: number;
}

/* Undefined where the field's labels among those of all frames name it: an automatic legend. */
function nameOf(labels: Labels, { legendFormat: format, expr }: AnswerOptions): string | undefined {
    if (format === '__auto' && Object.keys(labels).length > 0) {
        return undefined;
    }
    const name = format === undefined || format === '' || format === '__auto' ? seriesName(labels) : legendName(format, labels);
    return name === '{}' && expr ? expr : name;
}

function nameConfig(labels: Labels, options: AnswerOptions): { displayNameFromDS?: string } {
    const name = nameOf(labels, options);
    return name === undefined ? {} : { displayNameFromDS: name };
}

/* Steps without a sample become gaps, so that lines break there. */
function onGrid(series: SeriesLike, options: AnswerOptions): { times: Float64Array; values: Float64Array } {
    const { stepMs, startMs, endMs } = options;
    const count = series.times.length;
    if (stepMs <= 0) {
        return { times: Float64Array.from(series.times, (t) => t * 1000), values: Float64Array.from(series.values) };
    }
    const first = count > 0 ? Math.round(series.times[0]! * 1000) : startMs;
    const lead = Math.max(0, Math.round((first - startMs) / stepMs));
    const start = first - lead * stepMs;
    const size = Math.min(Math.max(0, Math.floor((endMs - start) / stepMs + 1e-6) + 1), 100_000);
    const times = new Float64Array(size);
    const values = new Float64Array(size).fill(NaN);
    for (let i = 0; i < size; i++) {
        times[i] = start + i * stepMs;
    }
    for (let i = 0; i < count; i++) {
        const at = Math.round((series.times[i]! * 1000 - start) / stepMs);
        if (at >= 0 && at < size) {
            values[at] = series.values[i]!;
        }
    }
    return { times, values };
}

/** timeSeriesFrames gives a frame a series. */
export function timeSeriesFrames(series: readonly SeriesLike[], options: AnswerOptions): Frame[] {
    return series.map((s) => {
        const { times, values } = onGrid(s, options);
        return makeFrame(
            [makeField(TIME_NAME, 'time', times), makeField(VALUE_NAME, 'number', values, nameConfig(s.labels, options), s.labels)],
            { refId: options.refId, meta: { kind: 'timeseries', stepMs: options.stepMs } },
        );
    });
}

/** tableFrame gives one table: time, a column for each label that any series has, the value. */
export function tableFrame(series: readonly SeriesLike[], refId: string, queries = 1): Frame {
    const names = [...new Set(series.flatMap((s) => Object.keys(s.labels)))].sort();
    const rows = series.flatMap((s) => Array.from(s.times, (time, i) => ({ s, time: time * 1000, value: s.values[i]! })));
    return makeFrame(
        [
            makeField(TIME_NAME, 'time', Float64Array.from(rows, (r) => r.time)),
            ...names.map((n) => makeField(n, 'string', rows.map((r) => own(r.s.labels, n) ?? ''), { filterable: true })),
            makeField(queries > 1 ? `${VALUE_NAME} #${refId}` : VALUE_NAME, 'number', Float64Array.from(rows, (r) => r.value)),
        ],
        { refId, meta: { kind: 'table' } },
    );
}

function boundOf(labels: Labels): number {
    return Number((labels.le ?? '+Inf').replace('+Inf', 'Infinity'));
}

/* Cumulative counts become counts of each bucket; a count that falls (two scrapes seen at once) counts as nothing. */
function apart(upper: Float64Array, lower: Float64Array | undefined): Float64Array {
    return lower === undefined ? upper : upper.map((v, i) => Math.max(0, v - lower[i]!));
}

/** heatmapFrame gives one frame with a field a bucket, from the lowest to the highest, of series with the label le. */
export function heatmapFrame(series: readonly SeriesLike[], options: AnswerOptions): Frame | undefined {
    const sorted = [...series].sort((a, b) => boundOf(a.labels) - boundOf(b.labels));
    const grids = sorted.map((s) => onGrid(s, options));
    const times = grids[0]?.times;
    if (!times) {
        return undefined;
    }
    const columns = grids.map((g) => g.values);
    return makeFrame(
        [makeField(TIME_NAME, 'time', times), ...sorted.map((s, i) => makeField(s.labels.le ?? nameOf(s.labels, options) ?? seriesName(s.labels), 'number', apart(columns[i]!, columns[i - 1]), {}, s.labels))],
        { refId: options.refId, meta: { kind: 'heatmap-rows', stepMs: options.stepMs } },
    );
}

/* More rows cannot be told apart. */
const NATIVE_ROWS_MAX = 400;

/* The bounds of all buckets; where some lack between two, as many as their growth has there. */
function nativeRows(buckets: Iterable<{ low: number; high: number }>): { low: number; high: number }[] {
    const known = [...new Map([...buckets].map(({ low, high }) => [high, { low, high }])).values()].sort((a, b) => a.high - b.high);
    return known.flatMap((row, i) => {
        const missing: { low: number; high: number }[] = [];
        let at = known[i - 1]?.high ?? row.low;
        const growth = row.low > 0 ? row.high / row.low : NaN;
        while (at > 0 && growth > 1 && at * growth <= row.low * 1.0001 && missing.length < NATIVE_ROWS_MAX) {
            missing.push({ low: at, high: at * growth });
            at *= growth;
        }
        return [...missing, row];
    }).slice(-NATIVE_ROWS_MAX);
}

/** nativeFrames gives the buckets of native histograms, of all series together, as a heatmap has them; a gap where there was no sample. */
export function nativeFrames(series: readonly SeriesLike[], options: AnswerOptions): Frame[] {
    const all = series.flatMap((s) => s.histograms ?? []);
    const rows = nativeRows(all.flatMap((h) => [...h.buckets]));
    const at = new Map(rows.map((row, i) => [row.high, i]));
    const seconds = [...new Set(series.flatMap((s) => [...(s.histogramTimes ?? [])]))].sort((a, b) => a - b);
    const { times } = onGrid({ labels: {}, times: seconds, values: seconds }, options);
    const columns = rows.map(() => new Float64Array(times.length).fill(NaN));
    const first = times[0] ?? 0;
    for (const s of series) {
        s.histograms?.forEach((histogram, k) => {
            const ms = s.histogramTimes![k]! * 1000;
            const i = options.stepMs > 0 ? Math.round((ms - first) / options.stepMs) : times.indexOf(ms);
            for (const { high, count } of histogram.buckets) {
                const column = columns[at.get(high) ?? -1];
                if (column && i >= 0 && i < times.length) {
                    column[i] = (Number.isNaN(column[i]!) ? 0 : column[i]!) + count;
                }
            }
        });
    }
    const fields = rows.map(({ low, high }, i) => makeField(String(high), 'number', columns[i]!, {}, { le: String(high).replace('Infinity', '+Inf'), ge: String(low) }));
    return rows.length === 0 ? [] : [makeFrame([makeField(TIME_NAME, 'time', times), ...fields], { refId: options.refId, meta: { kind: 'heatmap-rows', stepMs: options.stepMs } })];
}
