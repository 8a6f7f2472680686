/*
 * The dashboard as the page uses it: Grafana's JSON after migration to the newest form that is known, read member by
 * member. The JSON as loaded is kept beside it by whoever edits: nothing here writes.
 */
import { asNumber, asRecord, asRecords, asText, asTexts, type Json } from './json';
import type { DataLink, FieldConfigSource, Override } from './fieldconfig';
import type { Transformation } from './transform/types';

export interface GridPos {
    x: number;
    y: number;
    w: number; // of 24 columns
    h: number; // rows of 30 px and 8 px between
}

export interface Target {
    refId: string;
    expr: string;
    legendFormat?: string;
    format?: 'time_series' | 'table' | 'heatmap';
    instant: boolean;
    range: boolean;
    exemplar: boolean;
    hide: boolean;
    interval?: string;
    intervalFactor?: number;
    /** A data source that is not this server's metrics: logs, traces, another kind. */
    source?: DataSourceRef;
}

export interface DataSourceRef {
    type?: string;
    uid?: string;
}

export type PanelLink = DataLink;

export interface PanelModel {
    id: number;
    type: string;
    title: string;
    description: string;
    gridPos: GridPos;
    targets: Target[];
    options: Json;
    fieldConfig: FieldConfigSource;
    transformations: Transformation[];
    transparent: boolean;
    repeat?: string;
    repeatDirection: 'h' | 'v';
    maxPerRow: number;
    maxDataPoints?: number;
    interval?: string;
    timeFrom?: string;
    timeShift?: string;
    hideTimeOverride: boolean;
    links: PanelLink[];
    source?: DataSourceRef;
    /** Of a row: whether its panels are folded away, and those. */
    collapsed: boolean;
    panels: PanelModel[];
    /** The panel's JSON after migration, for panels that nobody knows and for the JSON view. */
    raw: Json;
}

export type VariableType = 'query' | 'custom' | 'interval' | 'constant' | 'textbox' | 'datasource' | 'adhoc' | 'system' | 'unknown';

export interface VariableOption {
    text: string;
    value: string;
    selected?: boolean;
}

export interface VariableModel {
    name: string;
    type: VariableType;
    label: string;
    description: string;
    hide: 'no' | 'label' | 'all';
    query: string;
    definition: string;
    regex: string;
    sort: number;
    refresh: 'never' | 'load' | 'range';
    multi: boolean;
    includeAll: boolean;
    allValue: string;
    current: { text: string | string[]; value: string | string[] };
    options: VariableOption[];
    auto: boolean;
    autoCount: number;
    autoMin: string;
    skipUrlSync: boolean;
    filters: AdhocFilter[];
}

export interface AdhocFilter {
    key: string;
    operator: string;
    value: string;
}

export interface AnnotationModel {
    name: string;
    enable: boolean;
    hide: boolean;
    iconColor: string;
    builtIn: boolean;
    expr: string;
    step: string;
    titleFormat: string;
    textFormat: string;
    tagKeys: string;
    useValueForTime: boolean;
    /** Of panels, by id: shown on these alone, or on all but these. */
    panels: { ids: number[]; exclude: boolean };
    source?: DataSourceRef;
}

export interface DashboardLink {
    type: 'dashboards' | 'link';
    title: string;
    url: string;
    tags: string[];
    asDropdown: boolean;
    includeVars: boolean;
    keepTime: boolean;
    targetBlank: boolean;
    tooltip: string;
    icon: string;
}

export interface DashboardModel {
    uid: string;
    title: string;
    description: string;
    tags: string[];
    panels: PanelModel[];
    variables: VariableModel[];
    annotations: AnnotationModel[];
    links: DashboardLink[];
    time: { from: string; to: string };
    refresh: string;
    timezone: string;
    weekStart: string;
    /** 0 = January. */
    fiscalStart: number;
    /** 0 = each panel its own cursor, 1 = one cursor, 2 = one cursor and tooltip. */
    graphTooltip: number;
    editable: boolean;
    schemaVersion: number;
    version: number;
    refreshIntervals: string[];
    /** The dashboard has no field for its range. */
    hidesTime: boolean;
}

// ---- reading ----

