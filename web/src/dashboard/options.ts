/*
 * options: what a panel's editor offers, as tables. A row says where the value stands in the panel's JSON, how it is
 * asked for, and what counts where the JSON has none. Each panel type has its rows beside it (panels/<type>/options.ts);
 * those that all share are here. The editor draws any row; overrides offer the same rows.
 */
import { asRecord, type Json } from '../grafana/json';
import { getIn, setIn, type Path } from '../grafana/edit/patch';
import { reducers } from '../grafana/reduce';

export interface Choice {
    value: string | number | boolean;
    label: string;
}

export type OptionKind =
    | { kind: 'select' | 'segments'; choices: readonly Choice[] }
    | { kind: 'number'; min?: number; max?: number; step?: number; unset?: string }
    | { kind: 'text' | 'lines'; placeholder?: string }
    | { kind: 'switch' }
    | { kind: 'choices'; choices: readonly Choice[] } // several
    | { kind: 'reducer' | 'reducers' | 'fieldPattern' | 'field' | 'texts' | 'unit' | 'color' | 'fixedColor' | 'thresholds' | 'mappings' | 'links' | 'variable' };

/* Where in a panel's JSON: its options, its field config's own part, the field config that all panels share, the panel itself. */
export type OptionPlace = 'options' | 'custom' | 'field' | 'panel';

export type OptionRow = OptionKind & {
    in: OptionPlace;
    /* Path below that place, with dots. */
    id: string;
    group: string;
    label: string;
    help?: string;
    /* What counts where nothing is said. */
    fallback?: unknown;
    /* Shown only then. */
    when?: (get: (place: OptionPlace, id: string) => unknown) => boolean;
    /* Makes sense for single fields alone. */
    overrideOnly?: boolean;
};

const ROOTS: Record<OptionPlace, Path> = { options: ['options'], custom: ['fieldConfig', 'defaults', 'custom'], field: ['fieldConfig', 'defaults'], panel: [] };

export function optionPath(row: Pick<OptionRow, 'in' | 'id'>): Path {
    return [...ROOTS[row.in], ...row.id.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))];
}

export function getOption(panel: Json, row: Pick<OptionRow, 'in' | 'id'>): unknown {
    return getIn(panel, optionPath(row));
}

/** setOption writes a value; undefined takes it away, so that what counts where nothing is said counts. */
export function setOption(panel: Json, row: Pick<OptionRow, 'in' | 'id'>, value: unknown): Json {
    const path = optionPath(row);
    /* A list on the way (reduceOptions.calcs.0) is made where there is none. */
    const list = path.findIndex((part) => typeof part === 'number');
    const lacksList = list > 0 && (getIn(panel, path.slice(0, list)) as unknown[] | undefined)?.length === undefined;
    const isEmptyList = list > 0 && !lacksList && getIn(panel, path.slice(0, list + 1)) === undefined;
    if (!lacksList && !isEmptyList) {
        return setIn(panel, path, value);
    }
    return value === undefined ? panel : setIn(setIn(panel, path.slice(0, list), [{}]), path, value);
}

export function isShown(panel: Json, row: OptionRow): boolean {
    return row.overrideOnly !== true && (row.when?.((place, id) => getOption(panel, { in: place, id })) ?? true);
}

// ---- overrides ----

/** propertyId is the row's name in an override: the whole of a nested member, as Grafana writes it. */
export function propertyId(row: Pick<OptionRow, 'in' | 'id'>): string {
    return row.in === 'custom' ? `custom.${row.id.split('.')[0]}` : row.id;
}

/** propertyPath is where in an override's value the row's own stands. */
export function propertyPath(row: Pick<OptionRow, 'in' | 'id'>): Path {
    return row.in === 'custom' ? row.id.split('.').slice(1) : [];
}

/** overridable lists the rows that an override may have. */
export function overridable(rows: readonly OptionRow[]): OptionRow[] {
    return rows.filter((row) => row.in === 'field' || row.in === 'custom');
}

// ---- rows that many share ----

