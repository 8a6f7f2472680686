/*
 * data: what a panel's queries give: expressions with their variables filled in, asked once for equal ones of a dashboard,
 * as frames after the panel's transformations and field config.
 */
import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { query, queryExemplars, queryRange } from '../api/prometheus';
import type { Exemplars } from '../api/types';
import { parseInterval, roundInterval } from '../grafana/datetime';
import { applyFieldConfig, panelDefaults } from '../grafana/fieldconfig';
import type { Frame } from '../grafana/frame';
import { interpolate, variableNames, type Scope } from '../grafana/interpolate';
import { isOwnSource, type PanelModel, type Target } from '../grafana/model';
import { heatmapFrame, nativeFrames, tableFrame, timeSeriesFrames, type SeriesLike } from '../grafana/prometheus';
import { useTransform } from './transforms';

/* Prometheus refuses more points a series. */
const POINTS_MAX = 11_000;

/* A query as it was asked: start and end in seconds; without steps at the end alone. */
export interface Asked {
    refId: string;
    expr: string;
    stepMs: number;
    start: number;
    end: number;
}

export interface PanelData {
    frames: Frame[];
    busy: boolean;
    /* First fault of a query, with the query that it was. */
    error?: { message: string; expr: string };
    warnings: string[];
    /* The expressions as they were asked, for inspection and Explore. */
    asked: Asked[];
    scope: Scope;
    exemplars: Exemplars[];
    /* Queries that are not for this server's metrics. */
    foreign: string[];
    /* What the transformations and the field config of these frames took. */
    processMs: number;
    /* Asks anew what failed. */
    retry: () => void;
}

interface Ask {
    target: Target;
    expr: string;
    instant: boolean;
    /* Seconds. */
    start: number;
    end: number;
    step: number;
}

/* stepOf is the panel's interval: the range over its points, at least what panel, target or server ask for. */
export function stepOf(panel: PanelModel, target: Target | undefined, rangeMs: number, points: number, scrapeMs: number, fill: (text: string) => string): number {
    const least = [target?.interval, panel.interval].map((t) => (t ? parseInterval(fill(t)) : NaN)).find((ms) => ms > 0) ?? scrapeMs;
    const rounded = roundInterval(rangeMs / Math.max(1, points));
    const step = Math.max(rounded, least) * (target?.intervalFactor ?? 1);
    return Math.max(step, Math.ceil(rangeMs / POINTS_MAX / 1000) * 1000);
}

function askOf(target: Target, panel: PanelModel, scope: Scope, extra: Scope['variables'], points: number): Ask {
    const stepMs = stepOf(panel, target, scope.to - scope.from, points, scope.scrapeIntervalMs, (t) => interpolate(t, scope, { extra }));
    const plain = interpolate(target.expr, { ...scope, intervalMs: stepMs }, { promql: true, extra });
    const expr = scope.rewrite ? scope.rewrite(plain) : plain;
    const step = stepMs / 1000;
    const instant = target.instant && !target.range;
    const end = scope.to / 1000;
    return instant
        ? { target, expr, instant, start: end, end, step: 0 }
        : { target, expr, instant, start: Math.floor(scope.from / 1000 / step) * step, end: Math.floor(end / step) * step, step };
}

function framesOf(asks: readonly Ask[], answers: readonly (SeriesLike[] | undefined)[]): Frame[] {
    return asks.flatMap((ask, i) => {
        const series = answers[i];
        const { target } = ask;
        const options = { refId: target.refId, expr: ask.expr, stepMs: ask.step * 1000, startMs: ask.start * 1000, endMs: ask.end * 1000, ...(target.legendFormat !== undefined ? { legendFormat: target.legendFormat } : {}) };
        if (!series || series.length === 0) {
            return [];
        }
        if (series.some((one) => one.histograms?.length)) {
            return nativeFrames(series, options);
        }
        if (target.format === 'table') {
            return [tableFrame(series, target.refId, asks.length)];
        }
        if (target.format === 'heatmap' && series.some((s) => s.labels.le !== undefined)) {
            const frame = heatmapFrame(series, options);
            return frame ? [frame] : [];
        }
        return timeSeriesFrames(series, options);
    });
}

export interface PanelDataOptions {
    panel: PanelModel;
    scope: Omit<Scope, 'intervalMs'>;
    /* Of a repeat. */
    extra?: Scope['variables'] | undefined;
    pending: ReadonlySet<string>;
    width: number;
    /* Out of sight: nothing is asked. */
    enabled: boolean;
    /* All exemplars or none, whatever the queries say. */
    exemplars?: boolean | undefined;
}

/* Exemplars are an extra: a fault leaves them out. */
function exemplarsOf(answers: readonly { data?: Exemplars[] | undefined }[]): Exemplars[] {
    return answers.flatMap((a) => a.data ?? []);
}

function isSameAsk(a: Ask, b: Ask): boolean {
    return a.expr === b.expr && a.instant === b.instant && a.start === b.start && a.end === b.end && a.step === b.step;
}

