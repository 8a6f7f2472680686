/* format: numbers with units for pages that are not dashboards, the unit guessed from the metric's name. */
import { formatTime } from '../grafana/time';

export type Quantity = 'none' | 'bytes' | 'seconds' | 'ratio' | 'bytes/s' | '/s' | 'celsius' | 'time';

/* guessQuantity reads Prometheus's naming rules: the base unit is a suffix, a counter under rate() is per second. */
export function guessQuantity(expr: string): Quantity {
    const isRate = /\b(rate|irate|deriv)\s*\(/.test(expr);
    /* Names that stand in matchers, strings and groupings are labels. */
    const plain = expr.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/\{[^}]*\}|\[[^\]]*\]/g, '').replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '');
    const names = [...plain.matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*/g)].map((match) => match[0]);
    if (plain.includes('/') || /\b(count|absent|changes|resets|sgn|bool)\s*[( ]/.test(plain)) {
        return 'none';
    }
    if (/\b(time|timestamp)\s*\(/.test(plain)) {
        return 'none';
    }
    for (const name of names) {
        if (/_bytes(_total|_sum)?$/.test(name)) {
            return isRate ? 'bytes/s' : 'bytes';
        }
        if (/_(timestamp|time)_seconds$/.test(name)) {
            return 'time';
        }
        if (/_seconds(_sum|_total|_bucket)?$/.test(name)) {
            return isRate && !/histogram_quantile|histogram_avg/.test(expr) ? 'none' : 'seconds';
        }
        if (/_ratio$/.test(name)) {
            return 'ratio';
        }
        if (/_celsius$/.test(name)) {
            return 'celsius';
        }
    }
    return isRate ? '/s' : 'none';
}

function significant(value: number, digits: number): string {
    const text = value.toPrecision(digits);
    return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/* scaled divides by the step of a unit until three digits are enough. */
function scaled(value: number, base: number, units: readonly string[], digits: number): string {
    const magnitude = Math.abs(value);
    let index = 0;
    let size = 1;
    while (index < units.length - 1 && magnitude >= size * base) {
        size *= base;
        index++;
    }
    return `${plain(value / size, digits)}${units[index]}`;
}

function plain(value: number, digits: number): string {
    const magnitude = Math.abs(value);
    if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e15)) {
        return value.toExponential(2).replace(/\.?0+e/, 'e');
    }
    return magnitude >= 10 ** (digits - 1) ? String(Number(value.toFixed(magnitude >= 1000 ? 0 : 1))) : significant(value, digits);
}

function seconds(value: number, digits: number): string {
    const magnitude = Math.abs(value);
    if (magnitude === 0) {
        return '0 s';
    }
    for (const [limit, size, unit] of [[1e-6, 1e-9, 'ns'], [1e-3, 1e-6, 'µs'], [1, 1e-3, 'ms'], [60, 1, 's'], [3600, 60, 'min'], [86400, 3600, 'h']] as const) {
        if (magnitude < limit) {
            return `${plain(value / size, digits)} ${unit}`;
        }
    }
    return `${plain(value / 86400, digits)} d`;
}

/* formatQuantity is for people: at most `digits` digits, with the unit. */
export function formatQuantity(value: number, quantity: Quantity, digits = 4): string {
    if (Number.isNaN(value)) {
        return 'NaN';
    }
    if (!Number.isFinite(value)) {
        return value > 0 ? '+Inf' : '-Inf';
    }
    switch (quantity) {
        case 'bytes':
            return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB'], digits);
        case 'bytes/s':
            return scaled(value, 1024, [' B/s', ' KiB/s', ' MiB/s', ' GiB/s', ' TiB/s'], digits);
        case 'seconds':
            return seconds(value, digits);
        case 'ratio':
            return `${plain(value * 100, digits)} %`;
        case 'celsius':
            return `${plain(value, digits)} °C`;
        case 'time':
            return value > 1e8 && value < 1e11 ? formatTime(value * 1000) : seconds(value, digits);
        case '/s':
            return scaled(value, 1000, ['/s', ' K/s', ' M/s', ' G/s'], digits);
        case 'none':
            return scaled(value, 1000, ['', ' K', ' M', ' G', ' T'], digits);
    }
}

/* formatCount is 12,345. */
export function formatCount(value: number): string {
    return Math.round(value).toLocaleString('en-US');
}

/* plural is "1 alert", "2,000 alerts". */
export function plural(count: number, one: string, many = `${one}s`): string {
    return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/* quoteLabel writes a label value as PromQL does. */
export function quoteLabel(value: string): string {
    return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/* seriesName writes labels as PromQL's selector, some of them left out. */
export function seriesName(labels: Record<string, string>, without?: ReadonlySet<string>): string {
    const name = without?.has('__name__') ? '' : (labels.__name__ ?? '');
    const rest = Object.entries(labels)
        .filter(([key]) => key !== '__name__' && !without?.has(key))
        .map(([key, value]) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key) ? key : quoteLabel(key)}=${quoteLabel(value)}`);
    return rest.length > 0 || name === '' ? `${name}{${rest.join(', ')}}` : name;
}

/* commonLabels are the names whose value is the same in all sets; none when there is one set. */
export function commonLabels(sets: readonly Record<string, string>[]): Set<string> {
    const first = sets[0];
    if (!first || sets.length < 2) {
        return new Set();
    }
    return new Set(Object.keys(first).filter((name) => sets.every((labels) => labels[name] === first[name])));
}
