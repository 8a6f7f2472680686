/* types: what the server's answers hold. Times are seconds since 1970 unless a name says otherwise. */

export type Labels = Record<string, string>;

export interface HistogramBucket {
    /* 0: open left, 1: open right, 2: open both, 3: closed both; as Prometheus numbers them. */
    bounds: number;
    low: number;
    high: number;
    count: number;
}

export interface HistogramValue {
    count: number;
    sum: number;
    buckets: HistogramBucket[];
}

/* A series's samples as columns: floats, and beside them native histograms where there are any. */
export interface Series {
    labels: Labels;
    times: Float64Array;
    values: Float64Array;
    histogramTimes: number[];
    histograms: HistogramValue[];
}

export interface QueryResult {
    type: 'vector' | 'matrix' | 'scalar' | 'string';
    series: Series[];
    /* Of a string. */
    text?: string;
    stats?: { timings?: Record<string, number>; samples?: Record<string, unknown> };
    explain?: ExplainNode;
}

/* A node of the evaluated query: docs/howto/queries.md. */
export interface ExplainNode {
    expr: string;
    [figure: string]: unknown;
    children?: ExplainNode[];
}

/* A node of the parsed query, as /api/v1/parse_query has it. */
export interface ParsedNode {
    type: string;
    [field: string]: unknown;
}

export interface Exemplars {
    seriesLabels: Labels;
    exemplars: { labels: Labels; value: string; timestamp: number }[];
}

export interface MetricMetadata {
    type: string;
    help: string;
    unit: string;
}

export interface ActiveTarget {
    discoveredLabels: Labels;
    labels: Labels;
    scrapePool: string;
    scrapeUrl: string;
    globalUrl: string;
    lastError: string;
    lastScrape: string;
    lastScrapeDuration: number;
    health: 'up' | 'down' | 'unknown';
    scrapeInterval: string;
    scrapeTimeout: string;
}

export interface DroppedTarget {
    discoveredLabels: Labels;
    scrapePool?: string;
}

export interface TargetList {
    activeTargets: ActiveTarget[];
    droppedTargets: DroppedTarget[];
    droppedTargetCounts: Record<string, number> | null;
}

export interface RuleAlert {
    labels: Labels;
    annotations: Labels;
    state: 'firing' | 'pending' | 'inactive';
    activeAt: string;
    keepFiringSince?: string;
    /* Its series are gone since then: nobody knows whether its condition holds. */
    noDataSince?: string;
    value: string;
}

export interface Rule {
    type: 'alerting' | 'recording';
    name: string;
    query: string;
    health: 'ok' | 'err' | 'unknown';
    lastError?: string;
    evaluationTime: number;
    lastEvaluation: string;
    labels?: Labels;
    /* Of alerting rules; durations in seconds. */
    state?: 'firing' | 'pending' | 'inactive' | 'unknown';
    duration?: number;
    keepFiringFor?: number;
    annotations?: Labels;
    alerts?: RuleAlert[];
    noData?: NoData;
}

/* What of a rule has no data: all that it reads, or what some of its alerts were computed from. */
export interface NoData {
    rule: boolean;
    since?: string;
    count: number;
    /* Alerts that have ended because their series are gone. */
    alerts: RuleAlert[];
}

export interface HeartbeatSent {
    name: string;
    intervalSeconds: number;
    state: 'new' | 'ok' | 'failed' | 'withheld';
    sentAt?: string;
    why?: string;
}

export interface HeartbeatExpected {
    name: string;
    periodSeconds: number;
    graceSeconds: number;
    state: 'new' | 'ok' | 'missing';
    heardAt?: string;
    dueAt?: string;
}

export interface Heartbeats {
    send?: HeartbeatSent[];
    expect?: HeartbeatExpected[];
}

export interface RuleGroup {
    name: string;
    file: string;
    rules: Rule[];
    interval: number;
    limit: number;
    evaluationTime: number;
    lastEvaluation: string;
}

export interface RuleGroups {
    groups: RuleGroup[];
}

export interface AlertList {
    alerts: RuleAlert[];
}

export interface BuildInfo {
    version: string;
    revision: string;
    branch: string;
    buildUser: string;
    buildDate: string;
    goVersion: string;
    [more: string]: string;
}

export type RuntimeInfo = Record<string, string | number | boolean>;

export interface TsdbCount {
    name: string;
    value: number;
}

export interface TsdbStatus {
    headStats: { numSeries: number; numLabelPairs: number; chunkCount: number; minTime: number; maxTime: number };
    seriesCountByMetricName: TsdbCount[];
    labelValueCountByLabelName: TsdbCount[];
    memoryInBytesByLabelName: TsdbCount[];
    seriesCountByLabelValuePair: TsdbCount[];
}

/* meta.json of a block; times in ms. */
export interface BlockMeta {
    ulid: string;
    minTime: number;
    maxTime: number;
    stats?: { numSamples?: number; numSeries?: number; numChunks?: number };
    compaction?: { level: number };
}
