/* alertmanager: typed clients of Alertmanager's API v2. */
import { ask, askJson } from './http';
import type { Labels } from './types';

export interface AmMatcher {
    name: string;
    value: string;
    isRegex: boolean;
    isEqual: boolean;
}

export interface AmAlert {
    labels: Labels;
    annotations: Labels;
    startsAt: string;
    endsAt: string;
    updatedAt: string;
    fingerprint: string;
    generatorURL: string;
    receivers: { name: string }[];
    status: { state: 'unprocessed' | 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
}

export interface AmGroup {
    labels: Labels;
    receiver: { name: string };
    alerts: AmAlert[];
}

export interface NewSilence {
    id?: string;
    matchers: AmMatcher[];
    startsAt: string;
    endsAt: string;
    createdBy: string;
    comment: string;
}

export interface AmSilence extends NewSilence {
    id: string;
    updatedAt: string;
    status: { state: 'active' | 'pending' | 'expired' };
}

export interface AmStatus {
    cluster: { status: string; name?: string };
    versionInfo: Record<string, string>;
    config: { original: string };
    uptime: string;
}

export const amAlerts = (filter: readonly string[] = [], signal?: AbortSignal) =>
    askJson<AmAlert[]>('api/v2/alerts', { params: { filter }, signal });

export const amGroups = (signal?: AbortSignal) => askJson<AmGroup[]>('api/v2/alerts/groups', { signal });

export const amSilences = (signal?: AbortSignal) => askJson<AmSilence[]>('api/v2/silences', { signal });

export const amSaveSilence = (silence: NewSilence) =>
    askJson<{ silenceID: string }>('api/v2/silences', { json: silence });

export const amExpireSilence = (id: string) =>
    ask(`api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' }).then(() => undefined);

export const amStatus = (signal?: AbortSignal) => askJson<AmStatus>('api/v2/status', { signal });

export const amReceivers = (signal?: AbortSignal) => askJson<{ name: string }[]>('api/v2/receivers', { signal });
