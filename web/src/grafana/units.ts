/*
 * Units: a number as text with its unit, as Grafana writes it. unit_table.ts has the units; here is how a kind of unit
 * scales. The same rules as @grafana/data, which test/oracle compares with.
 */
import { DAY, formatDate, fromNow, FULL_DATE, FULL_DATE_MS, HOUR, isUtc, MINUTE, SECOND, calendarTime, type TimeZone } from './datetime';
import { UNITS, type UnitKind, type UnitSymbol } from './unit_table';

export interface Formatted {
    prefix?: string;
    text: string;
    suffix?: string;
}

export interface FormatOptions {
    zone?: TimeZone;
    showMs?: boolean;
    now?: number; // for "3 minutes ago" and "no date if today"
}

export type Formatter = (value: number | null, decimals?: number | null, options?: FormatOptions) => Formatted;

// ---- digits ----

/* As many digits as tell the number to about three significant ones. */
function autoDecimals(value: number): number {
    if (value === 0 || value % 1 === 0) {
        return 0;
    }
    const size = Math.abs(value);
    let decimals = 1 - Math.floor(Math.log(size) / Math.LN10);
    if (size / 10 ** -decimals > 2.25) {
        decimals++;
    }
    return Math.max(0, decimals);
}

export function toFixed(value: number | null, decimals?: number | null): string {
    if (value === null) {
        return '';
    }
    if (!Number.isFinite(value)) {
        return value.toLocaleString();
    }
    const digits = decimals ?? autoDecimals(value);
    if (value === 0) {
        return value.toFixed(digits);
    }
    const factor = digits ? 10 ** Math.max(0, digits) : 1;
    const text = String(Math.round(value * factor) / factor);
    if (text.includes('e')) {
        return text;
    }
    const point = text.indexOf('.');
    const missing = digits - (point < 0 ? 0 : text.length - point - 1);
    return missing > 0 ? text + (point < 0 ? '.' : '') + '0'.repeat(missing) : text;
}

// ---- scales ----

/** scaled divides by `factor` until the number is below it, walking along the suffixes from `start`. */
function scaled(factor: number, suffixes: readonly string[], start: number): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        if (!Number.isFinite(value)) {
            return { text: value.toLocaleString() };
        }
        const steps = value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(factor));
        const place = Math.min(Math.max(start + steps, 0), suffixes.length - 1);
        return { text: toFixed(value / factor ** (place - start), decimals), suffix: suffixes[place]! };
    };
}

const SI = ['f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SI_ONE = SI.indexOf('');
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

export function siUnit(unit: string, offset = 0): Formatter {
    return scaled(1000, SI.map((p) => ` ${p}${unit}`), SI_ONE + offset);
}

function binaryUnit(unit: string, offset: number): Formatter {
    return scaled(1024, BINARY.map((p) => ` ${p}${unit}`), offset);
}

/* 1.23K ops/s: the letters of counts stand before the unit. */
function countUnit(symbol: string): Formatter {
    const scale = scaled(1000, ['', 'K', 'M', 'B', 'T'], 0);
    return (value, decimals) => {
        const result = scale(value, decimals);
        return value === null || result.suffix === undefined ? result : { ...result, suffix: `${result.suffix} ${symbol}` };
    };
}

function fixedUnit(unit: string, asPrefix = false): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const text = toFixed(value, decimals);
        return unit === '' ? { text } : asPrefix ? { text, prefix: unit } : { text, suffix: ` ${unit}` };
    };
}

function currency(symbol: string, asSuffix = false): Formatter {
    const scale = scaled(1000, ['', 'K', 'M', 'B', 'T'], 0);
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const result = scale(Math.abs(value), decimals);
        if (asSuffix) {
            result.suffix = result.suffix === undefined ? undefined : result.suffix + symbol;
        } else {
            result.prefix = symbol;
        }
        if (value < 0) {
            result.prefix = `-${result.prefix ?? ''}`;
        }
        return result;
    };
}

function financial(symbol: string, asSuffix: boolean): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const digits = decimals ?? undefined;
        const text = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits ?? 0, maximumFractionDigits: digits ?? 1 }).format(value);
        return { prefix: asSuffix ? '' : symbol, text, suffix: asSuffix ? symbol : '' };
    };
}

function boolean(yes: string, no: string): Formatter {
    return (value) => ({ text: value ? yes : no });
}

function hexadecimal(prefix: string): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const digits = parseFloat(toFixed(value, decimals)).toString(16).toUpperCase();
        return { text: digits.startsWith('-') ? `-${prefix}${digits.slice(1)}` : prefix + digits };
    };
}

