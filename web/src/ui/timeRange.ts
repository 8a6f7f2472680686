/* timeRange: the range of time and the refresh of a page, in the URL under Grafana's names, and the clock that they make. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Calendar } from '../grafana/datetime';
import { parseDuration, resolveRange, type TimeRange } from '../grafana/time';
import { useQueryParams } from './router';

export const REFRESH_CHOICES = ['', '5s', '10s', '30s', '1m', '5m', '15m', '1h'] as const;
const REFRESH_MS_MIN = 1000;
/* Timers of browsers may fire a little early. */
const TIMER_SLACK_MS = 100;

export interface Clock {
    range: TimeRange;
    refresh: string;
    /* Both ends in ms, as of the last refresh. */
    from: number;
    to: number;
    /* Counts refreshes. */
    tick: number;
    calendar: Calendar;
    setRange: (range: TimeRange) => void;
    setRefresh: (refresh: string) => void;
    refreshNow: () => void;
}

export interface ClockOptions extends Calendar {
    /* What counts until the URL has a range. */
    initial?: TimeRange | undefined;
    /* Likewise of the refresh: a dashboard's own. */
    refresh?: string;
}

const LAST_HOUR: TimeRange = { from: 'now-1h', to: 'now' };

/* useClock reads from, to and refresh of the URL, and moves on at every refresh; a hidden tab rests, and catches up when it is seen again. */
export function useClock({ initial = LAST_HOUR, refresh: own = '', zone, weekStart, fiscalStart = 0 }: ClockOptions = {}): Clock {
    const [params, change] = useQueryParams();
    const from = params.get('from') ?? initial.from;
    const to = params.get('to') ?? initial.to;
    const refresh = params.get('refresh') ?? own;
    const [beat, setBeat] = useState(() => ({ tick: 0, now: Date.now(), range: `${from} ${to}` }));
    const refreshNow = useCallback(() => setBeat((last) => ({ ...last, tick: last.tick + 1, now: Date.now() })), []);
    /* Another range, by the back button too, is resolved as of now. */
    if (beat.range !== `${from} ${to}`) {
        setBeat((last) => ({ ...last, now: Date.now(), range: `${from} ${to}` }));
    }

    useEffect(() => {
        const every = parseDuration(refresh);
        if (every === null || every < REFRESH_MS_MIN) {
            return;
        }
        let last = Date.now();
        const tick = (): void => {
            if (!document.hidden && Date.now() - last >= every - TIMER_SLACK_MS) {
                last = Date.now();
                refreshNow();
            }
        };
        const timer = setInterval(tick, every);
        document.addEventListener('visibilitychange', tick);
        return () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', tick);
        };
    }, [refresh, refreshNow]);

    return useMemo(() => {
        const calendar: Calendar = { ...(zone !== undefined ? { zone } : {}), ...(weekStart !== undefined ? { weekStart } : {}), fiscalStart };
        return {
            range: { from, to },
            refresh,
            ...resolveRange({ from, to }, beat.now, calendar),
            tick: beat.tick,
            calendar,
            setRange: (range) => {
                change({ from: range.from, to: range.to });
                refreshNow();
            },
            /* "Off" has to be said where the dashboard has a refresh of its own. */
            setRefresh: (next) => change({ refresh: next === own ? null : next }, { replace: true }),
            refreshNow,
        };
    }, [from, to, refresh, own, zone, weekStart, fiscalStart, beat, change, refreshNow]);
}
