/*
 * Times as Grafana writes and reads them: calendar fields in a time zone, patterns of moment.js, "3 minutes ago", ranges
 * such as now-6h/d, lengths such as 1m30s. Times are milliseconds since 1970.
 */

import { own } from './json';

/** 'utc', 'browser' (or nothing) or an IANA name. */
export type TimeZone = string | undefined;

export interface CalendarTime {
    year: number;
    month: number; // 1..12
    day: number;
    hour: number;
    minute: number;
    second: number;
    ms: number;
    weekday: number; // 0 = Sunday
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/* The browser's own dates end here. */
const TIME_MAX = 8.64e15;

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

const formats = new Map<string, Intl.DateTimeFormat | null>();

/* Intl.DateTimeFormat costs 50 us to make: kept by zone. A zone that nobody knows counts as UTC. */
function partsFormat(zone: string): Intl.DateTimeFormat | null {
    let found = formats.get(zone);
    if (found === undefined) {
        try {
            found = new Intl.DateTimeFormat('en-US', {
                timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
                hour: 'numeric', minute: 'numeric', second: 'numeric', era: 'short',
            });
        } catch {
            found = null;
        }
        formats.set(zone, found);
    }
    return found;
}

/* Times without a zone of their own are the browser's, or UTC's where somebody prefers that. */
let prefersUtc = false;

export function preferUtc(wanted: boolean): void {
    prefersUtc = wanted;
}

const isNone = (zone: TimeZone) => zone === undefined || zone === '' || zone === 'browser';

export function isUtc(zone: TimeZone): boolean {
    return zone === 'utc' || zone === 'UTC' || zone === 'Etc/UTC' || (prefersUtc && isNone(zone));
}

export function isBrowser(zone: TimeZone): boolean {
    return !prefersUtc && isNone(zone);
}

function inUtc(ms: number): CalendarTime {
    const d = new Date(ms);
    return {
        year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(),
        minute: d.getUTCMinutes(), second: d.getUTCSeconds(), ms: d.getUTCMilliseconds(), weekday: d.getUTCDay(),
    };
}

/** calendarTime gives the fields of a clock on the wall of that zone. */
export function calendarTime(ms: number, zone: TimeZone): CalendarTime {
    if (isBrowser(zone)) {
        const d = new Date(ms);
        return {
            year: d.getFullYear(), month: d.getMonth() + 1, day: d.getDate(), hour: d.getHours(),
            minute: d.getMinutes(), second: d.getSeconds(), ms: d.getMilliseconds(), weekday: d.getDay(),
        };
    }
    const format = isUtc(zone) ? null : partsFormat(zone!);
    if (!format || !Number.isFinite(ms)) {
        return inUtc(ms);
    }
    const part: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(ms)) {
        part[type] = value;
    }
    const year = Number(part.year) * (part.era === 'BC' ? -1 : 1);
    const month = Number(part.month);
    const day = Number(part.day);
    return {
        year, month, day, hour: Number(part.hour) % 24, minute: Number(part.minute), second: Number(part.second),
        ms: ((ms % 1000) + 1000) % 1000, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    };
}

function asUtc(t: CalendarTime): number {
    return Date.UTC(t.year, t.month - 1, t.day, t.hour, t.minute, t.second, t.ms);
}

/** zoneOffset is how far that zone's clock is ahead of UTC, in ms. */
export function zoneOffset(ms: number, zone: TimeZone): number {
    return asUtc(calendarTime(ms, zone)) - ms;
}

/** fromCalendar is the inverse of calendarTime; fields out of range carry over; in a gap of summer time it moves on. */
export function fromCalendar(t: Omit<CalendarTime, 'weekday'>, zone: TimeZone): number {
    const wanted = asUtc({ ...t, weekday: 0 });
    let ms = wanted - zoneOffset(wanted, zone);
    ms = wanted - zoneOffset(ms, zone);
    return ms;
}

