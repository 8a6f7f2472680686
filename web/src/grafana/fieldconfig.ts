/*
 * Field config: unit, decimals, limits, thresholds, mappings, colours of each field: the panel's defaults, then its
 * overrides in order; and the display processor, which makes text and colour of a value. Rules as Grafana's.
 */
import { isDateUnit, isBooleanUnit, unitFormatter, type FormatOptions } from './units';
import { mapValue, textTest, type ValueMapping } from './mappings';
import { FALLBACK_COLOR, interpolateColors, namedColor, paletteColor, scaleColors, shadeColor, type Look } from './color';
import { asNumber, asRecord, asText, isRecord, own } from './json';
import { reduceField, reduceNumber } from './reduce';
import { fieldName } from './names';
import type { Field, Frame } from './frame';

export interface Threshold {
    value: number | null; // null = from the least on
    color: string;
}

export interface ThresholdsConfig {
    mode: 'absolute' | 'percentage';
    steps: Threshold[];
}

export interface FieldColor {
    mode: string;
    fixedColor?: string;
    seriesBy?: 'last' | 'min' | 'max';
}

export interface DataLink {
    title: string;
    url: string;
    targetBlank?: boolean;
}

export interface FieldConfig {
    displayName?: string;
    displayNameFromDS?: string;
    description?: string;
    unit?: string;
    decimals?: number | null;
    min?: number | null;
    max?: number | null;
    fieldMinMax?: boolean;
    noValue?: string;
    thresholds?: ThresholdsConfig;
    mappings?: ValueMapping[];
    color?: FieldColor;
    links?: DataLink[];
    filterable?: boolean;
    /** The panel's own: drawStyle, axisPlacement, ... */
    custom?: Record<string, unknown>;
}

export interface Override {
    matcher: { id: string; options?: unknown };
    properties: { id: string; value?: unknown }[];
}

export interface FieldConfigSource {
    defaults: FieldConfig;
    overrides: Override[];
}

// ---- matchers ----

type Matcher = (field: Field, frame: Frame, frames: readonly Frame[]) => boolean;