// ---- times ----

interface TimeStep {
    below: number; // the size up to which it is used
    divide: number;
    suffix: string;
}

/* The words of lengths of time are in the plural beyond 1. */
function plural(value: number, suffix: string): string {
    return /^ (min|hour|day|week|year)$/.test(suffix) && Math.abs(value) > 1 ? `${suffix}s` : suffix;
}

const EVER = Infinity;

function stepped(unscaled: number, steps: readonly TimeStep[]): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const size = Math.abs(value);
        const at = steps.findIndex((s) => size < s.below || s.below === EVER);
        const step = steps[at]!;
        const scaledValue = value / step.divide;
        return { text: toFixed(scaledValue, decimals), suffix: at === unscaled ? step.suffix : plural(scaledValue, step.suffix) };
    };
}

const NANOSECONDS = stepped(0, [
    { below: 1e3, divide: 1, suffix: ' ns' }, { below: 1e6, divide: 1e3, suffix: ' µs' }, { below: 1e9, divide: 1e6, suffix: ' ms' },
    { below: 6e10, divide: 1e9, suffix: ' s' }, { below: 36e11, divide: 6e10, suffix: ' min' },
    { below: 864e11, divide: 36e11, suffix: ' hour' }, { below: EVER, divide: 864e11, suffix: ' day' },
]);
const MICROSECONDS = stepped(0, [
    { below: 1e3, divide: 1, suffix: ' µs' }, { below: 1e6, divide: 1e3, suffix: ' ms' }, { below: EVER, divide: 1e6, suffix: ' s' },
]);
const MILLISECONDS = stepped(0, [
    { below: SECOND, divide: 1, suffix: ' ms' }, { below: MINUTE, divide: SECOND, suffix: ' s' }, { below: HOUR, divide: MINUTE, suffix: ' min' },
    { below: DAY, divide: HOUR, suffix: ' hour' }, { below: 365 * DAY, divide: DAY, suffix: ' day' },
    { below: EVER, divide: 365 * DAY, suffix: ' year' },
]);
const MINUTES = stepped(0, [
    { below: 60, divide: 1, suffix: ' min' }, { below: 1440, divide: 60, suffix: ' hour' }, { below: 10080, divide: 1440, suffix: ' day' },
    { below: 604800, divide: 10080, suffix: ' week' }, { below: EVER, divide: 525948, suffix: ' year' },
]);
const HOURS = stepped(0, [
    { below: 24, divide: 1, suffix: ' hour' }, { below: 168, divide: 24, suffix: ' day' }, { below: 8760, divide: 168, suffix: ' week' },
    { below: EVER, divide: 8760, suffix: ' year' },
]);
const DAYS = stepped(-1, [
    { below: 7, divide: 1, suffix: ' day' }, { below: 365, divide: 7, suffix: ' week' }, { below: EVER, divide: 365, suffix: ' year' },
]);
/* Below a second the number is multiplied, not divided, so that 0.0005 s gives the digits of 500, not of 499.99. */
const SECONDS_UP = stepped(0, [
    { below: 60, divide: 1, suffix: ' s' }, { below: 3600, divide: 60, suffix: ' min' }, { below: 86400, divide: 3600, suffix: ' hour' },
    { below: 604800, divide: 86400, suffix: ' day' }, { below: 31536000, divide: 604800, suffix: ' week' },
    { below: EVER, divide: 31556900, suffix: ' year' },
]);

function seconds(value: number | null, decimals?: number | null): Formatted {
    const size = Math.abs(value ?? 0);
    if (value === 0) {
        return { text: '0', suffix: ' s' };
    }
    if (value === null || size >= 1) {
        return SECONDS_UP(value, decimals);
    }
    const [times, suffix] = size < 1e-6 ? [1e9, ' ns'] : size < 1e-3 ? [1e6, ' µs'] : [1e3, ' ms'];
    return { text: toFixed(value * (times as number), decimals), suffix: suffix as string };
}

const LENGTHS: readonly (readonly [string, number])[] = [
    ['year', 365 * DAY], ['month', 30 * DAY], ['week', 7 * DAY], ['day', DAY], ['hour', HOUR], ['minute', MINUTE], ['second', SECOND],
    ['millisecond', 1],
];

