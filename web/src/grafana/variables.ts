/*
 * Variables of dashboards: what a query asks the server for, the options that its answer gives (regex, sorting, All), what
 * is chosen, and in which order variables that use each other are looked up.
 */
import { HOUR, MINUTE, SECOND, parseInterval, roundInterval } from './datetime';
import { variableNames, type VariableValue } from './interpolate';
import { own } from './json';
import { toRegExp } from './mappings';
import type { VariableModel, VariableOption } from './model';

export const ALL_VALUE = '$__all';
export const ALL_TEXT = 'All';

/** Options beyond this many are cut off. */
export const OPTIONS_MAX = 5000;

// ---- queries ----

export type VariableQuery =
    | { kind: 'labelNames'; matcher: string }
    | { kind: 'labelValues'; label: string; matcher: string }
    | { kind: 'metrics'; pattern: string }
    | { kind: 'queryResult'; expr: string }
    | { kind: 'series'; matcher: string }
    | { kind: 'none' };

/** parseVariableQuery reads label_names(), label_values(m, l), label_values(l), metrics(re), query_result(e), or a selector. */
export function parseVariableQuery(text: string): VariableQuery {
    const query = text.trim();
    if (query === '') {
        return { kind: 'none' };
    }
    const call = /^(\w+)\(([\s\S]*)\)\s*$/.exec(query);
    const inside = call?.[2]?.trim() ?? '';
    switch (call?.[1]) {
        case 'label_names':
            return { kind: 'labelNames', matcher: inside };
        case 'label_values': {
            const comma = inside.lastIndexOf(',');
            return comma < 0
                ? { kind: 'labelValues', label: inside, matcher: '' }
                : { kind: 'labelValues', label: inside.slice(comma + 1).trim(), matcher: inside.slice(0, comma).trim() };
        }
        case 'metrics':
            return { kind: 'metrics', pattern: inside };
        case 'query_result':
            return { kind: 'queryResult', expr: inside };
        default:
            return { kind: 'series', matcher: query };
    }
}

// ---- options ----

/* Natural order: numbers in the texts count as numbers. */
const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function leadingNumber(text: string): number {
    const found = /.*?(\d+).*/.exec(text);
    return found ? Number(found[1]) : -1;
}

