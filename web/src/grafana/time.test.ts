import { describe, expect, it } from 'vitest';
import { preferUtc } from './datetime';
import {
    describeRange, formatDuration, formatTime, isRelative, parseDuration, parseTime, QUICK_RANGES, quickRanges, resolveRange, shiftRange, since, stepFor, zoomOut,
} from './time';

const now = Date.UTC(2026, 10, 29, 14, 5, 9, 123);

describe('durations', () => {
    it.each([
        ['15s', 15_000], ['1h30m', 5_400_000], ['250ms', 250], ['2d', 172_800_000], ['1w', 604_800_000], ['1y', 31_536_000_000], ['1.5h', 5_400_000],
        ['', null], ['5', null], ['h', null], ['1h 3', null], ['-5m', null],
    ])('%s', (text, want) => expect(parseDuration(text)).toBe(want));

    it.each([[0, '0s'], [15_000, '15s'], [5_400_000, '1h30m'], [250, '250ms'], [90_061_000, '1d1h1m1s']])('%d', (ms, want) =>
        expect(formatDuration(ms)).toBe(want));
});

describe('parseTime', () => {
    it.each([
        ['now', now], ['now-1h', now - 36e5], ['now-5m', now - 3e5], [' now-1h ', now - 36e5], ['now+1s', now + 1000], ['now-1d+2h', now - 864e5 + 72e5],
        ['1795961109123', 1795961109123], ['1795961109', 1795961109000], ['2026-11-29T14:05:09Z', Date.UTC(2026, 10, 29, 14, 5, 9)],
        ['nowhere', null], ['now-', null], ['now-1x', null], ['yesterday', null], ['', null],
    ])('%s', (text, want) => expect(parseTime(text, now)).toBe(want));

    it('rounds to units of the local zone', () => {
        const start = new Date(now);
        start.setHours(0, 0, 0, 0);
        expect(parseTime('now/d', now)).toBe(start.getTime());
        expect(parseTime('now/d', now, true)).toBe(start.getTime() + 864e5 - 1);
        const week = new Date(parseTime('now/w', now)!);
        expect([week.getDay(), week.getHours()]).toEqual([0, 0]);
        const month = new Date(parseTime('now-1M/M', now)!);
        expect([month.getMonth(), month.getDate()]).toEqual([9, 1]);
        const quarter = new Date(parseTime('now/Q', now)!);
        expect([quarter.getMonth(), quarter.getDate()]).toEqual([9, 1]);
        expect(new Date(parseTime('now/y', now)!).getMonth()).toBe(0);
        expect(new Date(parseTime('now/h', now)!).getMinutes()).toBe(0);
    });
});