function names(options: unknown): string[] {
    const list = (options as { names?: unknown } | undefined)?.names ?? options;
    return Array.isArray(list) ? list.filter((n): n is string => typeof n === 'string') : [];
}

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
    eq: (a, b) => a === b, neq: (a, b) => a !== b, gt: (a, b) => a > b, gte: (a, b) => a >= b, lt: (a, b) => a < b, lte: (a, b) => a <= b,
};
const SIGNS: Record<string, string> = { '=': 'eq', '==': 'eq', '!=': 'neq', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' };

function byValue(options: { reducer?: string; op?: string; value?: number } | undefined): Matcher {
    const op = options?.op ?? '';
    const compare = own(COMPARE, own(SIGNS, op) ?? op);
    return (field) => {
        if (!compare || !options?.reducer) {
            return false;
        }
        const value = reduceField(field, [options.reducer])[options.reducer];
        return value !== null && value !== undefined && compare(Number(value), options.value ?? 0);
    };
}

/** fieldMatcher makes the test of an override or a transformation; one that nobody knows matches nothing. */
export function fieldMatcher(id: string, options: unknown): Matcher {
    switch (id) {
        case 'byName':
            return (f, frame, all) => f.name === options || fieldName(f, frame, all) === options;
        case 'byRegexp': {
            const test = typeof options === 'string' ? textTest(options) : undefined;
            return (f, frame, all) => test?.(fieldName(f, frame, all)) ?? false;
        }
        case 'byNames': {
            const wanted = new Set(names(options));
            const mode = (options as { mode?: string } | undefined)?.mode ?? 'include';
            const hit: Matcher = (f, frame, all) => wanted.has(f.name) || wanted.has(fieldName(f, frame, all));
            return mode === 'exclude' ? (f, frame, all) => !hit(f, frame, all) : hit;
        }
        case 'byType':
            return (f) => f.type === options;
        case 'byTypes':
            return (f) => (Array.isArray(options) ? options.includes(f.type) : false);
        case 'numeric':
            return (f) => f.type === 'number';
        case 'time':
            return (f) => f.type === 'time';
        case 'byFrameRefID': {
            const test = typeof options === 'string' && options.startsWith('/') ? textTest(options) : undefined;
            return (_f, frame) => test?.(frame.refId ?? '') ?? frame.refId === options;
        }
        case 'byValue':
            return byValue(options as Parameters<typeof byValue>[0]);
        default:
            return () => false;
    }
}

// ---- applying ----

/* Ids of overrides that are not the name of the config's member. */
const PROPERTY_NAMES: Record<string, string> = { title: 'displayName' };

/* A member of the config as it has to be; one of another kind counts as absent. */
function fitting(key: string, value: unknown): unknown {
    switch (key) {
        case 'min':
        case 'max':
        case 'decimals':
            return asNumber(value);
        case 'unit':
        case 'displayName':
        case 'noValue':
            return typeof value === 'number' ? String(value) : asText(value);
        case 'mappings':
        case 'links':
            return Array.isArray(value) ? value : undefined;
        case 'color':
            return asText(asRecord(value).mode) === undefined ? undefined : value;
        case 'thresholds':
            return isRecord(value) ? value : undefined;
        default:
            return value ?? undefined;
    }
}

/* An override without a value takes away what the defaults say. */
function setProperty(config: FieldConfig, id: string, value: unknown): void {
    const path = id.startsWith('custom.') ? id.split('.') : [own(PROPERTY_NAMES, id) ?? id];
    if (path.includes('__proto__')) {
        return;
    }
    const last = path.pop()!;
    let at = config as Record<string, unknown>;
    for (const part of path) {
        const below = { ...asRecord(at[part]) };
        at[part] = below;
        at = below;
    }
    const wanted = path.length === 0 ? fitting(last, value) : (value ?? undefined);
    if (wanted === undefined) {
        delete at[last];
    } else {
        at[last] = wanted;
    }
}

function defaultsFor(defaults: FieldConfig, fieldOwn: FieldConfig): FieldConfig {
    const config: FieldConfig = { ...fieldOwn };
    for (const [key, value] of Object.entries(defaults)) {
        const wanted = fitting(key, value);
        if (wanted !== undefined && wanted !== '' && key !== 'custom') {
            (config as Record<string, unknown>)[key] = wanted;
        }
    }
    config.custom = { ...asRecord(defaults.custom), ...fieldOwn.custom };
    return config;
}

function overallRange(frames: readonly Frame[]): { min: number; max: number } {
    let min = Infinity;
    let max = -Infinity;
    for (const frame of frames) {
        for (const field of frame.fields) {
            if (field.type === 'number') {
                const low = reduceNumber(field, 'min');
                const high = reduceNumber(field, 'max');
                min = low < min ? low : min;
                max = high > max ? high : max;
            }
        }
    }
    return Number.isFinite(min) ? { min, max } : { min: 0, max: 100 };
}

/**
 * applyFieldConfig gives the frames with each field's config worked out, its name, and its place in the palette. The
 * frames that come in stay as they are.
 */
export function applyFieldConfig(frames: readonly Frame[], source: FieldConfigSource): Frame[] {
    const overrides = source.overrides.map((o) => ({ matches: fieldMatcher(o.matcher.id, o.matcher.options), properties: o.properties }));
    let index = 0;
    const result = frames.map((frame) => ({
        ...frame,
        fields: frame.fields.map((field) => {
            const config = defaultsFor(source.defaults, field.config);
            for (const { matches, properties } of overrides) {
                if (matches(field, frame, frames)) {
                    properties.forEach((p) => setProperty(config, p.id, p.value));
                }
            }
            if (typeof config.min === 'number' && typeof config.max === 'number' && config.min > config.max) {
                [config.min, config.max] = [config.max, config.min];
            }
            return { ...field, config, state: { ...field.state, ...(field.type === 'number' ? { seriesIndex: index++ } : {}) } };
        }),
    }));
    const range = overallRange(result);
    for (const frame of result) {
        for (const field of frame.fields) {
            field.state.displayName = fieldName(field, frame, result);
            if (!field.config.fieldMinMax) {
                field.state.range = { min: field.config.min ?? range.min, max: field.config.max ?? range.max };
            }
        }
    }
    return result;
}

/* Panels whose series have colours of their own; the others colour by threshold. */
const PALETTE_PANELS = ['timeseries', 'trend', 'barchart', 'histogram', 'piechart', 'state-timeline', 'status-history'];

/** panelDefaults gives a panel's field config with what Grafana takes where nothing is said. */
export function panelDefaults(type: string, source: FieldConfigSource): FieldConfigSource {
    return {
        ...source,
        defaults: {
            ...source.defaults,
            color: source.defaults.color ?? { mode: PALETTE_PANELS.includes(type) ? 'palette-classic' : 'thresholds' },
            thresholds: source.defaults.thresholds ?? { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }] },
        },
    };
}

// ---- scales and display ----

export interface Limits {
    min: number;
    max: number;
}

/** fieldLimits is the range that a gauge or a colour scale spans. */
export function fieldLimits(field: Field): Limits {
    const { min, max } = field.config;
    if (typeof min === 'number' && typeof max === 'number') {
        return { min, max };
    }
    if (field.state?.range) {
        return field.state.range;
    }
    const low = reduceNumber(field, 'min');
    const high = reduceNumber(field, 'max');
    return { min: min ?? (Number.isNaN(low) ? 0 : low), max: max ?? (Number.isNaN(high) ? 100 : high) };
}

/** activeThreshold is the last step that the value reaches; the first one where it reaches none. */
export function activeThreshold(config: ThresholdsConfig | undefined, value: number, share: number): Threshold {
    const steps = config?.steps ?? [];
    const measured = config?.mode === 'percentage' ? share * 100 : value;
    let active = steps[0] ?? { value: null, color: FALLBACK_COLOR };
    for (const step of steps) {
        if (measured >= (step.value ?? -Infinity)) {
            active = step;
        } else {
            break;
        }
    }
    return active;
}

