/*
 * core: what every dashboard needs to be in the newest form that the page knows; old forms come as an argument. Works on a
 * copy: the file keeps what it has until somebody edits that part. Sources: Grafana's documented schema, and 135 public dashboards.
 */
import { bounded, type Cuts } from '../bounds';
import { asArray, asNumber, asRecord, asRecords, asText, own, without, type Json } from '../json';
import { fixFieldConfig, newReducer } from './fieldconfig';

/** What reads old forms: `oldForms` of old.ts. */
export interface OldForms {
    panel: (panel: Json) => Json;
    /** The panels of rows[]. */
    rows: (dashboard: Json) => Json[];
}

/* For dashboards that have none of them. */
const NONE: OldForms = { panel: (panel) => panel, rows: () => [] };

const OLD_TYPES = new Set(['graph', 'singlestat', 'grafana-singlestat-panel', 'table-old', 'grafana-piechart-panel']);
/* Members that a panel of the type has only in an old form. */
const OLD_MEMBERS: Readonly<Record<string, readonly string[]>> = { table: ['styles', 'transform', 'columns'], heatmap: ['yAxis', 'color'], text: ['content', 'mode'] };

function isOldAlone(panel: Json): boolean {
    const type = asText(panel.type) ?? '';
    return OLD_TYPES.has(type) || (own(OLD_MEMBERS, type) ?? []).some((member) => panel[member] !== undefined);
}

/* Rows are one level deep. */
function isOld(panel: Json): boolean {
    return isOldAlone(panel) || asRecords(panel.panels).some(isOldAlone);
}

/** hasOldForms tells whether a dashboard needs old.ts. */
export function hasOldForms(loaded: Json): boolean {
    const json = unwrap(loaded);
    return asRecords(json.panels).length === 0 ? json.rows !== undefined : asRecords(json.panels).some(isOld);
}

// ---- panels ----

const NEW_TYPES: Record<string, string> = {
    'grafana-piechart-panel': 'piechart', 'grafana-singlestat-panel': 'singlestat', 'table-old': 'table', 'heatmap-new': 'heatmap',
    'natel-discrete-panel': 'state-timeline', 'vonage-status-panel': 'stat', 'flant-statusmap-panel': 'status-history', 'michaeldmoore-multistat-panel': 'bargauge',
};

/* Options that panels of 6.x kept elsewhere: fieldOptions.calcs, orientation, legend without showLegend. */
function fixOptions(panel: Json): Json {
    const options = { ...asRecord(panel.options) };
    const old = asRecord(options.fieldOptions);
    if (options.reduceOptions === undefined && options.fieldOptions !== undefined) {
        options.reduceOptions = { calcs: asArray(old.calcs).map((c) => newReducer(String(c))), values: old.values === true };
        delete options.fieldOptions;
    }
    const legend = asRecord(options.legend);
    if (options.legend !== undefined && legend.showLegend === undefined) {
        options.legend = { ...legend, showLegend: legend.displayMode !== 'hidden', displayMode: legend.displayMode === 'hidden' ? 'list' : (legend.displayMode ?? 'list') };
    }
    return options;
}

/** isClone tells a copy of a repeated panel, which old versions saved beside it. */
export function isClone(panel: Json): boolean {
    return asNumber(panel.repeatPanelId) !== undefined && (!asText(panel.repeat) || panel.repeatedByRow === true);
}

/** migratePanel gives one panel in the newest form; a row's too. */
export function migratePanel(panel: Json, old: OldForms = NONE): Json {
    const result = migrateOne(panel, old);
    return panel.type === 'row' ? { ...result, panels: asRecords(panel.panels).filter((one) => !isClone(one)).map((one) => migrateOne(one, old)) } : result;
}

function migrateOne(panel: Json, old: OldForms): Json {
    const moved = old.panel(panel);
    const type = own(NEW_TYPES, asText(moved.type) ?? '') ?? moved.type;
    const result: Json = { ...moved, type, options: fixOptions(moved), fieldConfig: fixFieldConfig(moved) };
    /* minSpan of old says how many columns of 12 a repeated panel takes at least. */
    const span = asNumber(panel.minSpan);
    if (span !== undefined && panel.maxPerRow === undefined) {
        result.maxPerRow = Math.max(1, Math.floor(24 / Math.max(1, span)));
    }
    return result;
}

// ---- the dashboard ----

/** withIds numbers the panels that have no number, or one that another has. */
export function withIds(panels: Json[]): Json[] {
    const seen = new Set<number>();
    let next = 1 + panels.flatMap((p) => [p, ...asRecords(p.panels)]).reduce((most, p) => Math.max(most, asNumber(p.id) ?? 0), 0);
    const fix = (panel: Json): Json => {
        const id = asNumber(panel.id);
        const fixed = id === undefined || seen.has(id) ? { ...panel, id: next++ } : panel;
        seen.add(asNumber(fixed.id)!);
        return fixed;
    };
    return panels.map(fix).map((panel) => (panel.panels === undefined ? panel : { ...panel, panels: asRecords(panel.panels).map(fix) }));
}

/* "$datasource" was a template name once, refresh a boolean, hide a flag of its own. */
export function migrateVariable(variable: Json): Json {
    const result = without(variable, ['hideVariable', 'hideLabel', 'refresh_on_load']);
    if (variable.hideVariable === true || variable.hideLabel === true) {
        result.hide = variable.hideVariable === true ? 2 : 1;
    }
    if (typeof variable.refresh === 'boolean') {
        result.refresh = variable.refresh ? 1 : 0;
    }
    if (variable.refresh_on_load === true) {
        result.refresh = 1;
    }
    if (variable.type === undefined && variable.query !== undefined) {
        result.type = 'query';
    }
    return result;
}

/** unwrap takes what an export or the API has around a dashboard away. */
export function unwrap(json: Json): Json {
    const inner = asRecord(json.dashboard);
    return json.panels === undefined && json.rows === undefined && Object.keys(inner).length > 0 ? inner : json;
}

/** migrateDashboard gives a copy in the newest form, within bounds.ts; `cuts` gets what is left out. */
export function migrateDashboard(loaded: Json, old: OldForms = NONE, cuts?: Cuts): Json {
    const json = bounded(unwrap(loaded), cuts);
    const panels = asRecords(json.panels).length === 0 && json.rows !== undefined ? old.rows(json) : asRecords(json.panels);
    return {
        ...without(json, ['rows', 'sharedCrosshair']),
        graphTooltip: asNumber(json.graphTooltip) ?? (json.sharedCrosshair === true ? 1 : 0),
        panels: withIds(panels).filter((panel) => !isClone(panel)).map((panel) => migratePanel(panel, old)),
        templating: { ...asRecord(json.templating), list: asRecords(asRecord(json.templating).list).map(migrateVariable) },
    };
}