export const choice = (value: Choice['value'], label: string): Choice => ({ value, label });

export function reducerChoices(): Choice[] {
    return reducers().map((r) => choice(r.id, r.name));
}

export const PANEL_ROWS: readonly OptionRow[] = [
    { in: 'panel', id: 'title', group: 'Panel options', label: 'Title', kind: 'text' },
    { in: 'panel', id: 'description', group: 'Panel options', label: 'Description', kind: 'lines' },
    { in: 'panel', id: 'transparent', group: 'Panel options', label: 'Transparent background', kind: 'switch', fallback: false },
    { in: 'panel', id: 'links', group: 'Panel options', label: 'Links', kind: 'links', help: 'In the menu of the panel' },
    { in: 'panel', id: 'repeat', group: 'Panel options', label: 'Repeat by variable', kind: 'variable' },
    { in: 'panel', id: 'repeatDirection', group: 'Panel options', label: 'Repeat direction', kind: 'segments', choices: [choice('h', 'Beside'), choice('v', 'Below')], fallback: 'h', when: (get) => Boolean(get('panel', 'repeat')) },
    { in: 'panel', id: 'maxPerRow', group: 'Panel options', label: 'Most in a line', kind: 'select', choices: [1, 2, 3, 4, 6, 8, 12].map((n) => choice(n, String(n))), fallback: 4, when: (get) => Boolean(get('panel', 'repeat')) && get('panel', 'repeatDirection') !== 'v' },
];

export const QUERY_ROWS: readonly OptionRow[] = [
    { in: 'panel', id: 'maxDataPoints', group: 'Query options', label: 'Max data points', kind: 'number', min: 1, max: 11_000, unset: 'by width' },
    { in: 'panel', id: 'interval', group: 'Query options', label: 'Min interval', kind: 'text', placeholder: 'as scraped' },
    { in: 'panel', id: 'timeFrom', group: 'Query options', label: 'Relative time', kind: 'text', placeholder: '1h' },
    { in: 'panel', id: 'timeShift', group: 'Query options', label: 'Time shift', kind: 'text', placeholder: '1d' },
    { in: 'panel', id: 'hideTimeOverride', group: 'Query options', label: 'Hide time info', kind: 'switch', fallback: false },
];

/* Colours, limits, texts: what every panel that shows numbers has. */
export const FIELD_ROWS: readonly OptionRow[] = [
    { in: 'field', id: 'unit', group: 'Standard options', label: 'Unit', kind: 'unit' },
    { in: 'field', id: 'min', group: 'Standard options', label: 'Min', kind: 'number', unset: 'of the data' },
    { in: 'field', id: 'max', group: 'Standard options', label: 'Max', kind: 'number', unset: 'of the data' },
    { in: 'field', id: 'fieldMinMax', group: 'Standard options', label: 'Min and max of each field alone', kind: 'switch', fallback: false },
    { in: 'field', id: 'decimals', group: 'Standard options', label: 'Decimals', kind: 'number', min: 0, max: 15, unset: 'auto' },
    { in: 'field', id: 'displayName', group: 'Standard options', label: 'Display name', kind: 'text', placeholder: '${__field.name}' },
    { in: 'field', id: 'color', group: 'Standard options', label: 'Color scheme', kind: 'color' },
    { in: 'field', id: 'noValue', group: 'Standard options', label: 'No value', kind: 'text', placeholder: '-' },
    { in: 'field', id: 'mappings', group: 'Value mappings', label: 'Value mappings', kind: 'mappings' },
    { in: 'field', id: 'thresholds', group: 'Thresholds', label: 'Thresholds', kind: 'thresholds' },
];

export const LINK_ROWS: readonly OptionRow[] = [
    { in: 'field', id: 'links', group: 'Data links', label: 'Data links', kind: 'links', help: '${__value.raw} and ${__value.text} are the value that is clicked' },
];