// ---- patterns ----

const TOKEN = /\[([^\]]*)\]|\\(.)|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|ZZ|Z|X|x|./g;

function two(n: number): string {
    return String(n).padStart(2, '0');
}

function offsetText(ms: number, zone: TimeZone, colon: string): string {
    const minutes = Math.round(zoneOffset(ms, zone) / MINUTE);
    const size = Math.abs(minutes);
    return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
}

/** formatDate writes a time by a pattern of moment.js ("YYYY-MM-DD HH:mm:ss"). */
export function formatDate(ms: number, pattern: string, zone: TimeZone): string {
    if (!(Math.abs(ms) <= TIME_MAX)) {
        return 'Invalid date';
    }
    const t = calendarTime(ms, zone);
    const hour12 = t.hour % 12 === 0 ? 12 : t.hour % 12;
    return pattern.replace(TOKEN, (token, quoted: string | undefined, escaped: string | undefined) => {
        if (quoted !== undefined || escaped !== undefined) {
            return quoted ?? escaped ?? '';
        }
        switch (token) {
            case 'YYYY': return String(t.year).padStart(4, '0');
            case 'YY': return two(t.year % 100);
            case 'MMMM': return MONTHS[t.month - 1]!;
            case 'MMM': return MONTHS[t.month - 1]!.slice(0, 3);
            case 'MM': return two(t.month);
            case 'M': return String(t.month);
            case 'DD': return two(t.day);
            case 'D': return String(t.day);
            case 'dddd': return WEEKDAYS[t.weekday]!;
            case 'ddd': return WEEKDAYS[t.weekday]!.slice(0, 3);
            case 'HH': return two(t.hour);
            case 'H': return String(t.hour);
            case 'hh': return two(hour12);
            case 'h': return String(hour12);
            case 'mm': return two(t.minute);
            case 'm': return String(t.minute);
            case 'ss': return two(t.second);
            case 's': return String(t.second);
            case 'SSS': return String(t.ms).padStart(3, '0');
            case 'A': return t.hour < 12 ? 'AM' : 'PM';
            case 'a': return t.hour < 12 ? 'am' : 'pm';
            case 'Z': return offsetText(ms, zone, ':');
            case 'ZZ': return offsetText(ms, zone, '');
            case 'X': return String(Math.floor(ms / 1000));
            case 'x': return String(ms);
            default: return token;
        }
    });
}

export const FULL_DATE = 'YYYY-MM-DD HH:mm:ss';
export const FULL_DATE_MS = 'YYYY-MM-DD HH:mm:ss.SSS';

/** fromNow is "3 minutes ago" and "in 2 hours", by the thresholds of moment.js. */
export function fromNow(ms: number, now: number): string {
    const distance = Math.abs(ms - now);
    const seconds = Math.round(distance / SECOND);
    const minutes = Math.round(distance / MINUTE);
    const hours = Math.round(distance / HOUR);
    const days = Math.round(distance / DAY);
    const months = Math.round(distance / DAY / 30.436875);
    const years = Math.round(distance / DAY / 365.2425);
    const text =
        seconds < 45 ? 'a few seconds'
        : minutes <= 1 ? 'a minute'
        : minutes < 45 ? `${minutes} minutes`
        : hours <= 1 ? 'an hour'
        : hours < 22 ? `${hours} hours`
        : days <= 1 ? 'a day'
        : days < 26 ? `${days} days`
        : months <= 1 ? 'a month'
        : months < 11 ? `${months} months`
        : years <= 1 ? 'a year'
        : `${years} years`;
    return ms > now ? `in ${text}` : `${text} ago`;
}

// ---- lengths ----

const UNIT_MS: Record<string, number> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY, M: 30 * DAY, y: 365 * DAY };