describe('ranges', () => {
    it('resolves, and falls back to an hour', () => {
        expect(resolveRange({ from: 'now-1h', to: 'now' }, now)).toEqual({ from: now - 36e5, to: now });
        expect(resolveRange({ from: 'what', to: 'now' }, now)).toEqual({ from: now - 36e5, to: now });
        expect(resolveRange({ from: 'now', to: 'now-1h' }, now)).toEqual({ from: now - 2 * 36e5, to: now - 36e5 });
    });

    it('shifts by half and zooms out, not past now', () => {
        expect(shiftRange({ from: 'now-1h', to: 'now' }, -1, now)).toEqual({ from: String(now - 54e5), to: String(now - 18e5) });
        expect(shiftRange({ from: 'now-1h', to: 'now' }, 1, now)).toEqual({ from: String(now - 36e5), to: String(now) });
        expect(zoomOut({ from: 'now-1h', to: 'now' }, now)).toEqual({ from: String(now - 72e5), to: String(now) });
        expect(zoomOut({ from: 'now-3h', to: 'now-2h' }, now)).toEqual({ from: String(now - 126e5), to: String(now - 54e5) });
    });

    it('has words', () => {
        expect(describeRange({ from: 'now-6h', to: 'now' })).toBe('Last 6 hours');
        expect(describeRange({ from: 'now-17m', to: 'now' })).toBe('Last 17m');
        expect(describeRange({ from: 'now/d', to: 'now/d' })).toBe('Today');
        preferUtc(true);
        expect(formatTime(now)).toBe('2026-11-29 14:05:09');
        expect(parseTime('2026-11-29 14:05:09', now)).toBe(now - 123);
        preferUtc(false);
        expect(formatTime(NaN)).toBe('');
        expect(since(now - 5000, now)).toBe('5.0s ago');
        expect(since(now + 7_200_000, now)).toBe('in 2h 0m');
        expect(since(now - 90_000, now)).toBe('1m 30s ago');
        expect(since(now - 864e5 * 3, now)).toBe('3d 0h ago');
    });

    it.each([
        [999.9, '999ms'],
        [9_990, '9.9s'],
        [59_990, '59s'],
        [119_990, '1m 59s'],
        [3_599_990, '59m 59s'],
        [86_399_990, '23h 59m'],
    ])('%d ms ago is %s: no unit is full', (ms, want) => {
        expect(since(now - ms, now)).toBe(`${want} ago`);
        expect(since(now + ms, now)).toBe(`in ${want}`);
    });

    it('are those of the dashboard\'s zone', () => {
        const range = { from: String(Date.UTC(2026, 5, 1, 12)), to: String(Date.UTC(2026, 5, 1, 13)) };
        expect(describeRange(range, 'utc')).toBe('2026-06-01 12:00:00 to 2026-06-01 13:00:00');
        expect(describeRange(range, 'Asia/Tokyo')).toBe('2026-06-01 21:00:00 to 2026-06-01 22:00:00');
        expect(resolveRange({ from: 'now/d', to: 'now/d' }, now, { zone: 'Asia/Tokyo' })).toEqual({ from: Date.UTC(2026, 10, 28, 15), to: Date.UTC(2026, 10, 29, 15) - 1 });
        expect(parseTime('2026-06-01 09:00:00', now, false, { zone: 'Asia/Tokyo' })).toBe(Date.UTC(2026, 5, 1));
        expect(shiftRange({ from: 'now/d', to: 'now/d' }, -1, now, { zone: 'utc' }).from).toBe(String(Date.UTC(2026, 10, 28, 12)));
    });

    it('fiscal years are offered where they are not the calendar\'s, and known everywhere', () => {
        const offered = quickRanges({ fiscalStart: 3 }).slice(QUICK_RANGES.length);
        expect(offered.map((one) => one.title)).toEqual(['This fiscal quarter so far', 'This fiscal quarter', 'Previous fiscal quarter', 'This fiscal year so far', 'This fiscal year', 'Previous fiscal year']);
        expect(offered.map((one) => describeRange(one))).toEqual(offered.map((one) => one.title));
        expect([quickRanges({}), quickRanges({ fiscalStart: 0 })]).toEqual([QUICK_RANGES, QUICK_RANGES]);
        const calendar = { zone: 'utc', fiscalStart: 3 };
        expect(offered.map((one) => resolveRange(one, now, calendar)).map(({ from, to }) => [new Date(from).toISOString().slice(0, 10), new Date(to).toISOString().slice(0, 10)])).toEqual([
            ['2026-10-01', '2026-11-29'], ['2026-10-01', '2026-12-31'], ['2026-07-01', '2026-09-30'], ['2026-04-01', '2026-11-29'], ['2026-04-01', '2027-03-31'], ['2025-04-01', '2026-03-31'],
        ]);
        expect(parseTime('now/fy', now, false, calendar)).toBe(Date.UTC(2026, 3, 1));
    });

    /* The 29th is a Sunday. */
    it.each([['', 29], ['sunday', 29], ['monday', 23], ['saturday', 28]])('a week that begins on "%s" began on the %i-th', (weekStart, day) => {
        expect(parseTime('now/w', now, false, { zone: 'utc', weekStart })).toBe(Date.UTC(2026, 10, day));
    });
});

