/* annotations: the events of a dashboard: what its annotation queries found, and the alerts that fired, asked once for all panels. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { queryRange, rules } from '../api/prometheus';
import { ALERTS_EXPR, alertAnnotations, type Annotation, annotationsOf, annotationStep, isAbout } from '../grafana/annotations';
import { namedColor, type Look } from '../grafana/color';
import { interpolate, type Scope } from '../grafana/interpolate';
import { type AnnotationModel, type DashboardModel, isOwnSource } from '../grafana/model';

export interface PanelAnnotation extends Annotation {
    /* Whether it is about a panel with these expressions. */
    shows: (panel: number, exprs: readonly string[]) => boolean;
}

export interface AnnotationState {
    name: string;
    on: boolean;
    /* Whether the top bar has a switch for it. */
    shown: boolean;
    color: string;
    count: number;
    error: string;
}

export interface Annotations {
    states: AnnotationState[];
    list: PanelAnnotation[];
    toggle: (name: string) => void;
}

/* What every dashboard has in Grafana: the alerts. */
const BUILT_IN: AnnotationModel = {
    name: 'Annotations & Alerts', enable: true, hide: true, iconColor: 'rgba(0, 211, 255, 1)', builtIn: true, expr: '', step: '', titleFormat: '', textFormat: '', tagKeys: '',
    useValueForTime: false, panels: { ids: [], exclude: false },
};
const FIRING = '#e5484d';
const NONE: AnnotationModel[] = [];

/* The alerts' own name: here it is only them. */
const titleOf = (model: AnnotationModel): string => (model.builtIn ? 'Alerts' : model.name);

function isAsked(model: AnnotationModel): boolean {
    return model.builtIn || (model.expr.trim() !== '' && isOwnSource(model.source));
}

/* useAnnotations asks while `enabled`; `chosen` are switches that differ from what the dashboard says. */
export function useAnnotations(board: DashboardModel | undefined, scope: Scope, look: Look, enabled: boolean): Annotations {
    const [chosen, setChosen] = useState<Readonly<Record<string, boolean>>>({});
    const models = useMemo(() => (board ? (board.annotations.some((m) => m.builtIn) ? board.annotations : [BUILT_IN, ...board.annotations]).filter(isAsked) : NONE), [board]);
    const isOn = (model: AnnotationModel): boolean => chosen[titleOf(model)] ?? model.enable;
    const range = scope.to - scope.from;
    const asks = models.map((model) => {
        const stepMs = annotationStep(model.builtIn ? `${scope.scrapeIntervalMs}ms` : interpolate(model.step, scope), range);
        const plain = model.builtIn ? ALERTS_EXPR : interpolate(model.expr, { ...scope, intervalMs: stepMs }, { promql: true });
        const step = stepMs / 1000;
        return { model, stepMs, expr: scope.rewrite && !model.builtIn ? scope.rewrite(plain) : plain, start: Math.floor(scope.from / 1000 / step) * step, end: Math.floor(scope.to / 1000 / step) * step };
    });
    const answers = useQueries({
        queries: asks.map((ask) => ({
            queryKey: [ask.model.builtIn ? 'alert-spans' : 'annotations', ask.expr, ask.start, ask.end, ask.stepMs],
            queryFn: ({ signal }: { signal: AbortSignal }) => queryRange(ask.expr, ask.start, ask.end, ask.stepMs / 1000, { signal, limit: 500 }),
            enabled: enabled && isOn(ask.model) && scope.waits !== true,
            placeholderData: keepPreviousData,
            staleTime: 15_000,
            retry: false,
        })),
    });
    const hasAlerts = answers.some((a, i) => asks[i]!.model.builtIn && (a.data?.data.series.length ?? 0) > 0);
    const known = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), enabled: hasAlerts, staleTime: 60_000 });
    const key = answers.map((a, i) => `${asks[i]!.expr} ${asks[i]!.stepMs} ${a.status} ${a.dataUpdatedAt} ${isOn(asks[i]!.model)}`).join();
    return useMemo(() => {
        const alerting = (known.data?.groups ?? []).flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting');
        const made = asks.map((ask, i): PanelAnnotation[] => {
            const series = isOn(ask.model) ? answers[i]?.data?.data.series : undefined;
            const found = !series ? [] : ask.model.builtIn
                ? alertAnnotations(series, alerting, ask.stepMs, FIRING, titleOf(ask.model))
                : annotationsOf(ask.model, series, ask.stepMs, namedColor(ask.model.iconColor, look));
            const { ids, exclude } = ask.model.panels;
            return found.map((one) => ({ ...one, shows: (panel, exprs) => (ids.length === 0 || ids.includes(panel) !== exclude) && isAbout(one, exprs) }));
        });
        return {
            list: made.flat().sort((a, b) => a.from - b.from),
            states: asks.map(({ model }, i) => ({
                name: titleOf(model), on: isOn(model), shown: model.builtIn || !model.hide, color: model.builtIn ? FIRING : namedColor(model.iconColor, look), count: made[i]!.length,
                error: answers[i]?.error instanceof Error ? answers[i].error.message : '',
            })),
            toggle: (name: string) => setChosen((now) => {
                const model = models.find((m) => titleOf(m) === name);
                return model ? { ...now, [name]: !(now[name] ?? model.enable) } : now;
            }),
        };
        /* asks and answers are new at every render: the key says when they differ. */
        /* eslint-disable-next-line react-hooks/exhaustive-deps */
    }, [key, models, known.data, look, chosen]);
}