export const REDUCE_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'reduceOptions.values', group: 'Value options', label: 'Show', kind: 'segments', choices: [choice(false, 'Calculate'), choice(true, 'All values')], fallback: false },
    { in: 'options', id: 'reduceOptions.calcs.0', group: 'Value options', label: 'Calculation', kind: 'reducer', fallback: 'lastNotNull', when: (get) => get('options', 'reduceOptions.values') !== true },
    { in: 'options', id: 'reduceOptions.limit', group: 'Value options', label: 'Limit', kind: 'number', min: 1, max: 1000, unset: '25', when: (get) => get('options', 'reduceOptions.values') === true },
    { in: 'options', id: 'reduceOptions.fields', group: 'Value options', label: 'Fields', kind: 'fieldPattern', fallback: '' },
];

export const LEGEND_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'legend.showLegend', group: 'Legend', label: 'Visibility', kind: 'switch', fallback: true },
    { in: 'options', id: 'legend.displayMode', group: 'Legend', label: 'Mode', kind: 'segments', choices: [choice('list', 'List'), choice('table', 'Table')], fallback: 'list', when: (get) => get('options', 'legend.showLegend') !== false },
    { in: 'options', id: 'legend.placement', group: 'Legend', label: 'Placement', kind: 'segments', choices: [choice('bottom', 'Bottom'), choice('right', 'Right')], fallback: 'bottom', when: (get) => get('options', 'legend.showLegend') !== false },
    { in: 'options', id: 'legend.width', group: 'Legend', label: 'Width', kind: 'number', min: 40, max: 2000, unset: 'auto', when: (get) => get('options', 'legend.showLegend') !== false && get('options', 'legend.placement') === 'right' },
];

export const LEGEND_VALUE_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'legend.calcs', group: 'Legend', label: 'Values', kind: 'reducers', help: 'Figures beside each name', when: (get) => get('options', 'legend.showLegend') !== false },
];

export const TOOLTIP_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'tooltip.mode', group: 'Tooltip', label: 'Tooltip mode', kind: 'segments', choices: [choice('single', 'Single'), choice('multi', 'All'), choice('none', 'Hidden')], fallback: 'multi' },
    { in: 'options', id: 'tooltip.sort', group: 'Tooltip', label: 'Values sort order', kind: 'segments', choices: [choice('none', 'None'), choice('asc', 'Ascending'), choice('desc', 'Descending')], fallback: 'none', when: (get) => !['single', 'none'].includes(String(get('options', 'tooltip.mode'))) },
];

export const ORIENTATION: OptionRow = {
    in: 'options', id: 'orientation', group: 'Value options', label: 'Orientation', kind: 'segments', choices: [choice('auto', 'Auto'), choice('horizontal', 'Horizontal'), choice('vertical', 'Vertical')], fallback: 'auto',
};

// ---- another type ----

export interface PanelKind {
    name: string;
    hint: string;
    rows: readonly OptionRow[];
    /* Shows no numbers: without queries and field options. */
    isPlain?: boolean;
}

const firstPart = (id: string): string => id.split('.')[0]!;

/**
 * withType gives the panel as another type: field config stays, of the panel's own parts those that the new type knows;
 * `seen` has the parts of types that were chosen before, so that one may go back.
 */
export function withType(panel: Json, type: string, kind: PanelKind, seen: ReadonlyMap<string, Json>): Json {
    const before = seen.get(type);
    const knows = (place: OptionPlace, key: string): boolean => kind.rows.some((r) => r.in === place && firstPart(r.id) === key);
    const options = before ? asRecord(before.options) : Object.fromEntries(Object.entries(asRecord(panel.options)).filter(([key]) => knows('options', key)));
    const config = asRecord(panel.fieldConfig);
    const defaults = asRecord(config.defaults);
    const custom = before ? asRecord(asRecord(asRecord(before.fieldConfig).defaults).custom) : Object.fromEntries(Object.entries(asRecord(defaults.custom)).filter(([key]) => knows('custom', key)));
    const next = { ...panel, type, options };
    return Object.keys(custom).length === 0 && defaults.custom === undefined ? next : setIn(next, ['fieldConfig', 'defaults', 'custom'], Object.keys(custom).length === 0 ? undefined : custom);
}