function distinct(asks: readonly Ask[]): Ask[] {
    return asks.filter((ask, i) => asks.findIndex((one) => isSameAsk(one, ask)) === i);
}

const NO_EXTRA: Scope['variables'] = new Map();

export function usePanelData({ panel, scope: outer, extra = NO_EXTRA, pending, width, enabled, exemplars: wantsExemplars }: PanelDataOptions): PanelData {
    const points = panel.maxDataPoints ?? Math.max(100, Math.round(width));
    const intervalMs = stepOf(panel, undefined, outer.to - outer.from, points, outer.scrapeIntervalMs, (t) => t);
    const scope: Scope = { ...outer, intervalMs };
    const own = panel.targets.filter((t) => !t.hide && t.expr.trim() !== '' && isOwnSource(t.source ?? panel.source));
    const waits = outer.waits === true || own.some((t) => variableNames(t.expr).some((name) => pending.has(name)));
    const asks = own.map((t) => askOf(t, panel, scope, extra, points));
    /* Equal queries of a panel, too, are one. */
    const different = distinct(asks);
    const given = useQueries({
        queries: different.map((ask) => ({
            queryKey: ['panel', ask.expr, ask.instant, ask.start, ask.end, ask.step],
            queryFn: ({ signal }: { signal: AbortSignal }) => (ask.instant ? query(ask.expr, ask.end, { signal }) : queryRange(ask.expr, ask.start, ask.end, ask.step, { signal })),
            enabled: enabled && !waits,
            placeholderData: keepPreviousData,
            staleTime: 60_000,
            retry: false,
        })),
    });
    const answers = asks.map((ask) => given[different.findIndex((one) => isSameAsk(one, ask))]!);
    const transform = useTransform(panel.transformations);
    const wanted = ['timeseries', 'heatmap'].includes(panel.type) ? distinct(asks.filter((a) => (wantsExemplars ?? a.target.exemplar) && !a.instant)) : [];
    const exemplars = useQueries({
        queries: wanted.map((ask) => ({
            queryKey: ['panel-exemplars', ask.expr, ask.start, ask.end],
            queryFn: ({ signal }: { signal: AbortSignal }) => queryExemplars(ask.expr, ask.start, ask.end, signal),
            enabled: enabled && !waits,
            placeholderData: keepPreviousData,
            staleTime: 60_000,
            retry: false,
        })),
        combine: exemplarsOf,
    });
    const key = answers.map((a, i) => `${asks[i]?.expr} ${asks[i]?.step} ${a.status} ${a.dataUpdatedAt}`).join();
    return useMemo(() => {
        const begun = performance.now();
        const raw = framesOf(asks, answers.map((a) => a.data?.data.series));
        const transformed = transform ? transform(raw, panel.transformations) : { frames: [], unknown: [], errors: [] };
        const frames = applyFieldConfig(transformed.frames, panelDefaults(panel.type, filled(panel.fieldConfig, scope, extra)));
        const processMs = performance.now() - begun;
        const failed = answers.findIndex((a) => a.error !== null);
        const error = failed < 0 ? undefined : answers[failed]!.error;
        return {
            frames,
            processMs,
            busy: waits || !transform || answers.some((a) => a.isFetching),
            ...(error ? { error: { message: error instanceof Error ? error.message : String(error), expr: asks[failed]!.expr } } : {}),
            warnings: [
                ...answers.flatMap((a) => [...(a.data?.warnings ?? []), ...(a.data?.infos ?? [])]),
                ...transformed.unknown.map((id) => `the transformation "${id}" is not known here: its data pass unchanged`),
                ...transformed.errors,
            ],
            asked: asks.map((a) => ({ refId: a.target.refId, expr: a.expr, stepMs: a.step * 1000, start: a.start, end: a.end })),
            retry: () => answers.forEach((a) => void (a.error && a.refetch())),
            scope,
            exemplars,
            foreign: panel.targets.filter((t) => !isOwnSource(t.source ?? panel.source)).map((t) => (t.source ?? panel.source)?.type ?? ''),
        };
        /* asks and answers are new at every render: the key says when they differ. */
        /* eslint-disable-next-line react-hooks/exhaustive-deps */
    }, [key, panel, waits, extra, transform, answers.some((a) => a.isFetching), exemplars, outer.from, outer.to, outer.variables, outer.zone]);
}

/* Names of a field config may hold variables. */
function filled(source: PanelModel['fieldConfig'], scope: Scope, extra: Scope['variables']): PanelModel['fieldConfig'] {
    const text = JSON.stringify(source);
    return text.includes('$') || text.includes('[[')
        ? (JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? interpolateConfig(value, scope, extra) : value)) as PanelModel['fieldConfig'])
        : source;
}

/* ${__field...}, ${__series...} and ${__value...} are filled in where a value is at hand. */
function interpolateConfig(text: string, scope: Scope, extra: Scope['variables']): string {
    return text.includes('__field') || text.includes('__series') || text.includes('__value') || text.includes('__data') ? text : interpolate(text, scope, { extra });
}