/** parseInterval reads "90s", "1m30s", ">5m" or "0.5h" as ms; NaN when it is none. */
export function parseInterval(text: string): number {
    const bare = text.trim().replace(/^[<>]=?/, '').trim();
    let total = 0;
    const rest = bare.replace(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g, (_, n: string, unit: string) => {
        total += Number(n) * UNIT_MS[unit]!;
        return '';
    });
    return bare !== '' && rest.trim() === '' ? total : NaN;
}

/** formatInterval writes ms in the largest unit that Grafana would use: 90000 is "1m", 1500 "1s", 20 "20ms". */
export function formatInterval(ms: number): string {
    for (const [unit, size] of [['y', 365 * DAY], ['d', DAY], ['h', HOUR], ['m', MINUTE], ['s', SECOND]] as const) {
        if (ms >= size) {
            return `${Math.floor(ms / size)}${unit}`;
        }
    }
    return `${Math.max(1, Math.floor(ms))}ms`;
}

/* What an interval below the first number rounds to: Grafana's steps. */
const ROUND_STEPS: readonly (readonly [number, number])[] = [
    [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500], [1500, 1000], [3500, 2000], [7500, 5000],
    [12500, 10000], [17500, 15000], [25000, 20000], [45000, 30000], [90000, MINUTE], [210000, 2 * MINUTE],
    [450000, 5 * MINUTE], [750000, 10 * MINUTE], [1050000, 15 * MINUTE], [1500000, 20 * MINUTE], [2700000, 30 * MINUTE],
    [5400000, HOUR], [9000000, 2 * HOUR], [16200000, 3 * HOUR], [32400000, 6 * HOUR], [86400000, 12 * HOUR],
    [604800000, DAY], [1814400000, 7 * DAY], [3628800000, 30 * DAY],
];

export function roundInterval(ms: number): number {
    for (const [below, step] of ROUND_STEPS) {
        if (ms < below) {
            return step;
        }
    }
    return 365 * DAY;
}

/** stepFor is the interval between points: the range over the number of points, rounded, and at least `least` (ms). */
export function stepFor(rangeMs: number, points: number, least: number): number {
    return Math.max(roundInterval(rangeMs / Math.max(1, points)), least, 1);
}

// ---- ends of ranges ----

/* 0 = Sunday, as the calendar begins where a dashboard does not say otherwise. */
const WEEK_STARTS: Readonly<Record<string, number>> = { sunday: 0, monday: 1, saturday: 6 };

function floorTo(ms: number, unit: string, zone: TimeZone, weekStart: string, yearStart: number): number {
    const t = calendarTime(ms, zone);
    const start = { ...t, ms: 0 };
    switch (unit) {
        case 's': return fromCalendar(start, zone);
        case 'm': return fromCalendar({ ...start, second: 0 }, zone);
        case 'h': return fromCalendar({ ...start, second: 0, minute: 0 }, zone);
        case 'd': return fromCalendar({ ...start, second: 0, minute: 0, hour: 0 }, zone);
        case 'w': return fromCalendar({ ...start, second: 0, minute: 0, hour: 0, day: t.day - ((t.weekday - (own(WEEK_STARTS, weekStart) ?? 0) + 7) % 7) }, zone);
        case 'M': return fromCalendar({ ...start, second: 0, minute: 0, hour: 0, day: 1 }, zone);
        default: return fromCalendar({ ...start, second: 0, minute: 0, hour: 0, day: 1, month: t.month - ((t.month + 11 - yearStart) % (unit === 'Q' ? 3 : 12)) }, zone);
    }
}

