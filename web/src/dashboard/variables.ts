/*
 * variables: the variables of a dashboard, looked up and chosen. The choice is in the URL (var-x); options come from the
 * server in order of use: one that is used by another's query is asked first.
 */
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { config, labelNames, labelValues, query, series } from '../api/prometheus';
import { parseInterval } from '../grafana/datetime';
import { interpolate, type Scope, type VariableValue } from '../grafana/interpolate';
import type { DashboardModel, VariableModel, VariableOption } from '../grafana/model';
import { formatLabels } from '../grafana/names';
import { initialChoice, lookupOrder, optionsFrom, optionsOf, parseVariableQuery, variableValue, type Choice } from '../grafana/variables';
import { variableNames } from '../grafana/interpolate';

const SCRAPE_INTERVAL_MS = 15_000;

/* useScrapeInterval is the server's own: the least sensible step. */
export function useScrapeInterval(): number {
    const answer = useQuery({ queryKey: ['config'], queryFn: ({ signal }) => config(signal), staleTime: 60_000 });
    return useMemo(() => {
        const found = /^global:\n(?:\s+.*\n)*?\s+scrape_interval:\s*(\S+)/m.exec(answer.data?.yaml ?? '');
        return (found && parseInterval(found[1]!)) || SCRAPE_INTERVAL_MS;
    }, [answer.data]);
}

export interface VariableState {
    model: VariableModel;
    options: VariableOption[];
    choice: Choice;
    busy: boolean;
    error: unknown;
}

export interface Variables {
    list: VariableState[];
    values: ReadonlyMap<string, VariableValue>;
    /* Some are still being looked up: panels that use them wait. */
    pending: ReadonlySet<string>;
}

interface Range {
    from: number;
    to: number;
}

async function lookUp(text: string, range: Range, signal: AbortSignal): Promise<string[]> {
    const parsed = parseVariableQuery(text);
    const span = { start: range.from / 1000, end: range.to / 1000, signal };
    switch (parsed.kind) {
        case 'labelNames':
            return labelNames({ ...span, ...(parsed.matcher ? { match: [parsed.matcher] } : {}) });
        case 'labelValues':
            return labelValues(parsed.label, { ...span, ...(parsed.matcher ? { match: [parsed.matcher] } : {}) });
        case 'metrics': {
            const pattern = new RegExp(parsed.pattern);
            return (await labelValues('__name__', span)).filter((name) => pattern.test(name));
        }
        case 'queryResult': {
            const answer = await query(parsed.expr, range.to / 1000, { signal });
            return answer.data.series.map((s) => {
                const { __name__: name = '', ...labels } = s.labels;
                return `${name}${formatLabels(labels).replaceAll(', ', ',')} ${s.values[s.values.length - 1]} ${(s.times[s.times.length - 1] ?? 0) * 1000}`;
            });
        }
        case 'series':
            return (await series({ ...span, match: [parsed.matcher] })).map((labels) => {
                const { __name__: name = '', ...rest } = labels;
                return `${name}${formatLabels(rest).replaceAll(', ', ',')}`;
            });
        case 'none':
            return [];
    }
}

function uses(model: VariableModel): string[] {
    return variableNames(`${model.query} ${model.regex}`);
}

/*
 * useVariables resolves what it can with what is known; an answer makes the next render resolve more. The loop ends
 * because a query's key is its text after replacement: the same text is asked once.
 */
export function useVariables(board: DashboardModel | undefined, params: URLSearchParams, scope: Omit<Scope, 'variables'>): Variables {
    const models = useMemo(() => {
        const order = lookupOrder(board?.variables ?? []);
        return order.map((name) => board!.variables.find((v) => v.name === name)!);
    }, [board]);
    const asked = models.filter((m) => m.type === 'query');
    const client = useQueryClient();
    const keyOf = (model: VariableModel, text: string | undefined): readonly unknown[] => {
        const { from, to } = model.refresh === 'range' || !board ? scope : rangeOnLoad(board, scope);
        return ['variable', model.name, text, from, to];
    };
    const ask: Asker = (model, text) => client.getQueryData<string[]>(keyOf(model, text));
    const answers = useQueries({
        queries: asked.map((model) => {
            const text = resolved(model, models, params, scope, ask);
            const queryKey = keyOf(model, text);
            return {
                queryKey,
                queryFn: ({ signal }: { signal: AbortSignal }) => lookUp(text!, { from: queryKey[3] as number, to: queryKey[4] as number }, signal),
                enabled: text !== undefined,
                staleTime: Infinity,
                retry: false,
            };
        }),
    });
    const key = `${params.toString()} ${scope.from} ${scope.to} ${answers.map((a) => `${a.status}${a.dataUpdatedAt}`).join()}`;
    return useMemo(() => {
        const list: VariableState[] = [];
        const values = new Map<string, VariableValue>();
        const pending = new Set<string>();
        for (const model of models) {
            const answer = answers[asked.indexOf(model)];
            const full: Scope = { ...scope, variables: values };
            const own = optionsOf(model, scope.to - scope.from);
            const options = own ?? optionsFrom(answer?.data ?? [], interpolate(model.regex, full), model.sort);
            const fromUrl = params.getAll(`var-${model.name}`);
            const choice = initialChoice(model, options, fromUrl.length > 0 ? fromUrl : undefined);
            const busy = own === undefined && answer?.data === undefined && answer?.error === null;
            if (busy) {
                pending.add(model.name);
            }
            values.set(model.name, variableValue(model, options, choice));
            list.push({ model, options, choice, busy, error: answer?.error ?? null });
        }
        const place = new Map((board?.variables ?? []).map((v, i) => [v.name, i]));
        list.sort((a, b) => place.get(a.model.name)! - place.get(b.model.name)!);
        return { list, values, pending };
        /* answers, models and scope are new objects at every render: the key says when they differ. */
        /* eslint-disable-next-line react-hooks/exhaustive-deps */
    }, [key, board]);
}

/* ---- the values that are known when a query's text is made ---- */

/* What the server has answered to a variable's query, if it has. */
type Asker = (model: VariableModel, text: string) => string[] | undefined;

/* On load the range of the first look counts: later refreshes of the page do not ask again. */
const loads = new WeakMap<DashboardModel, Range>();

function rangeOnLoad(board: DashboardModel, scope: Range): Range {
    const found = loads.get(board) ?? { from: scope.from, to: scope.to };
    loads.set(board, found);
    return found;
}

/* The query with the values of those that it uses; undefined while one of them is not known, or where they use each other in a circle. */
function resolved(
    model: VariableModel, models: readonly VariableModel[], params: URLSearchParams, scope: Omit<Scope, 'variables'>, ask: Asker, below: readonly string[] = [],
): string | undefined {
    const values = new Map<string, VariableValue>();
    for (const name of uses(model)) {
        const other = models.find((m) => m.name === name);
        if (!other || other === model || below.includes(name)) {
            continue;
        }
        const text = other.type === 'query' ? resolved(other, models, params, scope, ask, [...below, model.name]) : undefined;
        const answer = text === undefined ? undefined : ask(other, text);
        if (other.type === 'query' && answer === undefined) {
            return undefined;
        }
        const options = optionsOf(other, scope.to - scope.from) ?? optionsFrom(answer ?? [], other.regex, other.sort);
        const fromUrl = params.getAll(`var-${name}`);
        values.set(name, variableValue(other, options, initialChoice(other, options, fromUrl.length > 0 ? fromUrl : undefined)));
    }
    return interpolate(model.query, { ...scope, variables: values }, { promql: true });
}
