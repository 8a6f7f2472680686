/* prometheus: typed clients of Prometheus's HTTP API v1, as barograph serves it. */
import { type Ask, askJson } from './http';
import type {
    AlertList, BlockMeta, BuildInfo, Exemplars, ExplainNode, Heartbeats, Labels, MetricMetadata, ParsedNode, QueryResult, RuleGroups, RuntimeInfo, Series, TargetList, TsdbStatus,
} from './types';

interface Envelope<T> {
    status: 'success' | 'error';
    data: T;
    warnings?: string[];
    infos?: string[];
}

export interface Answer<T> {
    data: T;
    warnings: string[];
    infos: string[];
}

async function v1<T>(path: string, options: Ask = {}): Promise<Answer<T>> {
    const answer = await askJson<Envelope<T>>(`api/v1/${path}`, options);
    return { data: answer.data, warnings: answer.warnings ?? [], infos: answer.infos ?? [] };
}

async function data<T>(path: string, options: Ask = {}): Promise<T> {
    return (await v1<T>(path, options)).data;
}

/* ---- values ---- */

type Point = [number, string];
type HistogramPoint = [number, { count: string; sum: string; buckets?: [number, string, string, string][] }];

interface RawSeries {
    metric: Labels;
    value?: Point;
    values?: Point[];
    histogram?: HistogramPoint;
    histograms?: HistogramPoint[];
}

interface RawResult {
    resultType: 'vector' | 'matrix' | 'scalar' | 'string';
    result: RawSeries[] | Point;
    stats?: { timings?: Record<string, number>; samples?: Record<string, unknown> };
    explain?: ExplainNode;
}

/* parseNumber reads a sample value: Number() knows neither "+Inf" nor "NaN" in all spellings. */
export function parseNumber(text: string): number {
    switch (text) {
        case '+Inf':
        case 'Inf':
            return Infinity;
        case '-Inf':
            return -Infinity;
        default:
            return Number(text);
    }
}

function histogramOf(raw: HistogramPoint) {
    return {
        count: parseNumber(raw[1].count),
        sum: parseNumber(raw[1].sum),
        buckets: (raw[1].buckets ?? []).map(([bounds, low, high, count]) => ({
            bounds, low: parseNumber(low), high: parseNumber(high), count: parseNumber(count),
        })),
    };
}

function seriesOf(raw: RawSeries): Series {
    const points = raw.values ?? (raw.value ? [raw.value] : []);
    const histograms = raw.histograms ?? (raw.histogram ? [raw.histogram] : []);
    const times = new Float64Array(points.length);
    const values = new Float64Array(points.length);
    points.forEach((point, i) => {
        times[i] = point[0];
        values[i] = parseNumber(point[1]);
    });
    return {
        labels: raw.metric,
        times,
        values,
        histogramTimes: histograms.map((h) => h[0]),
        histograms: histograms.map(histogramOf),
    };
}

/* resultOf turns an answer into columns of numbers: seconds since 1970, and values. */
export function resultOf(raw: RawResult): QueryResult {
    const base = { stats: raw.stats, explain: raw.explain };
    if (raw.resultType === 'scalar' || raw.resultType === 'string') {
        const [t, text] = raw.result as Point;
        const value = raw.resultType === 'scalar' ? parseNumber(text) : NaN;
        const series = [{ labels: {}, times: Float64Array.of(t), values: Float64Array.of(value), histogramTimes: [], histograms: [] }];
        return { ...base, type: raw.resultType, series, text: raw.resultType === 'string' ? text : undefined };
    }
    return { ...base, type: raw.resultType, series: (raw.result as RawSeries[]).map(seriesOf) };
}

async function evaluate(path: string, form: Ask['form'], signal?: AbortSignal): Promise<Answer<QueryResult>> {
    const answer = await v1<RawResult>(path, { form, signal });
    return { ...answer, data: resultOf(answer.data) };
}

export interface EvaluateOptions {
    signal?: AbortSignal;
    limit?: number;
    explain?: boolean;
    stats?: boolean;
}

function extra(options: EvaluateOptions) {
    return { limit: options.limit, explain: options.explain ? 'true' : undefined, stats: options.stats ? 'all' : undefined };
}

/* query evaluates at one time, in seconds. */
export function query(expr: string, time: number, options: EvaluateOptions = {}): Promise<Answer<QueryResult>> {
    return evaluate('query', { query: expr, time, ...extra(options) }, options.signal);
}

/* queryRange evaluates every `step` seconds from start to end. */
export function queryRange(
    expr: string, start: number, end: number, step: number, options: EvaluateOptions = {},
): Promise<Answer<QueryResult>> {
    return evaluate('query_range', { query: expr, start, end, step, ...extra(options) }, options.signal);
}

export const queryExemplars = (expr: string, start: number, end: number, signal?: AbortSignal) =>
    data<Exemplars[]>('query_exemplars', { form: { query: expr, start, end }, signal });

export const parseQuery = (expr: string, signal?: AbortSignal) =>
    data<ParsedNode>('parse_query', { form: { query: expr }, signal });

export const formatQuery = (expr: string, signal?: AbortSignal) =>
    data<string>('format_query', { form: { query: expr }, signal });

/* ---- metadata ---- */

export interface MetaOptions {
    match?: readonly string[];
    start?: number;
    end?: number;
    limit?: number;
    signal?: AbortSignal;
}

const meta = (o: MetaOptions) => ({ form: { 'match[]': o.match, start: o.start, end: o.end, limit: o.limit }, signal: o.signal });

export const labelNames = (o: MetaOptions = {}) => data<string[]>('labels', meta(o));

export const labelValues = (name: string, o: MetaOptions = {}) =>
    data<string[]>(`label/${encodeURIComponent(name)}/values`, {
        params: { 'match[]': o.match, start: o.start, end: o.end, limit: o.limit }, signal: o.signal,
    });

export const series = (o: MetaOptions) => data<Labels[]>('series', meta(o));

export const metadata = (signal?: AbortSignal) => data<Record<string, MetricMetadata[]>>('metadata', { signal });

/* ---- state ---- */

export const targets = (signal?: AbortSignal) => data<TargetList>('targets', { signal });
export const rules = (signal?: AbortSignal) => data<RuleGroups>('rules', { signal });
export const alerts = (signal?: AbortSignal) => data<AlertList>('alerts', { signal });
export const buildInfo = (signal?: AbortSignal) => data<BuildInfo>('status/buildinfo', { signal });
export const runtimeInfo = (signal?: AbortSignal) => data<RuntimeInfo>('status/runtimeinfo', { signal });
export const flags = (signal?: AbortSignal) => data<Record<string, string>>('status/flags', { signal });
export const config = (signal?: AbortSignal) => data<{ yaml: string }>('status/config', { signal });
export const heartbeats = (signal?: AbortSignal) => data<Heartbeats | null>('heartbeats', { signal });
export const features = (signal?: AbortSignal) => data<Record<string, Record<string, boolean>>>('features', { signal });
export const tsdbStatus = (limit: number, signal?: AbortSignal) => data<TsdbStatus>('status/tsdb', { params: { limit }, signal });
export const alertmanagers = (signal?: AbortSignal) =>
    data<{ activeAlertmanagers: { url: string }[]; droppedAlertmanagers: { url: string }[] }>('alertmanagers', { signal });
export const walReplay = (signal?: AbortSignal) => data<{ min: number; max: number; current: number }>('status/walreplay', { signal });
export const tsdbBlocks = (signal?: AbortSignal) => data<{ blocks: BlockMeta[] }>('status/tsdb/blocks', { signal });