/* "2 hours, 5 minutes": as many units beyond the first as decimals says. */
function inWords(unitMs: number, unit: string): Formatter {
    const format: Formatter = (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        if (value === 0) {
            return { text: '0', suffix: ` ${unit}s` };
        }
        if (value < 0) {
            const ahead = format(-value, decimals);
            return { ...ahead, suffix: `${ahead.suffix ?? ''} ago` };
        }
        const words: string[] = [];
        let left = value * unitMs;
        let more = decimals ?? 0;
        for (const [name, ms] of LENGTHS) {
            const count = left / ms;
            if (more >= 0 && (count >= 1 || words.length > 0)) {
                const whole = Math.floor(count);
                words.push(`${whole} ${name}${whole === 1 ? '' : 's'}`);
                left %= ms;
                more--;
            }
        }
        return { text: words.join(', ') };
    };
    return format;
}

function hms(value: number): Formatted {
    if (value < 0) {
        const ahead = hms(-value);
        return { ...ahead, suffix: `${ahead.suffix ?? ''} ago` };
    }
    const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
    return { text: `${two(value / 3600)}:${two((value % 3600) / 60)}:${two((value % 3600) % 60)}` };
}

function dhms(value: number): Formatted {
    if (value < 0) {
        const ahead = dhms(-value);
        return { ...ahead, suffix: `${ahead.suffix ?? ''} ago` };
    }
    const days = Math.floor(value / 86400);
    return { text: (days > 0 ? `${days} d ` : '') + hms(value - days * 86400).text };
}

/* 01h:02m:03s:004ms; decimals says how many parts beyond the first. */
function clock(unitMs: number): Formatter {
    return (value, decimals) => {
        if (value === null) {
            return { text: '' };
        }
        const ms = value * unitMs;
        const parts = ['ss\\s', 'SSS\\m\\s'];
        if (ms < SECOND) {
            return { text: formatDate(ms, 'SSS\\m\\s', 'utc') };
        }
        if (ms >= MINUTE) {
            parts.unshift('mm\\m');
        }
        const hours = ms >= HOUR ? [`${Math.floor(ms / HOUR)}h`] : [];
        const shown = parts.map((p) => formatDate(ms, p, 'utc'));
        const all = [...hours, ...shown];
        return { text: all.slice(0, decimals === null || decimals === undefined ? all.length : Math.max(1, Math.min(decimals + 1, all.length))).join(':') };
    };
}

function isSameDay(a: number, b: number, zone: TimeZone): boolean {
    const left = calendarTime(a, zone);
    const right = calendarTime(b, zone);
    return left.year === right.year && left.month === right.month && left.day === right.day;
}

function date(pattern: string, today?: string): Formatter {
    return (value, _decimals, options = {}) => {
        const isToday = today !== undefined && value !== null && isSameDay(value, options.now ?? Date.now(), isUtc(options.zone) ? 'utc' : options.zone);
        return { text: value === null ? '' : formatDate(value, isToday ? today! : pattern, options.zone) };
    };
}

const systemDate: Formatter = (value, _decimals, options = {}) => ({
    text: value === null ? '' : formatDate(value, options.showMs ? FULL_DATE_MS : FULL_DATE, options.zone),
});

const ago: Formatter = (value, _decimals, options = {}) => ({ text: value === null ? '' : fromNow(value, options.now ?? Date.now()) });

// ---- names ----

const SPECIAL: Record<string, Formatter> = {
    none: fixedUnit(''),
    string: (value) => ({ text: value === null ? '' : String(value) }),
    short: scaled(1000, ['', ' K', ' Mil', ' Bil', ' Tri', ' Quadr', ' Quint', ' Sext', ' Sept'], 0),
    percent: (value, decimals) => (value === null ? { text: '' } : { text: toFixed(value, decimals), suffix: '%' }),
    percentunit: (value, decimals) => (value === null ? { text: '' } : { text: toFixed(100 * value, decimals), suffix: '%' }),
    hex0x: hexadecimal('0x'),
    hex: hexadecimal(''),
    sci: (value, decimals) => ({ text: value === null ? '' : value.toExponential(decimals ?? undefined) }),
    locale: (value, decimals) => ({ text: value === null ? '' : value.toLocaleString(undefined, decimals === null || decimals === undefined ? {} : { maximumFractionDigits: decimals }) }),
    pressurepsi: scaled(1000, ['psi', 'ksi', 'Mpsi'], 0),
    dateTimeAsIso: date(FULL_DATE),
    dateTimeAsIsoNoDateIfToday: date(FULL_DATE, 'HH:mm:ss'),
    dateTimeAsUS: date('MM/DD/YYYY h:mm:ss a'),
    dateTimeAsUSNoDateIfToday: date('MM/DD/YYYY h:mm:ss a', 'h:mm:ss a'),
    dateTimeAsLocal: date('MM/DD/YYYY, hh:mm:ss A'),
    dateTimeAsLocalNoDateIfToday: date('MM/DD/YYYY, hh:mm:ss A', 'hh:mm:ss A'),
    dateTimeAsSystem: systemDate,
    dateTimeFromNow: ago,
    ns: NANOSECONDS,
    'µs': MICROSECONDS,
    ms: MILLISECONDS,
    s: seconds,
    m: MINUTES,
    h: HOURS,
    d: DAYS,
    dtdurationms: inWords(1, 'millisecond'),
    dtdurations: inWords(SECOND, 'second'),
    dthms: (value) => (value === null ? { text: '' } : hms(value)),
    dtdhms: (value) => (value === null ? { text: '' } : dhms(value)),
    timeticks: (value, decimals) => seconds(value === null ? null : value / 100, decimals),
    clockms: clock(1),
    clocks: clock(SECOND),
    bool: boolean('True', 'False'),
    bool_yes_no: boolean('Yes', 'No'),
    bool_on_off: boolean('On', 'Off'),
};

