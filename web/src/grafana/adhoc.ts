/*
 * Ad hoc filters: label filters that are put into every selector of every query of a dashboard. In the URL they are
 * var-NAME=key|operator|value, with | and # and , of the parts written __gfp__, __gfh__ and __gfc__, as Grafana does it.
 */
import type { AdhocFilter } from './model';

export const OPERATORS = ['=', '!=', '=~', '!~', '=|', '!=|'] as const;

/** More filters than that are left out. */
export const FILTERS_MAX = 50;

const ESCAPES: readonly [string, string][] = [['|', '__gfp__'], ['#', '__gfh__'], [',', '__gfc__']];

function escapePart(text: string): string {
    return ESCAPES.reduce((now, [from, to]) => now.replaceAll(from, to), text);
}

function unescapePart(text: string): string {
    return ESCAPES.reduce((now, [to, from]) => now.replaceAll(from, to), text);
}

/** writeFilter is a filter as it stands in the URL; the bars of an operator (=|) are escaped too. */
export function writeFilter(filter: AdhocFilter): string {
    return [filter.key, filter.operator, filter.value].map(escapePart).join('|');
}

/** readFilter reads one of the URL; undefined when it is none. Of "value,text" the value counts. */
export function readFilter(text: string): AdhocFilter | undefined {
    const parts = text.split('|');
    if (parts.length < 3) {
        return undefined;
    }
    const [key, operator, value] = parts.map((part) => unescapePart(part.split(',')[0]!));
    return key && (OPERATORS as readonly string[]).includes(operator!) ? { key, operator: operator!, value: value! } : undefined;
}

/** chosenFilters are those of the URL where it has any (an empty one: none), else the dashboard's. */
export function chosenFilters(stored: readonly AdhocFilter[], fromUrl: readonly string[]): AdhocFilter[] {
    const list = fromUrl.length > 0 ? fromUrl.map(readFilter).filter((one): one is AdhocFilter => one !== undefined) : [...stored];
    return list.slice(0, FILTERS_MAX);
}

function quote(text: string): string {
    return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

function oneOf(value: string): string {
    return value.split('|').map((one) => one.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&')).join('|');
}

/** matcherOf is a filter as a label matcher. Of =| and !=| the value is a list, joined by bars. */
export function matcherOf(filter: AdhocFilter): string {
    const key = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(filter.key) ? filter.key : quote(filter.key);
    switch (filter.operator) {
        case '=|':
            return `${key}=~${quote(oneOf(filter.value))}`;
        case '!=|':
            return `${key}!~${quote(oneOf(filter.value))}`;
        default:
            return `${key}${(OPERATORS as readonly string[]).includes(filter.operator) ? filter.operator : '='}${quote(filter.value)}`;
    }
}

/** Where a selector stands in an expression: its own ends, and those of its braces when it has some. */
export interface SelectorPlace {
    from: number;
    to: number;
    braces?: { from: number; to: number };
}

/** insertMatchers puts matchers into selectors, which stand in order and not inside each other. */
export function insertMatchers(expr: string, selectors: readonly SelectorPlace[], matchers: string): string {
    let out = '';
    let at = 0;
    for (const { to, braces } of selectors) {
        if (braces) {
            const inside = expr.slice(braces.from + 1, braces.to - 1).trimEnd();
            out += `${expr.slice(at, braces.from + 1)}${inside}${inside.trim() === '' || inside.endsWith(',') ? '' : ', '}${matchers}}`;
            at = braces.to;
        } else {
            out += `${expr.slice(at, to)}{${matchers}}`;
            at = to;
        }
    }
    return out + expr.slice(at);
}
