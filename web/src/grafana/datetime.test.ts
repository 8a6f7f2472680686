import { afterEach, describe, expect, test } from 'vitest';
import {
    addUnits, calendarTime, DAY, formatDate, formatInterval, fromCalendar, fromNow, HOUR, isBrowser, isUtc, MINUTE, parseDateMath, parseInterval, preferUtc, roundInterval, SECOND, stepFor, zoneOffset,
} from './datetime';

const utc = Date.UTC;

describe('patterns of moment.js', () => {
    const at = utc(2024, 1, 29, 15, 4, 5, 6);
    test.each([
        ['YYYY YY', '2024 24'],
        ['MMMM MMM MM M', 'February Feb 02 2'],
        ['DD D', '29 29'],
        ['dddd ddd', 'Thursday Thu'],
        ['HH H hh h', '15 15 03 3'],
        ['mm m ss s SSS', '04 4 05 5 006'],
        ['A a', 'PM pm'],
        ['X', '1709219045'],
        ['x', '1709219045006'],
        ['Z ZZ', '+00:00 +0000'],
        ['[YYYY] [at] HH\\h', 'YYYY at 15h'],
        ['', ''],
        ['é 日本 %', 'é 日本 %'],
        ['YYYY-MM-DDTHH:mm', '2024-02-29T15:04'],
    ])('%s', (pattern, want) => expect(formatDate(at, pattern, 'utc')).toBe(want));

    test.each<[number, string]>([
        [0, '12 AM'],
        [1, '1 AM'],
        [11, '11 AM'],
        [12, '12 PM'],
        [13, '1 PM'],
        [23, '11 PM'],
    ])('hour %d is %s', (hour, want) => expect(formatDate(utc(2024, 0, 1, hour), 'h A', 'utc')).toBe(want));

    test.each([
        ['Asia/Kathmandu', '2024-02-29 20:49 +05:45'],
        ['America/St_Johns', '2024-02-29 11:34 -03:30'],
        ['Pacific/Kiritimati', '2024-03-01 05:04 +14:00'],
        ['Etc/UTC', '2024-02-29 15:04 +00:00'],
        ['Mars/Olympus', '2024-02-29 15:04 +00:00'],
    ])('in %s', (zone, want) =>
        expect(formatDate(at, 'YYYY-MM-DD HH:mm Z', zone)).toBe(want));

    test('what is no time', () => {
        expect([NaN, Infinity, -Infinity, 8.64e15 + 1, 1e300].map((ms) => formatDate(ms, 'YYYY', 'utc'))).toEqual(Array(5).fill('Invalid date'));
        expect(formatDate(8.64e15, 'YYYY-MM-DD', 'utc')).toBe('275760-09-13');
        expect(formatDate(-1, 'YYYY-MM-DD HH:mm:ss.SSS', 'Europe/Berlin')).toBe('1970-01-01 00:59:59.999');
    });
});

