/* Old spellings of thresholds, mappings and reducers, and how they are written today. */
import { asArray, asNumber, asRecord, asRecords, asText, isRecord, own, type Json } from '../json';

const REDUCER_NAMES: Record<string, string> = { avg: 'mean', current: 'lastNotNull', total: 'sum', name: 'lastNotNull' };

export function newReducer(id: string): string {
    return own(REDUCER_NAMES, id) ?? id;
}

/** thresholdSteps makes steps of "10,50" and three colours. */
export function thresholdSteps(text: string, colors: readonly unknown[]): Json[] {
    const bounds = text.split(',').map((t) => asNumber(t.trim())).filter((n): n is number => n !== undefined);
    return [null, ...bounds].map((value, i) => ({ color: asText(colors[i]) ?? asText(colors[colors.length - 1]) ?? 'green', value }));
}

function colorAt(steps: readonly Json[], value: number): string | undefined {
    let color: string | undefined;
    for (const step of steps) {
        if (value >= (asNumber(step.value) ?? -Infinity)) {
            color = asText(step.color);
        }
    }
    return color;
}

/* The colour of a mapped text that is a number is that of the number's threshold. */
function result(text: unknown, steps: readonly Json[]): Json {
    const shown = text === undefined || text === null ? '' : String(text);
    const number = asNumber(shown);
    const color = number === undefined ? undefined : colorAt(steps, number);
    return color ? { text: shown, color } : { text: shown };
}

function oldMapping(map: Json, isRange: boolean, steps: readonly Json[]): Json | undefined {
    if (isRange) {
        const isNull = map.from === 'null' || map.to === 'null';
        return isNull
            ? { type: 'special', options: { match: 'null', result: result(map.text, steps) } }
            : { type: 'range', options: { from: asNumber(map.from) ?? null, to: asNumber(map.to) ?? null, result: result(map.text, steps) } };
    }
    if (map.value === undefined || map.value === null) {
        return undefined;
    }
    return map.value === 'null'
        ? { type: 'special', options: { match: 'null', result: result(map.text, steps) } }
        : { type: 'value', options: { [String(map.value)]: result(map.text, steps) } };
}

/** oldPanelMappings reads valueMaps and rangeMaps of panels before version 7. */
export function oldPanelMappings(panel: Json, steps: readonly Json[]): Json[] {
    const values = asRecords(panel.valueMaps);
    const ranges = asRecords(panel.rangeMaps);
    const isRange = panel.mappingType === 2 || (panel.mappingType === undefined && values.length === 0 && ranges.length > 0);
    return (isRange ? ranges : values).map((m) => oldMapping(m, isRange, steps)).filter((m): m is Json => m !== undefined);
}

/** newMappings writes mappings of version 7 (type 1 and 2, one a value) as those of today. */
export function newMappings(value: unknown, steps: readonly Json[]): Json[] {
    const values: Json = {};
    const result: Json[] = [];
    for (const map of asRecords(value)) {
        if (typeof map.type === 'string') {
            result.push(...(isRecord(map.options) ? [map] : []));
            continue;
        }
        const mapped = oldMapping(map, map.type === 2, steps);
        if (mapped?.type === 'value') {
            Object.assign(values, mapped.options);
        } else if (mapped) {
            result.push(mapped);
        }
    }
    return Object.keys(values).length > 0 ? [{ type: 'value', options: values }, ...result] : result;
}

/** fixSteps gives the first step the value null, which files have as null, nothing, or the least number. */
function fixSteps(thresholds: Json): Json {
    const steps = asRecords(thresholds.steps).map((s, i) => ({ ...s, value: i === 0 ? null : (asNumber(s.value) ?? 0) }));
    return { mode: asText(thresholds.mode) ?? 'absolute', steps };
}

/** fixDefaults brings a field config of any version to today's. */
export function fixDefaults(defaults: Json): Json {
    const fixed = { ...defaults };
    const old = asRecords(defaults.thresholds);
    if (Array.isArray(defaults.thresholds)) {
        fixed.thresholds = { mode: 'absolute', steps: old.map((s, i) => ({ color: s.color, value: i === 0 ? null : (asNumber(s.value) ?? asNumber(s.index) ?? 0) })) };
    } else if (defaults.thresholds !== undefined) {
        fixed.thresholds = fixSteps(asRecord(defaults.thresholds));
    }
    if (defaults.mappings !== undefined) {
        fixed.mappings = newMappings(defaults.mappings, asRecords(asRecord(fixed.thresholds).steps));
    }
    if (defaults.title !== undefined && defaults.displayName === undefined) {
        fixed.displayName = defaults.title;
        delete fixed.title;
    }
    const decimals = asNumber(defaults.decimals);
    if (defaults.decimals !== undefined) {
        if (decimals === undefined) {
            delete fixed.decimals;
        } else {
            fixed.decimals = decimals;
        }
    }
    for (const key of ['min', 'max']) {
        const n = asNumber(defaults[key]);
        if (n === undefined) {
            delete fixed[key];
        } else {
            fixed[key] = n;
        }
    }
    return fixed;
}

/** fixFieldConfig finds the field config of a panel of any version: fieldConfig, or options.fieldOptions before 7.0. */
export function fixFieldConfig(panel: Json): Json {
    const options = asRecord(panel.options);
    const old = asRecord(options.fieldOptions);
    const config = asRecord(panel.fieldConfig);
    const defaults = panel.fieldConfig !== undefined ? asRecord(config.defaults) : asRecord(old.defaults);
    const overrides = panel.fieldConfig !== undefined ? asRecords(config.overrides) : asRecords(old.overrides);
    return {
        defaults: fixDefaults(defaults),
        overrides: overrides.map((o) => ({
            ...o,
            properties: asRecords(o.properties).map((p) =>
                p.id === 'mappings' ? { ...p, value: newMappings(p.value, []) } : p.id === 'thresholds' ? { ...p, value: fixSteps(asRecord(p.value)) } : p),
        })),
    };
}

export function isEmpty(value: unknown): boolean {
    return asArray(value).length === 0 && Object.keys(asRecord(value)).length === 0;
}
