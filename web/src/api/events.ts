/* events: what the server tells as it happens (api/v1/events), and what becomes of the connection. */
import { serverPath } from './http';

export type EventKind = 'alerts' | 'targets' | 'rules' | 'silences' | 'config' | 'dashboards' | 'notice' | 'hello' | 'resync';

export interface ChangedBoard {
    uid: string;
    title: string;
    version: string;
    state: string;
}

export interface ServerEvent {
    kind: EventKind;
    /* What was sent, or null when it was too long to be sent. */
    data: unknown;
}

const KINDS: readonly EventKind[] = ['alerts', 'targets', 'rules', 'silences', 'config', 'dashboards', 'notice', 'hello', 'resync'];

/* A server that refuses to be listened to is asked again after so long. */
const AGAIN_MS = 30_000;

/* boardsOf reads the data of a "dashboards" event; [] when it has none. */
export function boardsOf(event: ServerEvent): ChangedBoard[] {
    const changed = (event.data as { changed?: unknown } | null)?.changed;
    return Array.isArray(changed) ? (changed as ChangedBoard[]).filter((one) => typeof one.uid === 'string') : [];
}

/* noticeOf reads the data of a "notice" event. */
export function noticeOf(event: ServerEvent): { text: string; level: 'ok' | 'bad' | 'info' } | null {
    const data = event.data as { text?: unknown; level?: unknown } | null;
    return typeof data?.text === 'string' ? { text: data.text, level: data.level === 'ok' || data.level === 'bad' ? data.level : 'info' } : null;
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return null;
    }
}

interface Handlers {
    onEvent: (event: ServerEvent) => void;
    /* Whether events come: while they do not, pages ask by themselves. */
    onLive: (live: boolean) => void;
}

/*
 * listen connects, and again when the connection breaks; a hidden tab lets go of its connection (a browser has six for all tabs of a
 * server) and goes on from its last event when it is seen again. Returns what ends it.
 */
export function listen({ onEvent, onLive }: Handlers): () => void {
    let source: EventSource | null = null;
    let lastId = '';
    let again: ReturnType<typeof setTimeout> | undefined;

    function close(): void {
        clearTimeout(again);
        source?.close();
        source = null;
    }

    function open(): void {
        close();
        source = new EventSource(serverPath(`api/v1/events${lastId ? `?lastEventId=${encodeURIComponent(lastId)}` : ''}`));
        source.onopen = () => onLive(true);
        source.onerror = () => {
            onLive(false);
            /* Refused: the browser does not try again. */
            if (source?.readyState === EventSource.CLOSED) {
                close();
                again = setTimeout(open, AGAIN_MS);
            }
        };
        for (const kind of KINDS) {
            source.addEventListener(kind, (event) => {
                lastId = event.lastEventId;
                onEvent({ kind, data: parse(String(event.data)) });
            });
        }
    }

    function onVisibility(): void {
        if (document.hidden) {
            close();
        } else if (!source) {
            open();
        }
    }

    if (!document.hidden) {
        open();
    }
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
        document.removeEventListener('visibilitychange', onVisibility);
        close();
    };
}