/** isByValue says whether a colour mode colours each value, not the series. */
export function isByValue(mode: string | undefined): boolean {
    return mode === undefined || mode === 'thresholds' || mode.startsWith('continuous-');
}

/* Green for true and red for false, or the ends of a continuous scale. */
function booleanColor(isTrue: boolean, mode: string | undefined, look: Look): string {
    const scale = scaleColors(mode ?? '', look);
    return scale ? scale[isTrue ? scale.length - 1 : 0]! : namedColor(isTrue ? 'green' : 'red', look);
}

/** fieldColor gives the colour of a value of a field. */
export function fieldColor(field: Field, value: number, look: Look): string {
    const color = field.config.color;
    if (field.type === 'boolean') {
        return booleanColor(Boolean(value), color?.mode, look);
    }
    const { min, max } = fieldLimits(field);
    const share = value === -Infinity || max === min ? 0 : (value - min) / (max - min);
    const mode = color?.mode ?? 'thresholds';
    switch (mode) {
        case 'fixed':
        case 'gradient':
            return namedColor(color?.fixedColor ?? FALLBACK_COLOR, look);
        case 'shades':
            return shadeColor(namedColor(color?.fixedColor ?? FALLBACK_COLOR, look), field.state?.seriesIndex ?? 0);
        default: {
            const scale = scaleColors(mode, look);
            return scale
                ? interpolateColors(scale, Number.isNaN(share) ? 0 : share)
                : (paletteColor(mode, field.state?.seriesIndex ?? 0, field.state?.displayName ?? field.name, look) ??
                      namedColor(activeThreshold(field.config.thresholds, value, share).color, look));
        }
    }
}

/** seriesColor is the one colour of a series: that of its value (by `seriesBy`) where colours go by value. */
export function seriesColor(field: Field, look: Look): string {
    if (!isByValue(field.config.color?.mode)) {
        return fieldColor(field, 0, look);
    }
    const by = field.config.color?.seriesBy ?? 'last';
    const value = reduceNumber(field, by);
    return fieldColor(field, Number.isNaN(value) ? 0 : value, look);
}

export interface DisplayValue {
    text: string;
    prefix?: string;
    suffix?: string;
    numeric: number;
    color: string;
    /** Place within the limits, 0 to 1. */
    percent: number;
    icon?: string;
}

function toNumber(value: unknown): number {
    if (typeof value === 'number') {
        return value;
    }
    if (typeof value === 'boolean') {
        return value ? 1 : 0;
    }
    return value === null || value === undefined || value === '' || Array.isArray(value) ? NaN : Number(value);
}

function unitOf(field: Field): string | undefined {
    const unit = field.config.unit;
    if (field.type === 'time' && !isDateUnit(unit)) {
        return 'dateTimeAsSystem';
    }
    if (field.type === 'boolean' && !isBooleanUnit(unit)) {
        return 'bool';
    }
    return unit || (field.type === 'string' ? 'string' : undefined);
}

/* Times less than a minute apart are shown with their milliseconds. */
function showsMs(field: Field): boolean {
    const first = Number(field.values[0]);
    const last = Number(field.values[field.values.length - 1]);
    return field.type === 'time' && field.values.length > 1 && Math.abs(last - first) < 60_000;
}

function plainText(value: unknown): string {
    return value === null || value === undefined ? '' : Array.isArray(value) ? value.join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** displayProcessor makes the function that turns a value of a field into text, colour and place. */
export function displayProcessor(field: Field, look: Look, options: FormatOptions = {}): (value: unknown) => DisplayValue {
    const { mappings, noValue, decimals } = field.config;
    const unit = unitOf(field);
    const format = unitFormatter(unit);
    const limits = fieldLimits(field);
    const formatOptions = { ...options, showMs: showsMs(field) };
    return (value) => {
        const given = isDateUnit(unit) && typeof value === 'string' && Number.isNaN(Number(value)) ? Date.parse(value) : value;
        const numeric = unit === 'string' ? NaN : toNumber(given);
        const mapped = mapValue(mappings, given);
        const scaleAt = Number.isNaN(numeric) ? -Infinity : numeric;
        const share = scaleAt === -Infinity ? 0 : (numeric - limits.min) / (limits.max - limits.min);
        const result: DisplayValue = {
            text: '', numeric, percent: Number.isFinite(share) ? share : 0,
            color: mapped?.color ? namedColor(mapped.color, look) : fieldColor(field, scaleAt, look),
        };
        if (mapped?.icon) {
            result.icon = mapped.icon;
        }
        if (mapped?.text !== undefined) {
            result.text = mapped.text;
        } else if (typeof given !== 'boolean' && !Number.isNaN(numeric)) {
            const formatted = format(numeric, decimals, formatOptions);
            result.text = formatted.text;
            result.prefix = formatted.prefix;
            result.suffix = formatted.suffix;
        } else {
            result.text = plainText(given) || (noValue ?? '');
        }
        return result;
    };
}

export function displayText(value: DisplayValue): string {
    return `${value.prefix ?? ''}${value.text}${value.suffix ?? ''}`;
}
