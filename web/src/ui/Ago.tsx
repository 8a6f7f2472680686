/* Ago: "3s ago", which moves on by itself: what stands around it is not drawn anew. The time itself is its title. */
import { useSyncExternalStore } from 'react';
import { formatTime, since } from '../grafana/time';

const TICK_MS = 1000;

const hearers = new Set<() => void>();
let now = Date.now();
let timer: number | undefined;

function tick(): void {
    if (!document.hidden) {
        now = Date.now();
        hearers.forEach((hear) => hear());
    }
}

function subscribe(hear: () => void): () => void {
    hearers.add(hear);
    timer ??= window.setInterval(tick, TICK_MS);
    return () => {
        hearers.delete(hear);
        if (hearers.size === 0) {
            clearInterval(timer);
            timer = undefined;
        }
    };
}

/* The clock of all; it stands still between two ticks, and while nobody hears it. */
function clock(): number {
    if (hearers.size === 0 && Date.now() - now > TICK_MS) {
        now = Date.now();
    }
    return now;
}

/* agoText is "3s ago" or "in 2h"; what has come since the last tick is no time to come. */
export function agoText(ms: number, at: number, never: string): string {
    return ms > 0 ? since(ms > at && ms - at < 2 * TICK_MS ? at : ms, at) : never;
}

export function Ago({ at, never = 'never' }: { at: string | number | undefined; never?: string }) {
    const ms = typeof at === 'number' ? at : Date.parse(at ?? '');
    const text = useSyncExternalStore(subscribe, () => agoText(ms, clock(), never));
    return ms > 0 ? <time dateTime={new Date(ms).toISOString()} title={formatTime(ms)}>{text}</time> : <>{text}</>;
}
