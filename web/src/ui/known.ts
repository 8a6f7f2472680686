/* known: what Alertmanager knows of the alerts of rules: it has their labels, and those that the configuration adds to what is sent. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type AmAlert, amAlerts } from '../api/alertmanager';
import { ApiError } from '../api/http';
import type { Labels } from '../api/types';
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

/*
 * joinKnown gives what Alertmanager says of alerts, by the fingerprints of their own labels. external_labels and alert_relabel_configs add labels on
 * the way, so what Alertmanager knows is also looked for by those names alone that alerts of its name have here. A label that is taken away or
 * changed on the way is not undone.
 */
export function joinKnown(alerts: readonly Labels[], known: readonly AmAlert[]): Map<string, AmAlert> {
    const found = new Map<string, AmAlert>();
    if (known.length === 0) {
        return found;
    }
    const ours = new Set(alerts.map(fingerprint));
    const shapes = shapesOf(alerts);
    const held = (labels: Labels) => shapes.get(labels.alertname)
        ?.filter((names) => names.every((name) => labels[name] !== undefined))
        .map((names) => fingerprint(Object.fromEntries(names.map((name) => [name, labels[name]!]))))
        .find((id) => ours.has(id));
    for (const one of known) {
        const id = ours.has(one.fingerprint) ? one.fingerprint : held(one.labels);
        /* Two that hold the same alert come from two places: somebody is told when one of them is told. */
        if (id !== undefined && found.get(id)?.status.state !== 'active') {
            found.set(id, one);
        }
    }
    return found;
}

/* useKnownAlerts asks Alertmanager, for all alerts or for those that are silenced, inhibited or muted alone; data is null where alerting has not started. */
export function useKnownAlerts(everyMs: number, which: 'all' | 'muted') {
    return useQuery({
        queryKey: ['am-alerts', which],
        queryFn: ({ signal }) => amAlerts(which === 'all' ? {} : { active: false }, signal).catch((error: unknown) => {
            if (error instanceof ApiError && (error.status === 404 || error.status === 503)) {
                return null;
            }
            throw error;
        }),
        refetchInterval: usePoll(everyMs),
    });
}

/* useMuted tells, by their fingerprints, which of some alerts are muted. While Alertmanager does not answer none is: better one alert too many than one too few. */
export function useMuted(alerts: readonly { labels: Labels }[] | undefined, everyMs: number): ReadonlySet<string> {
    const known = useKnownAlerts(everyMs, 'muted').data;
    return useMemo(() => new Set(joinKnown((alerts ?? []).map((alert) => alert.labels), known ?? []).keys()), [alerts, known]);
}