const ORDERS: Record<number, (a: VariableOption, b: VariableOption) => number> = {
    1: (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
    3: (a, b) => leadingNumber(a.text) - leadingNumber(b.text),
    5: (a, b) => a.text.toLowerCase().localeCompare(b.text.toLowerCase()),
    7: (a, b) => natural.compare(a.text, b.text),
};

/** sortOptions sorts as a variable's `sort` says: 0 as they come, 1/2 by text, 3/4 by number, 5/6 without case, 7/8 naturally. */
export function sortOptions(options: readonly VariableOption[], sort: number): VariableOption[] {
    const order = ORDERS[sort % 2 === 0 ? sort - 1 : sort];
    const sorted = [...options];
    if (order) {
        sorted.sort(order);
    }
    return sort > 0 && sort % 2 === 0 ? sorted.reverse() : sorted;
}

/* A regex picks values, and of each its named groups text and value, or its first group (with the flag g that of every match), or all of it. */
function throughRegex(text: string, regex: RegExp): VariableOption[] {
    const all = regex.global ? [...text.matchAll(regex)] : [regex.exec(text)].filter((m) => m !== null);
    const named = (name: string): string | undefined => all.map((m) => own(m.groups, name)).find((found) => found);
    const value = named('value') ?? named('text');
    if (value !== undefined) {
        return [{ value, text: named('text') ?? value }];
    }
    const picked = all.map((m) => (m.length > 1 ? m[1] : text)).filter((one) => one !== undefined);
    return picked.map((one) => ({ value: one, text: one }));
}

/** optionsFrom makes the options of a query's values: through the regex, each once, sorted. */
export function optionsFrom(values: readonly string[], regexText: string, sort: number): VariableOption[] {
    const regex = regexText === '' ? undefined : toRegExp(regexText);
    const seen = new Set<string>();
    const options: VariableOption[] = [];
    for (const value of values) {
        for (const option of regex ? throughRegex(value, regex) : [{ text: value, value }]) {
            if (!seen.has(option.value) && options.length < OPTIONS_MAX) {
                seen.add(option.value);
                options.push(option);
            }
        }
    }
    return sortOptions(options, sort);
}

/** customOptions reads "a, b : 2, c\,d": text : value, a backslash keeps a comma. */
export function customOptions(query: string): VariableOption[] {
    const parts = query.match(/(?:\\,|[^,])+/g) ?? [];
    return parts.map((part) => {
        const text = part.replace(/\\,/g, ',').trim();
        const pair = /^\s*(.+)\s:\s(.+)$/.exec(text);
        return pair ? { text: pair[1]!.trim(), value: pair[2]!.trim() } : { text, value: text };
    });
}

/** autoInterval is what "auto" means for a range: `count` steps over it, at least `least`. */
export function autoInterval(rangeMs: number, count: number, least: string): string {
    const ms = Math.max(roundInterval(rangeMs / Math.max(1, count)), parseInterval(least) || SECOND);
    return ms % HOUR === 0 ? `${ms / HOUR}h` : ms % MINUTE === 0 ? `${ms / MINUTE}m` : ms % SECOND === 0 ? `${ms / SECOND}s` : `${ms}ms`;
}

/** optionsOf gives the options of variables that ask no server; undefined for those that do. */
export function optionsOf(variable: VariableModel, rangeMs: number): VariableOption[] | undefined {
    switch (variable.type) {
        case 'custom':
            return customOptions(variable.query);
        case 'interval': {
            const list = customOptions(variable.query);
            const auto = { text: 'auto', value: autoInterval(rangeMs, variable.autoCount, variable.autoMin) };
            return variable.auto ? [auto, ...list] : list;
        }
        case 'constant':
        case 'textbox':
            return [{ text: variable.query, value: variable.query }];
        case 'datasource':
            return [{ text: 'barograph', value: 'barograph' }];
        case 'query':
            return undefined;
        case 'adhoc':
        case 'system':
        case 'unknown':
            return [];
    }
}

// ---- choice ----

export interface Choice {
    values: string[];
}

function isAll(values: readonly string[]): boolean {
    return values.length === 1 && (values[0] === ALL_VALUE || values[0] === ALL_TEXT);
}

/** initialChoice is what the URL says, else what the dashboard has, as far as it is among the options; else the first. */
export function initialChoice(variable: VariableModel, options: readonly VariableOption[], fromUrl: readonly string[] | undefined): Choice {
    const stored = [variable.current.value].flat().filter((v) => v !== '');
    const wanted = fromUrl ?? stored;
    if (variable.type === 'textbox' || variable.type === 'constant') {
        return { values: [(variable.type === 'textbox' ? (fromUrl?.[0] ?? stored[0]) : undefined) ?? variable.query] };
    }
    if (variable.type === 'interval' && wanted[0]?.startsWith('$__auto_interval')) {
        return { values: ['auto'] };
    }
    if (variable.includeAll && isAll(wanted)) {
        return { values: [ALL_VALUE] };
    }
    const valid = wanted.map((w) => options.find((o) => o.value === w || o.text === w)?.value).filter((v): v is string => v !== undefined);
    if (valid.length > 0) {
        return { values: variable.multi ? valid : [valid[0]!] };
    }
    /* A value from the URL that is no option is kept where the user may type his own. */
    if (fromUrl && fromUrl.length > 0 && (variable.type === 'custom' || variable.type === 'query') && options.length === 0) {
        return { values: [...fromUrl] };
    }
    const first = options[0];
    return { values: variable.includeAll && variable.multi && stored.length === 0 ? [ALL_VALUE] : first ? [first.value] : variable.includeAll ? [ALL_VALUE] : [] };
}

/** variableValue is what a choice is in texts. */
export function variableValue(variable: VariableModel, options: readonly VariableOption[], choice: Choice): VariableValue {
    const isMulti = variable.multi || variable.includeAll;
    if (isAll(choice.values) && variable.includeAll) {
        const all = options.map((o) => o.value);
        return { value: all, text: [ALL_TEXT], isMulti, ...(variable.allValue ? { allValue: variable.allValue } : {}) };
    }
    const chosen = choice.values.map((v) => options.find((o) => o.value === v || (v === 'auto' && o.text === 'auto')) ?? { text: v, value: v });
    const value = chosen.map((o) => o.value);
    const text = chosen.map((o) => o.text);
    return variable.multi ? { value, text, isMulti } : { value: value[0] ?? '', text: text[0] ?? '', isMulti };
}

/** choiceText is what the variable's field shows. */
export function choiceText(variable: VariableModel, options: readonly VariableOption[], choice: Choice): string {
    return isAll(choice.values) && variable.includeAll
        ? ALL_TEXT
        : choice.values.map((v) => options.find((o) => o.value === v)?.text ?? v).join(' + ');
}

// ---- order ----

function uses(variable: VariableModel): string {
    return `${variable.query} ${variable.definition} ${variable.regex} ${variable.allValue}`;
}

/** lookupOrder gives names in the order of look-up: each after those that it uses; circles in the file's order. */
export function lookupOrder(variables: readonly VariableModel[]): string[] {
    const byName = new Map(variables.map((v) => [v.name, v]));
    const done = new Set<string>();
    const visiting = new Set<string>();
    const order: string[] = [];
    function visit(name: string): void {
        const variable = byName.get(name);
        if (!variable || done.has(name) || visiting.has(name)) {
            return;
        }
        visiting.add(name);
        variableNames(uses(variable)).forEach(visit);
        visiting.delete(name);
        done.add(name);
        order.push(name);
    }
    variables.forEach((v) => visit(v.name));
    return order;
}

/** dependents names the variables that have to be looked up again when one has changed, in order. */
export function dependents(variables: readonly VariableModel[], changed: string): string[] {
    const dirty = new Set([changed]);
    for (const name of lookupOrder(variables)) {
        const variable = variables.find((v) => v.name === name)!;
        if (name !== changed && variableNames(uses(variable)).some((n) => dirty.has(n))) {
            dirty.add(name);
        }
    }
    dirty.delete(changed);
    return lookupOrder(variables).filter((n) => dirty.has(n));
}
