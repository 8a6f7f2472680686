/*
 * Variables in texts: $x, ${x}, ${x:format}, ${x.field}, [[x]], [[x:format]]. What a variable is in an expression is
 * Grafana's Prometheus data source's rule: several values become (a|b), escaped for a regular expression.
 */
import { formatDate, type TimeZone } from './datetime';
import { own } from './json';
import { MACRO } from './macros';

export interface VariableValue {
    value: string | string[];
    text?: string | string[];
    /** Whether several values, or All, can be chosen: then even one value is escaped for a regular expression. */
    isMulti: boolean;
    /** What All stands for when it is written raw. */
    allValue?: string;
}

export interface Scope {
    variables: ReadonlyMap<string, VariableValue>;
    /** Of the time range, in ms since 1970. */
    from: number;
    to: number;
    zone?: TimeZone;
    /** Between points, in ms. */
    intervalMs: number;
    scrapeIntervalMs: number;
    dashboard?: { title: string; uid: string };
    /** What becomes of an expression once its variables are filled in: ad hoc filters. */
    rewrite?: (expr: string) => string;
    /** `rewrite` is still being loaded: nothing is asked. */
    waits?: boolean;
}

// ---- formats ----

/** regexEscape escapes for a regular expression inside a PromQL string. */
export function regexEscape(text: string): string {
    return text.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
}