function readSource(value: unknown): DataSourceRef | undefined {
    if (typeof value === 'string') {
        return { uid: value };
    }
    const json = asRecord(value);
    const type = asText(json.type);
    const uid = asText(json.uid);
    return type === undefined && uid === undefined ? undefined : { ...(type ? { type } : {}), ...(uid ? { uid } : {}) };
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function readTarget(json: Json, index: number): Target {
    const format = asText(json.format);
    const instant = json.instant === true;
    const source = readSource(json.datasource);
    const target: Target = {
        refId: asText(json.refId) ?? LETTERS[index % LETTERS.length]!,
        expr: asText(json.expr) ?? asText(json.query) ?? '',
        instant,
        range: json.range === undefined ? !instant : json.range === true,
        exemplar: json.exemplar === true,
        hide: json.hide === true,
    };
    const legend = asText(json.legendFormat);
    const factor = asNumber(json.intervalFactor);
    const interval = asText(json.interval);
    return {
        ...target,
        ...(legend !== undefined ? { legendFormat: legend } : {}),
        ...(format === 'table' || format === 'heatmap' || format === 'time_series' ? { format } : {}),
        ...(interval ? { interval } : {}),
        ...(factor !== undefined ? { intervalFactor: factor } : {}),
        ...(source ? { source } : {}),
    };
}

function readOverride(json: Json): Override {
    const matcher = asRecord(json.matcher);
    return {
        matcher: { id: asText(matcher.id) ?? '', options: matcher.options },
        properties: asRecords(json.properties).map((p) => ({ id: asText(p.id) ?? '', value: p.value })),
    };
}

export function readFieldConfig(value: unknown): FieldConfigSource {
    const json = asRecord(value);
    return { defaults: asRecord(json.defaults), overrides: asRecords(json.overrides).map(readOverride) };
}

export function readGridPos(value: unknown): GridPos {
    const json = asRecord(value);
    const w = Math.min(24, Math.max(1, Math.round(asNumber(json.w) ?? 12)));
    return {
        x: Math.min(24 - w, Math.max(0, Math.round(asNumber(json.x) ?? 0))),
        y: Math.max(0, Math.round(asNumber(json.y) ?? 0)),
        w,
        h: Math.max(1, Math.round(asNumber(json.h) ?? 8)),
    };
}

/* What old links carry on was a flag, and further parameters a member of their own. */
function readLink(json: Json): PanelLink {
    const more = [json.keepTime === true ? '${__url_time_range}' : '', json.includeVars === true ? '${__all_variables}' : '', asText(json.params) ?? ''].filter((part) => part !== '').join('&');
    const url = asText(json.url) ?? '';
    return { title: asText(json.title) ?? '', url: more === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${more}`, targetBlank: json.targetBlank === true };
}

/** readPanel reads one panel of migrated JSON; rows are one level deep. */
export function readPanel(json: Json): PanelModel {
    return { ...readOne(json), panels: asRecords(json.panels).map(readOne) };
}

function readOne(json: Json): PanelModel {
    const type = asText(json.type) ?? 'unknown';
    const optional: Partial<PanelModel> = {};
    const points = asNumber(json.maxDataPoints);
    const source = readSource(json.datasource);
    if (points !== undefined) {
        optional.maxDataPoints = points;
    }
    if (source) {
        optional.source = source;
    }
    for (const key of ['repeat', 'interval', 'timeFrom', 'timeShift'] as const) {
        const text = asText(json[key]);
        if (text) {
            optional[key] = text;
        }
    }
    return {
        id: asNumber(json.id) ?? 0,
        type,
        title: asText(json.title) ?? '',
        description: asText(json.description) ?? '',
        gridPos: type === 'row' ? { ...readGridPos(json.gridPos), x: 0, w: 24, h: 1 } : readGridPos(json.gridPos),
        targets: asRecords(json.targets).map(readTarget),
        options: asRecord(json.options),
        fieldConfig: readFieldConfig(json.fieldConfig),
        transformations: asRecords(json.transformations).map((t) => ({ ...t, id: asText(t.id) ?? '', options: asRecord(t.options) })),
        transparent: json.transparent === true,
        repeatDirection: json.repeatDirection === 'v' ? 'v' : 'h',
        maxPerRow: asNumber(json.maxPerRow) ?? 4,
        hideTimeOverride: json.hideTimeOverride === true,
        links: asRecords(json.links).map(readLink),
        collapsed: json.collapsed === true,
        panels: [],
        raw: json,
        ...optional,
    };
}

const VARIABLE_TYPES: readonly string[] = ['query', 'custom', 'interval', 'constant', 'textbox', 'datasource', 'adhoc', 'system'];
const HIDES = ['no', 'label', 'all'] as const;
const REFRESHES = ['never', 'load', 'range'] as const;

function oneOrMany(value: unknown): string | string[] {
    return Array.isArray(value) ? value.map(String) : value === undefined || value === null ? '' : String(value);
}

function readVariable(json: Json): VariableModel {
    const type = asText(json.type) ?? '';
    const query = asText(json.query) ?? asText(asRecord(json.query).query) ?? '';
    const current = asRecord(json.current);
    return {
        name: asText(json.name) ?? '',
        type: VARIABLE_TYPES.includes(type) ? (type as VariableType) : 'unknown',
        label: asText(json.label) ?? '',
        description: asText(json.description) ?? '',
        hide: HIDES[asNumber(json.hide) ?? 0] ?? 'no',
        query,
        definition: asText(json.definition) ?? '',
        regex: asText(json.regex) ?? '',
        sort: asNumber(json.sort) ?? 0,
        refresh: REFRESHES[asNumber(json.refresh) ?? (json.refresh === true ? 1 : 0)] ?? 'never',
        multi: json.multi === true,
        includeAll: json.includeAll === true,
        allValue: asText(json.allValue) ?? '',
        current: { text: oneOrMany(current.text), value: oneOrMany(current.value) },
        options: asRecords(json.options).map((o) => ({ text: String(o.text ?? o.value ?? ''), value: String(o.value ?? ''), selected: o.selected === true })),
        auto: json.auto === true,
        autoCount: asNumber(json.auto_count) ?? 30,
        autoMin: asText(json.auto_min) ?? '10s',
        skipUrlSync: json.skipUrlSync === true,
        filters: asRecords(json.filters).map((f) => ({ key: asText(f.key) ?? '', operator: asText(f.operator) ?? '=', value: asText(f.value) ?? '' })),
    };
}

function readAnnotation(json: Json): AnnotationModel {
    const filter = asRecord(json.filter);
    const source = readSource(json.datasource);
    return {
        name: asText(json.name) ?? '',
        enable: json.enable !== false,
        hide: json.hide === true,
        iconColor: asText(json.iconColor) ?? 'rgba(0, 211, 255, 1)',
        builtIn: json.builtIn === 1 || json.builtIn === true,
        expr: asText(json.expr) ?? asText(asRecord(json.target).expr) ?? '',
        step: asText(json.step) ?? asText(asRecord(json.target).step) ?? asText(asRecord(json.target).interval) ?? '60s',
        titleFormat: asText(json.titleFormat) ?? '',
        textFormat: asText(json.textFormat) ?? '',
        tagKeys: asText(json.tagKeys) ?? '',
        useValueForTime: json.useValueForTime === true || json.useValueForTime === 'on',
        panels: { ids: Array.isArray(filter.ids) ? filter.ids.map(Number).filter(Number.isFinite) : [], exclude: filter.exclude === true },
        ...(source ? { source } : {}),
    };
}

function readDashboardLink(json: Json): DashboardLink {
    return {
        type: json.type === 'link' ? 'link' : 'dashboards',
        title: asText(json.title) ?? '',
        url: asText(json.url) ?? '',
        tags: asTexts(json.tags),
        asDropdown: json.asDropdown === true,
        includeVars: json.includeVars === true,
        keepTime: json.keepTime === true,
        targetBlank: json.targetBlank === true,
        tooltip: asText(json.tooltip) ?? '',
        icon: asText(json.icon) ?? '',
    };
}

const REFRESH_INTERVALS = ['5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h', '2h', '1d'];

/* What is none is January. */
function readMonth(value: unknown): number {
    const month = asNumber(value) ?? 0;
    return Number.isInteger(month) && month >= 0 && month < 12 ? month : 0;
}

/** readDashboard reads migrated JSON: migrate/index.ts. */
export function readDashboard(json: Json): DashboardModel {
    const time = asRecord(json.time);
    const intervals = asTexts(asRecord(json.timepicker).refresh_intervals);
    return {
        uid: asText(json.uid) ?? '',
        title: asText(json.title) ?? '',
        description: asText(json.description) ?? '',
        tags: asTexts(json.tags),
        panels: asRecords(json.panels).map(readPanel),
        variables: asRecords(asRecord(json.templating).list).map(readVariable).filter((v) => v.name !== ''),
        annotations: asRecords(asRecord(json.annotations).list).map(readAnnotation),
        links: asRecords(json.links).map(readDashboardLink),
        time: { from: asText(time.from) ?? 'now-6h', to: asText(time.to) ?? 'now' },
        refresh: asText(json.refresh) ?? '',
        timezone: asText(json.timezone) ?? '',
        weekStart: asText(json.weekStart) ?? '',
        fiscalStart: readMonth(json.fiscalYearStartMonth),
        graphTooltip: asNumber(json.graphTooltip) ?? 0,
        editable: json.editable !== false,
        schemaVersion: asNumber(json.schemaVersion) ?? 0,
        version: asNumber(json.version) ?? 0,
        refreshIntervals: intervals.length > 0 ? intervals : REFRESH_INTERVALS,
        hidesTime: asRecord(json.timepicker).hidden === true,
    };
}

/** allPanels walks every panel, those in folded rows too; rows themselves come first. */
export function allPanels(panels: readonly PanelModel[]): PanelModel[] {
    return panels.flatMap((p) => [p, ...p.panels]);
}

/** isOwnSource tells whether a data source reference means this server's metrics. */
export function isOwnSource(source: DataSourceRef | undefined): boolean {
    const type = source?.type;
    return type === undefined || type === '' || type === 'prometheus' || type === 'datasource' || type.startsWith('$') || type === '__expr__';
}

