/* alertmanager: typed clients of Alertmanager's API v2. */
import { ask, askJson } from './http';
import type { Labels } from './types';

export interface AmMatcher {
    name: string;
    value: string;
    isRegex: boolean;
    isEqual: boolean;
}

/* As in time_intervals of alertmanager.yml. */
export interface TimeInterval {
    weekdays?: string[];
    times?: { start_time: string; end_time: string }[];
    days_of_month?: string[];
    months?: string[];
    years?: string[];
    location?: string;
}

export interface SilenceWindow {
    startsAt: string;
    endsAt: string;
}

export interface Acknowledgement {
    createdBy: string;
    comment: string;
    createdAt: string;
    /* Absent: until the alert is resolved. */
    endsAt?: string;
}

export interface AmAlert {
    labels: Labels;
    annotations: Labels;
    startsAt: string;
    endsAt: string;
    updatedAt: string;
    fingerprint: string;
    generatorURL?: string;
    receivers: { name: string }[];
    status: { state: 'unprocessed' | 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
    acknowledgement?: Acknowledgement;
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
    annotations?: Labels;
    /* It silences only then; [] takes a schedule away. */
    timeIntervals?: TimeInterval[];
}

export interface AmSilence extends NewSilence {
    id: string;
    updatedAt: string;
    status: { state: 'active' | 'pending' | 'expired' };
    nextWindows?: SilenceWindow[];
}

export interface AmStatus {
    cluster: { status: string; name?: string };
    versionInfo: Record<string, string>;
    config: { original: string };
    uptime: string;
}

export const amAlerts = (params: { filter?: readonly string[]; active?: boolean } = {}, signal?: AbortSignal) =>
    askJson<AmAlert[]>('api/v2/alerts', { params, signal });

export const amGroups = (signal?: AbortSignal) => askJson<AmGroup[]>('api/v2/alerts/groups', { signal });

export const amSilences = (signal?: AbortSignal) => askJson<AmSilence[]>('api/v2/silences', { signal });

export const amSaveSilence = (silence: NewSilence) =>
    askJson<{ silenceID: string }>('api/v2/silences', { json: silence });

export const amExpireSilence = (id: string) =>
    ask(`api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' }).then(() => undefined);

export const amStatus = (signal?: AbortSignal) => askJson<AmStatus>('api/v2/status', { signal });

export const amReceivers = (signal?: AbortSignal) => askJson<{ name: string }[]>('api/v2/receivers', { signal });

export const amSilence = (id: string, signal?: AbortSignal) => askJson<AmSilence>(`api/v2/silence/${encodeURIComponent(id)}`, { signal });

/* ---- What is barograph's own ---- */

export const amPreviewSilence = (silence: Pick<NewSilence, 'startsAt' | 'endsAt' | 'timeIntervals'>, signal?: AbortSignal) =>
    askJson<{ nextWindows: SilenceWindow[] }>('api/v2/silences/preview', { json: silence, signal });

export interface NewAck {
    fingerprints: string[];
    createdBy: string;
    comment?: string;
    endsAt?: string;
}

export const amAcknowledge = (ack: NewAck) => askJson<{ acknowledged: string[]; unknown: string[] }>('api/v2/acks', { json: ack });

export const amTakeBack = (fingerprint: string, createdBy: string) =>
    ask(`api/v2/ack/${encodeURIComponent(fingerprint)}`, { method: 'DELETE', params: { createdBy } }).then(() => undefined);

export interface AmRoute {
    key: string;
    receiver: string;
    /* {a="b"}; "{}" takes everything. */
    matchers: string;
    continue: boolean;
    groupByAll: boolean;
    groupBy: string[];
    groupWait: string;
    groupInterval: string;
    repeatInterval: string;
    muteTimeIntervals: string[];
    activeTimeIntervals: string[];
    routes: AmRoute[];
}

export interface AmRouting {
    tree: AmRoute;
    /* Keys of the routes that the labels reach, in order. */
    reached: string[];
}

export const amRouting = (labels: Labels, signal?: AbortSignal) =>
    askJson<{ data: AmRouting }>('api/v1/alerting/routes', {
        params: { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) }, signal,
    }).then((answer) => answer.data);

export interface AmDelivery {
    time: string;
    receiver: string;
    integration: string;
    groupKey: string;
    status: string;
    outcome: string;
    error: string;
    alerts: number;
    attempts: number;
    httpStatus: number;
    durationMs: number;
    message: string;
}

export const amHistory = (params: { receiver?: string; limit?: number }, signal?: AbortSignal) =>
    askJson<{ data: AmDelivery[] }>('api/v1/notifications/history', { params, signal }).then((answer) => answer.data);