function plainEscape(text: string): string {
    return text.replace(/\\/g, '\\\\').replace(/'/g, "\\\\'");
}

function many(value: string | string[]): string[] {
    return Array.isArray(value) ? value : [value];
}

function bareRegexEscape(text: string): string {
    return text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
}

type Format = (value: string | string[], name: string, args: string[], zone: TimeZone) => string;

function quotedBy(quote: string): Format {
    return (value) => many(value).map((v) => quote + v.replaceAll(quote, `\\${quote}`) + quote).join(',');
}

function percentEncode(text: string): string {
    return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

const FORMATS: Record<string, Format> = {
    raw: (value) => many(value).join(','),
    csv: (value) => many(value).join(','),
    pipe: (value) => many(value).join('|'),
    glob: (value) => (Array.isArray(value) && value.length > 1 ? `{${value.join(',')}}` : many(value).join(',')),
    json: (value) => JSON.stringify(value),
    regex: (value) => {
        const escaped = many(value).map(bareRegexEscape);
        return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
    },
    distributed: (value, name) => many(value).map((v, i) => (i === 0 ? v : `${name}=${v}`)).join(','),
    doublequote: quotedBy('"'),
    singlequote: quotedBy("'"),
    sqlstring: (value) => many(value).map((v) => `'${v.replace(/'/g, "''")}'`).join(','),
    percentencode: (value) => percentEncode(Array.isArray(value) ? `{${value.join(',')}}` : value),
    uriencode: (value) => encodeURI(many(value).join(',')),
    queryparam: (value, name) => many(value).map((v) => `var-${encodeURIComponent(name)}=${percentEncode(v)}`).join('&'),
    lucene: (value) => {
        const quoted = many(value).map((v) => v.replace(/([!*+\-=<>\s&|()[\]{}^~?:\\/"])/g, '\\$1'));
        return Array.isArray(value) ? `(${quoted.map((v) => `"${v}"`).join(' OR ')})` : quoted[0]!;
    },
    html: (value) => many(value).join(', ').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
    date: (value, _name, args, zone) => {
        const ms = Number(many(value)[0]);
        const kind = args[0] ?? 'iso';
        return kind === 'iso' ? new Date(ms).toISOString() : kind === 'seconds' ? String(Math.round(ms / 1000)) : formatDate(ms, args.join(':'), zone);
    },
};

// ---- built-in variables ----

function promDuration(ms: number): string {
    return ms >= 1000 && ms % 1000 === 0 ? wholeSeconds(ms / 1000) : ms < 1000 ? `${Math.max(1, Math.round(ms))}ms` : `${Math.round(ms)}ms`;
}

function wholeSeconds(s: number): string {
    return s % 86400 === 0 ? `${s / 86400}d` : s % 3600 === 0 ? `${s / 3600}h` : s % 60 === 0 ? `${s / 60}m` : `${s}s`;
}

/** rateInterval is long enough for rate() to see four scrapes at least. */
export function rateInterval(intervalMs: number, scrapeIntervalMs: number): number {
    return Math.max(intervalMs + scrapeIntervalMs, 4 * scrapeIntervalMs);
}

/** builtIn gives a variable that every dashboard has; undefined when the name is none. */
function builtIn(name: string, scope: Scope): VariableValue | undefined {
    if (name === '__all_variables') {
        return { value: [...scope.variables].map(([key, one]) => FORMATS.queryparam!(one.value, key, [], scope.zone)).join('&'), isMulti: false };
    }
    const range = scope.to - scope.from;
    const rate = rateInterval(scope.intervalMs, scope.scrapeIntervalMs);
    const texts: Record<string, string> = {
        __interval: promDuration(scope.intervalMs),
        __interval_ms: String(Math.round(scope.intervalMs)),
        __rate_interval: promDuration(rate),
        __rate_interval_ms: String(Math.round(rate)),
        __range: `${Math.max(1, Math.round(range / 1000))}s`,
        __range_s: String(Math.max(1, Math.round(range / 1000))),
        __range_ms: String(Math.round(range)),
        __from: String(Math.round(scope.from)),
        __to: String(Math.round(scope.to)),
        __timezone: scope.zone ?? 'browser',
        __dashboard: scope.dashboard?.title ?? '',
        __org: '1',
        __user: '',
        __url_time_range: `from=${Math.round(scope.from)}&to=${Math.round(scope.to)}`,
        timeFilter: '',
        interval: promDuration(scope.intervalMs),
    };
    /* $interval is an old name that a dashboard's own variable may take. */
    return Object.hasOwn(texts, name) && !(name === 'interval' && scope.variables.has('interval')) ? { value: texts[name]!, isMulti: false } : undefined;
}

const FIELDS: Record<string, (scope: Scope, field: string) => string | undefined> = {
    __dashboard: (scope, field) => (field === 'uid' ? scope.dashboard?.uid : scope.dashboard?.title),
    __org: (_scope, field) => (field === 'name' ? 'Main Org.' : '1'),
    __user: (_scope, field) => (field === 'id' ? '0' : ''),
};

// ---- replacing ----

function valueText(found: VariableValue): string | string[] {
    return found.text ?? found.value;
}

function forPromql(found: VariableValue): string {
    if (found.allValue !== undefined) {
        return found.allValue;
    }
    if (!found.isMulti) {
        return plainEscape(many(found.value).join(','));
    }
    const escaped = many(found.value).map(regexEscape);
    return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}

function replaceOne(found: VariableValue, name: string, format: string | undefined, promql: boolean, zone: TimeZone): string {
    const [kind, ...args] = (format ?? '').split(':');
    if (kind === 'text') {
        return many(valueText(found)).join(' + ');
    }
    const write = own(FORMATS, kind ?? '');
    if (write) {
        return write(found.allValue !== undefined ? found.allValue : found.value, name, args, zone);
    }
    return promql ? forPromql(found) : (found.allValue ?? FORMATS.glob!(found.value, name, [], zone));
}

export interface InterpolateOptions {
    /** The text is an expression: values are escaped for it. */
    promql?: boolean;
    /** Further names, which go first: those of a repeat, of a data link. */
    extra?: ReadonlyMap<string, VariableValue>;
    /** In place of the usual format where none is written. */
    format?: string;
}

/** interpolate replaces what it knows; the rest stays as it is written. */
export function interpolate(text: string, scope: Scope, options: InterpolateOptions = {}): string {
    if (!text.includes('$') && !text.includes('[[')) {
        return text;
    }
    return text.replace(MACRO, (all, bare?: string, square?: string, squareFormat?: string, braced?: string, field?: string, format?: string) => {
        const name = bare ?? square ?? braced ?? '';
        if (field !== undefined) {
            const value = own(FIELDS, name)?.(scope, field);
            return value ?? all;
        }
        const found = options.extra?.get(name) ?? scope.variables.get(name) ?? builtIn(name, scope);
        return found ? replaceOne(found, name, format ?? squareFormat ?? options.format, options.promql ?? false, scope.zone) : all;
    });
}

/** variableNames lists the names that a text mentions, built-in ones too. */
export function variableNames(text: string): string[] {
    return [...text.matchAll(MACRO)].map((m) => m[1] ?? m[2] ?? m[4] ?? '').filter((n) => n !== '');
}
