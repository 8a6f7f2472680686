/* live: what the server tells as it happens makes the queries concerned be asked again; while it tells nothing, pages poll. */
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { create } from 'zustand';
import { boardsOf, type ChangedBoard, type EventKind, listen, noticeOf, type ServerEvent } from '../api/events';
import { notify } from './Provider';

interface Live {
    /* Events come. */
    live: boolean;
    /* What changed last of each dashboard, by uid, since the page was loaded. */
    boards: Readonly<Record<string, ChangedBoard>>;
    /* Counts the times that everything had to be asked anew. */
    resyncs: number;
}

export const useLive = create<Live>()(() => ({ live: false, boards: {}, resyncs: 0 }));

/* What moves by itself (values of alerts, times of scrapes) is asked for now and then even when events come. */
const LIVE_POLL_MS = 30_000;

/* usePoll is a refetchInterval: `everyMs` while the server tells nothing. */
export function usePoll(everyMs: number): number {
    return useLive((s) => s.live) ? Math.max(everyMs, LIVE_POLL_MS) : everyMs;
}

/* The queries, by the beginning of their keys, that an event of a kind makes old. */
const CONCERNED: Record<Exclude<EventKind, 'hello' | 'notice'>, readonly string[]> = {
    alerts: ['alerts', 'rules', 'am-alerts', 'notifications', 'alert-spans'],
    targets: ['targets'],
    rules: ['rules'],
    silences: ['silences', 'am-alerts'],
    config: ['config', 'runtime', 'rules', 'targets', 'routing', 'silences'],
    dashboards: ['dashboards', 'palette-boards', 'folders'],
    resync: ['alerts', 'rules', 'am-alerts', 'notifications', 'targets', 'silences', 'config', 'runtime', 'routing', 'dashboards', 'palette-boards', 'folders'],
};

function take(event: ServerEvent, client: QueryClient): void {
    if (event.kind === 'hello') {
        return;
    }
    if (event.kind === 'notice') {
        const notice = noticeOf(event);
        if (notice) {
            notify(notice.text, notice.level);
        }
        return;
    }
    for (const key of CONCERNED[event.kind]) {
        void client.invalidateQueries({ queryKey: [key] });
    }
    if (event.kind === 'dashboards') {
        const changed = Object.fromEntries(boardsOf(event).map((one) => [one.uid, one]));
        useLive.setState(({ boards }) => ({ boards: { ...boards, ...changed } }));
    } else if (event.kind === 'resync') {
        useLive.setState(({ resyncs }) => ({ resyncs: resyncs + 1 }));
    }
}

/* useLiveEvents listens as long as the page is there; it is called once. */
export function useLiveEvents(): void {
    const client = useQueryClient();
    useEffect(() => listen({
        onEvent: (event) => take(event, client),
        onLive: (live) => useLive.setState({ live }),
    }), [client]);
}