describe('stepFor', () => {
    it.each([
        [36e5, 1000, 0, 5], [36e5, 250, 0, 15], [864e5, 1000, 0, 120], [3e5, 1000, 0, 0.3], [36e5, 1000, 15, 15], [36e5, 1000, 60, 60], [864e5 * 365, 1000, 0, 43200],
    ])('%d ms over %d points, at least %d s', (range, points, least, want) => expect(stepFor(range, points, least)).toBe(want));

    it('never asks for more points than Prometheus gives', () => {
        for (const days of [1, 30, 900, 9000]) {
            expect((days * 86400) / stepFor(days * 864e5, 100_000)).toBeLessThanOrEqual(11_000);
        }
    });
});

describe('edges', () => {
    it.each<[string, number | null]>([
        ['0s', 0],
        ['1d12h', 129_600_000],
        ['1h1h', 7_200_000],
        [' 5m ', 300_000],
        ['5 m', null],
        ['1M', null],
        ['1h-5m', null],
        ['.5h', null],
        ['5m5', null],
        ['Infinitys', null],
        ['1e3s', null],
    ])('the length %j', (text, want) => expect(parseDuration(text)).toBe(want));

    it.each<[number, string]>([
        [-5, '0s'],
        [NaN, '0s'],
        [0.4, '0s'],
        [999, '999ms'],
        [1001, '1s1ms'],
        [864e5 * 400, '400d'],
        [3_599_999, '59m59s999ms'],
    ])('the length of %d ms', (ms, want) => expect(formatDuration(ms)).toBe(want));

    it.each<[number]>([[1], [59_000], [3_600_000], [90_061_001]])('%d ms, written and read', (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms));

    it('a range whose ends cannot be read, or that is empty, is an hour', () => {
        expect(resolveRange({ from: 'x', to: 'y' }, now)).toEqual({ from: now - 36e5, to: now });
        expect(resolveRange({ from: 'now', to: 'now' }, now)).toEqual({ from: now - 36e5, to: now });
        expect(resolveRange({ from: '99999999999999999999', to: 'now' }, now)).toEqual({ from: now - 36e5, to: now });
    });

    it.each<[string, string, boolean]>([
        ['now-1h', 'now', true],
        ['1', 'now', true],
        ['now-1h', '5', true],
        ['1', '2', false],
        ['', '', false],
    ])('%s to %s is relative: %j', (from, to, want) => expect(isRelative({ from, to })).toBe(want));

    it.each<[string, string, string]>([
        ['now-24h', 'now', 'Last 24 hours'],
        ['now/w', 'now/w', 'This week'],
        ['now-1d/d', 'now', 'now-1d/d to now'],
        ['now-2h', 'now-1h', 'now-2h to now-1h'],
        ['0', '1000000000', '1970-01-01 00:00:00 to 2001-09-09 01:46:40'],
        ['x', 'y', 'x to y'],
    ])('%s to %s: %s', (from, to, want) =>
        expect(describeRange({ from, to }, 'utc')).toBe(want));

    it('every quick range can be read, and is said to be what it is', () => {
        for (const { from, to, title } of QUICK_RANGES) {
            const range = resolveRange({ from, to }, now, { zone: 'utc' });
            expect([title, range.to > range.from, describeRange({ from, to })]).toEqual([title, true, title]);
        }
    });

    it('shifting there and back ends where it began', () => {
        const range = { from: String(now - 4 * 36e5), to: String(now - 3 * 36e5) };
        expect(shiftRange(shiftRange(range, -1, now), 1, now)).toEqual(range);
        expect(zoomOut({ from: String(now), to: String(now + 36e5) }, now)).toEqual({ from: String(now - 36e5), to: String(now + 36e5) });
    });
});
