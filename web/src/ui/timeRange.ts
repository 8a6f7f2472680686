/* timeRange: the range of time and the refresh of a page, in the URL under Grafana's names, and the clock that they make. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import { parseDuration, resolveRange, type TimeRange } from '../grafana/time';
import { useQueryParams } from './router';

export const REFRESH_CHOICES = ['', '5s', '10s', '30s', '1m', '5m', '15m', '1h'] as const;
const REFRESH_MS_MIN = 1000;

export interface Clock {
    range: TimeRange;
    refresh: string;
    /* Both ends in ms, as of the last refresh. */
    from: number;
    to: number;
    /* Counts refreshes. */
    tick: number;
    setRange: (range: TimeRange) => void;
    setRefresh: (refresh: string) => void;
    refreshNow: () => void;
}

/* useClock reads from, to and refresh of the URL, and moves on at every refresh; a hidden tab rests. */
export function useClock(initial: TimeRange = { from: 'now-1h', to: 'now' }): Clock {
    const [params, change] = useQueryParams();
    const from = params.get('from') ?? initial.from;
    const to = params.get('to') ?? initial.to;
    const refresh = params.get('refresh') ?? '';
    const [beat, setBeat] = useState(() => ({ tick: 0, now: Date.now() }));
    const refreshNow = useCallback(() => setBeat((last) => ({ tick: last.tick + 1, now: Date.now() })), []);

    useEffect(() => {
        const every = parseDuration(refresh);
        if (every === null || every < REFRESH_MS_MIN) {
            return;
        }
        const timer = setInterval(() => {
            if (!document.hidden) {
                refreshNow();
            }
        }, every);
        return () => clearInterval(timer);
    }, [refresh, refreshNow]);

    return useMemo(
        () => ({
            range: { from, to },
            refresh,
            ...resolveRange({ from, to }, beat.now),
            tick: beat.tick,
            setRange: (range) => {
                change({ from: range.from, to: range.to });
                refreshNow();
            },
            setRefresh: (next) => change({ refresh: next || null }, { replace: true }),
            refreshNow,
        }),
        [from, to, refresh, beat, change, refreshNow],
    );
}