describe('zones', () => {
    afterEach(() => preferUtc(false));

    test('which are UTC, and which the browser\'s', () => {
        const zones = ['utc', 'UTC', 'Etc/UTC', 'browser', '', undefined, 'Europe/Berlin'];
        expect(zones.filter(isUtc)).toEqual(['utc', 'UTC', 'Etc/UTC']);
        expect(zones.filter(isBrowser)).toEqual(['browser', '', undefined]);
        preferUtc(true);
        expect(zones.filter(isUtc)).toEqual(['utc', 'UTC', 'Etc/UTC', 'browser', '', undefined]);
        expect(zones.filter(isBrowser)).toEqual([]);
        expect(calendarTime(0, undefined)).toEqual({ year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, ms: 0, weekday: 4 });
    });

    test.each<[string, number, number]>([
        ['utc', utc(2026, 6, 1), 0],
        ['Europe/Berlin', utc(2026, 6, 1), 2],
        ['Europe/Berlin', utc(2026, 0, 1), 1],
        ['America/New_York', utc(2026, 0, 1), -5],
        ['Asia/Kolkata', 0, 5.5],
        ['Nowhere', 0, 0],
    ])('%s at %d is %d h ahead', (zone, ms, hours) =>
        expect(zoneOffset(ms, zone)).toBe(hours * HOUR));

    test('there and back', () => {
        for (const zone of ['utc', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Tokyo', undefined]) {
            for (const ms of [0, -1, utc(2024, 1, 29, 12), utc(2026, 2, 29, 0, 30), utc(2026, 2, 29, 3), utc(1999, 11, 31, 23, 59, 59, 999), utc(2050, 6, 1)]) {
                expect([zone, fromCalendar(calendarTime(ms, zone), zone)]).toEqual([zone, ms]);
            }
        }
    });

    test('an hour that summer time leaves out moves on', () => {
        const gap = { year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0, ms: 0 };
        expect(formatDate(fromCalendar(gap, 'Europe/Berlin'), 'HH:mm Z', 'Europe/Berlin')).toBe('03:30 +02:00');
        expect(fromCalendar({ ...gap, month: 14, day: 0, hour: -1 }, 'utc')).toBe(utc(2027, 0, 30, 23, 30));
    });
});

describe('calendar steps', () => {
    const day = (ms: number, zone = 'utc') => formatDate(ms, 'YYYY-MM-DD HH:mm', zone);
    test.each<[number, number, string, string]>([
        [utc(2026, 0, 31), 1, 'M', '2026-02-28 00:00'],
        [utc(2024, 0, 31), 1, 'M', '2024-02-29 00:00'],
        [utc(2026, 2, 31), -1, 'M', '2026-02-28 00:00'],
        [utc(2024, 1, 29), 1, 'y', '2025-02-28 00:00'],
        [utc(2024, 1, 29), 4, 'y', '2028-02-29 00:00'],
        [utc(2026, 10, 30), 1, 'Q', '2027-02-28 00:00'],
        [utc(2026, 0, 15), -1, 'Q', '2025-10-15 00:00'],
        [utc(2026, 11, 31), 13, 'M', '2028-01-31 00:00'],
        [utc(2026, 0, 1), -13, 'M', '2024-12-01 00:00'],
        [utc(2026, 0, 1), 2, 'w', '2026-01-15 00:00'],
        [utc(2026, 1, 28), 1, 'd', '2026-03-01 00:00'],
        [utc(2026, 0, 1), -90, 's', '2025-12-31 23:58'],
        [utc(2026, 0, 1), 90, 'm', '2026-01-01 01:30'],
        [utc(2026, 0, 1), 0, 'M', '2026-01-01 00:00'],
    ])('%d and %d%s', (ms, count, unit, want) => expect(day(addUnits(ms, count, unit, 'utc'))).toBe(want));

    test('a day keeps its hour over summer time, an hour does not', () => {
        const noon = utc(2026, 2, 28, 11); // 12:00 in Berlin, before the change
        expect(day(addUnits(noon, 1, 'd', 'Europe/Berlin'), 'Europe/Berlin')).toBe('2026-03-29 12:00');
        expect(day(addUnits(noon, 24, 'h', 'Europe/Berlin'), 'Europe/Berlin')).toBe('2026-03-29 13:00');
    });
});

describe('ends of ranges', () => {
    /* A Friday. */
    const now = utc(2026, 0, 2, 3, 4, 5, 6);
    const read = (text: string, roundUp = false) => parseDateMath(text, now, { roundUp, zone: 'utc' });

    test.each<[string, number, number?]>([
        ['now', now],
        [' now ', now],
        ['now-6h', now - 6 * HOUR],
        ['now - 6h', now - 6 * HOUR],
        ['now+1d', now + DAY],
        ['now-1d+2h-5m', now - DAY + 2 * HOUR - 5 * MINUTE],
        ['now-h', now - HOUR],
        ['now-90s', now - 90 * SECOND],
        ['now/d', utc(2026, 0, 2), utc(2026, 0, 3) - 1],
        ['now-1d/d', utc(2026, 0, 1), utc(2026, 0, 2) - 1],
        ['now-1d/d/d', utc(2026, 0, 1), utc(2026, 0, 2) - 1],
        ['now/1d', utc(2026, 0, 2), utc(2026, 0, 3) - 1],
        ['now/w', utc(2025, 11, 28), utc(2026, 0, 4) - 1],
        ['now/M', utc(2026, 0, 1), utc(2026, 1, 1) - 1],
        ['now/Q', utc(2026, 0, 1), utc(2026, 3, 1) - 1],
        ['now/fQ', utc(2026, 0, 1), utc(2026, 3, 1) - 1],
        ['now-1fy/fy', utc(2025, 0, 1), utc(2026, 0, 1) - 1],
        ['now/y', utc(2026, 0, 1), utc(2027, 0, 1) - 1],
        ['now/h', utc(2026, 0, 2, 3), utc(2026, 0, 2, 4) - 1],
        ['now/m', utc(2026, 0, 2, 3, 4), utc(2026, 0, 2, 3, 5) - 1],
        ['now/s', utc(2026, 0, 2, 3, 4, 5), utc(2026, 0, 2, 3, 4, 6) - 1],
        ['now-1M/M', utc(2025, 11, 1), utc(2026, 0, 1) - 1],
        ['2024-02-29', utc(2024, 1, 29)],
        ['2026-1-5', utc(2026, 0, 5)],
        ['2026-01-01T10:20', utc(2026, 0, 1, 10, 20)],
        ['2026-01-01 10:20:30.5', utc(2026, 0, 1, 10, 20, 30, 500)],
        ['2026-01-01 10:20:30.1234', utc(2026, 0, 1, 10, 20, 30, 123)],
        ['2026-01-01T00:00:00Z', utc(2026, 0, 1)],
        ['2026-01-01T00:00:00+02:00', utc(2025, 11, 31, 22)],
        ['2026-01-01T00:00:00+0530', utc(2025, 11, 31, 18, 30)],
        ['2026-01-01T00:00:00-01:30', utc(2026, 0, 1, 1, 30)],
        ['2026-01-01 24:00', utc(2026, 0, 2)],
        ['20260102T030000', utc(2026, 0, 2, 3)],
        ['1767322800000', 1767322800000],
        ['-1000000000', -1000000000],
    ])('%s', (text, from, to = from) => {
        expect(read(text)).toBe(from);
        expect(read(text, true)).toBe(to);
    });

    test.each([
        '',
        ' ',
        'no',
        'nowish',
        'now-',
        'now-5',
        'now-1x',
        'now/2d',
        'now/',
        'now*2h',
        'now-1.5h',
        'now-fd',
        'then',
        '12345678',
        '2026',
        '2026-02-29',
        '2026-02-30',
        '2026-13-01',
        '2026-00-10',
        '2026-01-00',
        '2026-01-01 25:00',
        '2026-01-01 24:01',
        '2026-01-01 10:60',
        '2026-01-01 10:20:60',
        '20261301T000000',
        '99999999999999999999',
        'now-99999999999h',
        'now-999999999y',
        'now+999999999999999999d',
        '2026-01-01T10',
        'javascript:1',
        '２０２６-01-01',
    ])('%j is none', (text) => expect(read(text)).toBeNaN());

    test.each([
        ['monday', 29],
        ['saturday', 27],
        ['sunday', 28],
        ['', 28],
        ['constructor', 28],
        ['browser', 28],
    ])('a week that begins on "%s" began on the %d-th', (weekStart, date) =>
        expect(parseDateMath('now/w', now, { zone: 'utc', weekStart })).toBe(utc(2025, 11, date)));

    /* On the 15th of May 2026. */
    test.each<[string, number, number, number]>([
        ['now/fy', 0, utc(2026, 0, 1), utc(2027, 0, 1)],
        ['now/fQ', 0, utc(2026, 3, 1), utc(2026, 6, 1)],
        ['now/fy', 3, utc(2026, 3, 1), utc(2027, 3, 1)],
        ['now/fQ', 3, utc(2026, 3, 1), utc(2026, 6, 1)],
        ['now/fy', 4, utc(2026, 4, 1), utc(2027, 4, 1)],
        ['now/fQ', 4, utc(2026, 4, 1), utc(2026, 7, 1)],
        ['now/fy', 5, utc(2025, 5, 1), utc(2026, 5, 1)],
        ['now/fQ', 5, utc(2026, 2, 1), utc(2026, 5, 1)],
        ['now/fy', 10, utc(2025, 10, 1), utc(2026, 10, 1)],
        ['now/fQ', 10, utc(2026, 4, 1), utc(2026, 7, 1)],
        ['now/fy', 11, utc(2025, 11, 1), utc(2026, 11, 1)],
        ['now/fQ', 11, utc(2026, 2, 1), utc(2026, 5, 1)],
        ['now-1fQ/fQ', 10, utc(2026, 1, 1), utc(2026, 4, 1)],
        ['now-1Q/fQ', 10, utc(2026, 1, 1), utc(2026, 4, 1)],
        ['now-1fy/fy', 10, utc(2024, 10, 1), utc(2025, 10, 1)],
        ['now+1y/fy', 10, utc(2026, 10, 1), utc(2027, 10, 1)],
        ['now/Q', 10, utc(2026, 3, 1), utc(2026, 6, 1)],
        ['now/y', 10, utc(2026, 0, 1), utc(2027, 0, 1)],
    ])('%s of a year that begins in month %d', (text, fiscalStart, from, end) => {
        const may = utc(2026, 4, 15, 12);
        expect(parseDateMath(text, may, { zone: 'utc', fiscalStart })).toBe(from);
        expect(parseDateMath(text, may, { zone: 'utc', fiscalStart, roundUp: true })).toBe(end - 1);
    });

    test('a fiscal year begins at midnight of its zone', () => {
        expect(parseDateMath('now/fy', utc(2026, 2, 31, 22), { zone: 'Asia/Tokyo', fiscalStart: 3 })).toBe(utc(2026, 2, 31, 15));
        expect(parseDateMath('now/fy', utc(2026, 2, 31, 14), { zone: 'Asia/Tokyo', fiscalStart: 3 })).toBe(utc(2025, 2, 31, 15));
        expect(['now/fd', 'now/fM', 'now/f', 'now-1f', 'now/ffy', 'now/2fy'].map((text) => parseDateMath(text, utc(2026, 0, 1), { fiscalStart: 3 }))).toEqual([NaN, NaN, NaN, NaN, NaN, NaN]);
    });

    test('a day is the zone\'s', () => {
        expect(parseDateMath('now/d', now, { zone: 'America/New_York' })).toBe(utc(2026, 0, 1, 5));
        expect(parseDateMath('2026-07-01 12:00', now, { zone: 'Europe/Berlin' })).toBe(utc(2026, 6, 1, 10));
        /* The day of the change has 23 hours. */
        const change = { zone: 'Europe/Berlin' };
        expect(parseDateMath('now/d', utc(2026, 2, 29, 12), { ...change, roundUp: true }) - parseDateMath('now/d', utc(2026, 2, 29, 12), change)).toBe(23 * HOUR - 1);
    });
});

describe('intervals', () => {
    test.each<[string, number]>([
        ['90s', 90_000],
        ['1m30s', 90_000],
        ['>5m', 300_000],
        ['<=10s', 10_000],
        [' 10s ', 10_000],
        ['0.5h', 1_800_000],
        ['1ms', 1],
        ['0s', 0],
        ['1d', DAY],
        ['1w', 7 * DAY],
        ['1M', 30 * DAY],
        ['1y', 365 * DAY],
        ['1h 5m', 65 * MINUTE],
        ['', NaN],
        ['5', NaN],
        ['m', NaN],
        ['-5m', NaN],
        ['1h x', NaN],
        ['1x', NaN],
        ['auto', NaN],
        ['$__interval', NaN],
        ['>', NaN],
    ])('%s is %d ms', (text, want) => expect(parseInterval(text)).toBe(want));

    test.each<[number, string]>([
        [0, '1ms'],
        [0.5, '1ms'],
        [20, '20ms'],
        [1000, '1s'],
        [1500, '1s'],
        [90_000, '1m'],
        [5_400_000, '1h'],
        [DAY, '1d'],
        [14 * DAY, '14d'],
        [400 * DAY, '1y'],
    ])('%d ms is %s', (ms, want) => expect(formatInterval(ms)).toBe(want));

    test.each<[number, number]>([
        [0, 1],
        [9, 1],
        [10, 10],
        [14.9, 10],
        [15, 20],
        [349, 200],
        [350, 500],
        [1499, 1000],
        [1500, 2000],
        [12_499, 10_000],
        [12_500, 15_000],
        [45_000, MINUTE],
        [90_000, 2 * MINUTE],
        [2_700_000, HOUR],
        [DAY - 1, 12 * HOUR],
        [DAY, DAY],
        [604_800_000, 7 * DAY],
        [1_814_400_000, 30 * DAY],
        [3_628_800_000, 365 * DAY],
        [1e15, 365 * DAY],
    ])('%d ms rounds to %d', (ms, want) => expect(roundInterval(ms)).toBe(want));

    test.each<[number, number, number, number]>([
        [HOUR, 1000, 0, 5000],
        [HOUR, 1000, 15_000, 15_000],
        [HOUR, 0, 0, HOUR],
        [HOUR, -5, 0, HOUR],
        [0, 100, 0, 1],
        [6 * HOUR, 1500, 0, 15_000],
    ])('%d ms over %d points, at least %d: %d', (range, points, least, want) =>
        expect(stepFor(range, points, least)).toBe(want));
});

test.each<[number, string]>([
    [0, 'a few seconds'],
    [44.4 * SECOND, 'a few seconds'],
    [45 * SECOND, 'a minute'],
    [89 * SECOND, 'a minute'],
    [90 * SECOND, '2 minutes'],
    [44 * MINUTE, '44 minutes'],
    [45 * MINUTE, 'an hour'],
    [89 * MINUTE, 'an hour'],
    [90 * MINUTE, '2 hours'],
    [21 * HOUR, '21 hours'],
    [22 * HOUR, 'a day'],
    [35 * HOUR, 'a day'],
    [36 * HOUR, '2 days'],
    [25 * DAY, '25 days'],
    [26 * DAY, 'a month'],
    [60 * DAY, '2 months'],
    [320 * DAY, 'a year'],
    [800 * DAY, '2 years'],
])('%d ms away is %s', (distance, want) => {
    const now = utc(2026, 0, 1);
    expect(fromNow(now - distance, now)).toBe(`${want} ago`);
    expect(fromNow(now + distance, now)).toBe(distance === 0 ? `${want} ago` : `in ${want}`);
});
