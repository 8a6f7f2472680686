/* known: what Alertmanager knows: alerts of the rules here, with the labels that the configuration adds to what is sent, and alerts that others post to it. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type AmAlert, amAlerts } from '../api/alertmanager';
import { ApiError } from '../api/http';
import { runtimeInfo } from '../api/prometheus';
import type { Labels, RuleAlert } from '../api/types';
import { fingerprint } from './links';
import { usePoll } from './live';

/* Alerts of one rule have the same names of labels, or a few sets of them. */
const SHAPES_MAX = 20;

/* The sets of names that the alerts of each name have, the largest first. */
function shapesOf(alerts: readonly Labels[]): Map<string | undefined, string[][]> {
    const sets = new Map<string | undefined, Map<string, string[]>>();
    for (const labels of alerts) {
        const names = Object.keys(labels).sort();
        const shapes = sets.get(labels.alertname) ?? new Map<string, string[]>();
        sets.set(labels.alertname, shapes.size < SHAPES_MAX ? shapes.set(JSON.stringify(names), names) : shapes);
    }
    return new Map([...sets].map(([alertname, shapes]) => [alertname, [...shapes.values()].sort((a, b) => b.length - a.length)]));
}

export interface Joined {
    /* What Alertmanager says of an alert, by its own labels. */
    amOf: (labels: Labels) => AmAlert | undefined;
    /* What it knows besides, and no rule here has made. */
    others: readonly AmAlert[];
}

/* Fingerprints of thousands take their time: where nothing is known none is made. */
const NOTHING: Joined = { amOf: () => undefined, others: [] };

/* A rule's link to its expression. What this server has sent and has no alert of any more has just ended, or its labels were changed on the way. */
const isOwn = (one: AmAlert, ownUrl: string) => one.generatorURL?.startsWith(`${ownUrl}/graph?`) === true;

/*
 * joinKnown says of which alerts Alertmanager knows what. external_labels and alert_relabel_configs add labels on the way, so what it knows is also
 * looked for by those names alone that alerts of its name have here. A label that is taken away or changed on the way is not undone. The links of
 * alerts that this server sends begin with `ownUrl`; while that is not known, nothing is taken for somebody else's.
 */
export function joinKnown(alerts: readonly Labels[], known: readonly AmAlert[], ownUrl?: string): Joined {
    if (known.length === 0) {
        return NOTHING;
    }
    const byId = new Map<string, AmAlert>();
    const others: AmAlert[] = [];
    const ours = new Set(alerts.map(fingerprint));
    const shapes = shapesOf(alerts);
    const held = (labels: Labels) => shapes.get(labels.alertname)
        ?.filter((names) => names.every((name) => labels[name] !== undefined))
        .map((names) => fingerprint(Object.fromEntries(names.map((name) => [name, labels[name]!]))))
        .find((id) => ours.has(id));
    for (const one of known) {
        const id = ours.has(one.fingerprint) ? one.fingerprint : held(one.labels);
        if (id === undefined) {
            if (ownUrl !== undefined && !isOwn(one, ownUrl)) {
                others.push(one);
            }
        } else if (byId.get(id)?.status.state !== 'active') {
            /* Two that hold the same alert come from two places: somebody is told when one of them is told. */
            byId.set(id, one);
        }
    }
    return { amOf: (labels) => byId.get(fingerprint(labels)), others };
}

/* An alert of a list, whoever made it. */
export interface ListedAlert {
    alert: RuleAlert;
    /* What Alertmanager says of it; undefined when it does not know it. */
    am?: AmAlert;
}

/* By what Alertmanager says: a list that is made anew has the same alerts in it, so that their rows need not be drawn anew. */
const posted = new WeakMap<AmAlert, RuleAlert>();

/** listOther is an alert that others posted, as those of rules are listed. */
export function listOther(am: AmAlert): ListedAlert {
    const alert = posted.get(am) ?? { labels: am.labels, annotations: am.annotations, state: 'firing', activeAt: am.startsAt, value: '' };
    posted.set(am, alert);
    return { alert, am };
}

/** nameOf is what a list calls an alert: those that others post need no name. */
export const nameOf = (alert: { labels: Labels }): string => alert.labels.alertname ?? 'unnamed';

export const isMuted = (one: { am?: AmAlert }): boolean => one.am?.status.state === 'suppressed';

/** rankOf orders lists: what fires, what waits, what is muted. */
export const rankOf = (one: ListedAlert): number => (isMuted(one) ? 2 : one.alert.state === 'firing' ? 0 : 1);

/** mutedHow is the word for why nobody is told; null: somebody is. */
export function mutedHow(am: AmAlert | undefined): string | null {
    if (am?.status.state !== 'suppressed') {
        return null;
    }
    return am.status.silencedBy.length > 0 ? 'silenced' : am.status.inhibitedBy.length > 0 ? 'inhibited' : 'muted';
}

/*
 * useKnownAlerts asks Alertmanager; data is null where alerting has not started. While it does not answer no alert is muted: better one alert too
 * many than one too few.
 */
export function useKnownAlerts(everyMs: number) {
    const known = useQuery({
        queryKey: ['am-alerts'],
        queryFn: ({ signal }) => amAlerts({}, signal).catch((error: unknown) => {
            if (error instanceof ApiError && (error.status === 404 || error.status === 503)) {
                return null;
            }
            throw error;
        }),
        refetchInterval: usePoll(everyMs),
    });
    const ownUrl = useQuery({ queryKey: ['runtime'], queryFn: ({ signal }) => runtimeInfo(signal), staleTime: Infinity }).data?.externalURL;
    return { known, ownUrl: typeof ownUrl === 'string' ? ownUrl : undefined };
}

/** useListedAlerts adds to alerts of rules what Alertmanager says of them, and the alerts of others; it is empty until those of rules are there. */
export function useListedAlerts(alerts: readonly RuleAlert[] | undefined, everyMs: number): readonly ListedAlert[] {
    const { known, ownUrl } = useKnownAlerts(everyMs);
    const answer = known.data;
    return useMemo(() => {
        if (!alerts) {
            return [];
        }
        const { amOf, others } = joinKnown(alerts.map((alert) => alert.labels), answer ?? [], ownUrl);
        return [
            ...alerts.map((alert) => ({ alert, am: amOf(alert.labels) })),
            ...others.map(listOther),
        ];
    }, [alerts, answer, ownUrl]);
}