function make(kind: UnitKind, unit: UnitSymbol): Formatter {
    const [symbol, offset] = typeof unit === 'string' ? [unit, 0] : unit;
    switch (kind) {
        case 'fixed': return fixedUnit(symbol);
        case 'si': return siUnit(symbol, offset);
        case 'binary': return binaryUnit(symbol, offset);
        case 'count': return countUnit(symbol);
        case 'currency': return currency(symbol);
        case 'currencySuffix': return currency(symbol, true);
    }
}

/* No number has more digits, and the browser's own functions refuse them. */
const DECIMALS_MAX = 20;

function bounded(format: Formatter): Formatter {
    return (value, decimals, options) => format(value, typeof decimals === 'number' ? Math.min(Math.max(decimals, 0), DECIMALS_MAX) : decimals, options);
}

const known = new Map(Object.entries(SPECIAL).map(([id, format]): [string, Formatter] => [id, bounded(format)]));

for (const kind of Object.keys(UNITS) as UnitKind[]) {
    for (const [id, unit] of Object.entries(UNITS[kind])) {
        known.set(id, bounded(make(kind, unit)));
    }
}
known.set('farenheit', known.get('fahrenheit')!);

/* currency:financial:$:suffix, currency:x */
function customCurrency(text: string): Formatter {
    const [kind, symbol, place] = text.split(':');
    if (kind !== 'financial' || symbol === undefined) {
        return currency(text);
    }
    return symbol === '' ? fixedUnit('') : financial(symbol, place === 'suffix');
}

/* prefix:x, suffix:x, time:PATTERN, si:mF, count:x, currency:x, bool:yes/no */
function custom(id: string): Formatter | undefined {
    const colon = id.indexOf(':');
    if (colon <= 0) {
        return undefined;
    }
    const rest = id.slice(colon + 1);
    switch (id.slice(0, colon)) {
        case 'prefix': return fixedUnit(rest, true);
        case 'suffix': return fixedUnit(rest);
        case 'time': return date(rest);
        case 'count': return countUnit(rest);
        case 'currency': return customCurrency(rest);
        case 'si': {
            const place = SI.findIndex((p) => p.normalize('NFKD') === rest.charAt(0).normalize('NFKD'));
            const offset = place < 0 ? 0 : place - SI_ONE;
            return siUnit(offset === 0 ? rest : rest.slice(1), offset);
        }
        case 'bool': {
            const slash = rest.indexOf('/');
            return slash < 0 ? boolean(rest, '-') : boolean(rest.slice(0, slash), rest.slice(slash + 1));
        }
        default: return undefined;
    }
}

/** unitFormatter gives the formatter of a unit's id; an id that nobody knows is its own suffix. */
export function unitFormatter(id: string | undefined | null): Formatter {
    const name = id || 'none';
    let formatter = known.get(name);
    if (!formatter) {
        formatter = bounded(custom(name) ?? fixedUnit(name));
        known.set(name, formatter);
    }
    return formatter;
}

export function formattedText(value: Formatted): string {
    return `${value.prefix ?? ''}${value.text}${value.suffix ?? ''}`;
}

/** formatValue is a number with its unit, in one string. */
export function formatValue(value: number | null, unit: string | undefined, decimals?: number | null, options?: FormatOptions): string {
    return formattedText(unitFormatter(unit)(value, decimals, options));
}

export function isBooleanUnit(id: string | null | undefined): boolean {
    return id?.startsWith('bool') ?? false;
}

export function isDateUnit(id: string | null | undefined): boolean {
    return /^(dateTime|time:)/.test(id ?? '');
}