/** addUnits moves a time by calendar units: a month keeps the day where it can, a day keeps the hour over summer time. */
export function addUnits(ms: number, count: number, unit: string, zone: TimeZone): number {
    const fixed = { s: SECOND, m: MINUTE, h: HOUR }[unit];
    if (fixed !== undefined) {
        return ms + count * fixed;
    }
    const t = calendarTime(ms, zone);
    if (unit === 'd' || unit === 'w') {
        return fromCalendar({ ...t, day: t.day + count * (unit === 'w' ? 7 : 1) }, zone);
    }
    const months = t.month - 1 + count * (unit === 'M' ? 1 : unit === 'Q' ? 3 : 12);
    const year = t.year + Math.floor(months / 12);
    const month = ((months % 12) + 12) % 12;
    const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    return fromCalendar({ ...t, year, month: month + 1, day: Math.min(t.day, last) }, zone);
}

/** Whose midnights and Mondays count. */
export interface Calendar {
    zone?: TimeZone;
    /** "monday", "saturday", "sunday"; else Sunday. */
    weekStart?: string;
    /** The month that fiscal years (fy) begin in, 0 = January; their quarters (fQ) follow. */
    fiscalStart?: number;
}

interface DateMathOptions extends Calendar {
    /** "now/d" is then the day's last moment. */
    roundUp?: boolean;
}

const STEP = /^([+\-/])(\d*)(f(?=[Qy]))?([smhdwMQy])/;

function parseRelative(text: string, now: number, { roundUp = false, zone, weekStart = '', fiscalStart = 0 }: DateMathOptions): number {
    let at = now;
    let rest = text.slice('now'.length).replace(/\s+/g, '');
    while (rest !== '') {
        const found = STEP.exec(rest);
        if (!found) {
            return NaN;
        }
        const [all, sign, digits, fiscal, unit] = found as unknown as [string, string, string, string | undefined, string];
        const count = digits === '' ? 1 : Number(digits);
        if (sign === '/') {
            if (digits !== '' && count !== 1) {
                return NaN;
            }
            const start = floorTo(at, unit, zone, weekStart, fiscal ? fiscalStart : 0);
            at = roundUp ? addUnits(start, 1, unit, zone) - 1 : start;
        } else {
            at = addUnits(at, sign === '-' ? -count : count, unit, zone);
        }
        rest = rest.slice(all.length);
    }
    return at;
}

const ABSOLUTE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/;
const COMPACT = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})$/;

function parseAbsolute(text: string, zone: TimeZone): number {
    if (/^-?\d{9,}$/.test(text)) {
        return Number(text);
    }
    const compact = COMPACT.exec(text);
    const found = compact ?? ABSOLUTE.exec(text);
    if (!found) {
        return NaN;
    }
    const field = (i: number): number => Number(found[i] ?? 0);
    const ms = found[7] === undefined ? 0 : Number(found[7].padEnd(3, '0'));
    const time = { year: field(1), month: field(2), day: field(3), hour: field(4), minute: field(5), second: field(6), ms: compact ? 0 : ms };
    /* A 31st of June would carry over: that is no date. 24:00 is the next day's midnight. */
    const asked = time.hour === 24 && time.minute === 0 && time.second === 0 ? { ...time, hour: 0 } : time;
    const read = inUtc(asUtc({ ...asked, weekday: 0 }));
    if ((['year', 'month', 'day', 'hour', 'minute', 'second'] as const).some((part) => read[part] !== asked[part])) {
        return NaN;
    }
    const offset = compact ? undefined : found[8];
    if (offset === undefined) {
        return fromCalendar(time, compact ? 'utc' : zone);
    }
    const digits = offset.replace(/[^\d]/g, '');
    const ahead = offset === 'Z' ? 0 : (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * MINUTE;
    return fromCalendar(time, 'utc') - (offset.startsWith('-') ? -ahead : ahead);
}

/** parseDateMath reads one end of a range: now, now-6h, now/d, a date, or ms since 1970. NaN when it is none. */
export function parseDateMath(text: string, now: number, options: DateMathOptions = {}): number {
    const bare = text.trim();
    const ms = bare.startsWith('now') ? parseRelative(bare, now, options) : parseAbsolute(bare, options.zone);
    return Math.abs(ms) <= TIME_MAX ? ms : NaN;
}
