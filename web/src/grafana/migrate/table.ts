/* The old table: styles become overrides, "transform" becomes a transformation. */
import { asArray, asNumber, asRecord, asRecords, asText, without, type Json } from '../json';
import { newMappings, newReducer, oldPanelMappings, thresholdSteps } from './fieldconfig';

const DROPPED = ['columns', 'fontSize', 'pageSize', 'scroll', 'showHeader', 'sort', 'styles', 'transform', 'editable', 'error'];

function cellColor(mode: string | undefined): Json | undefined {
    switch (mode) {
        case 'cell': return { type: 'color-background' };
        case 'row': return { type: 'color-background', applyToRow: true };
        case 'value': return { type: 'color-text' };
        default: return undefined;
    }
}

function styleProperties(style: Json): Json[] {
    const properties: Json[] = [];
    const add = (id: string, value: unknown): void => {
        properties.push({ id, value });
    };
    const alias = asText(style.alias);
    if (alias) {
        add('displayName', alias);
    }
    if (style.type === 'hidden') {
        add('custom.hidden', true);
    } else if (style.type === 'date') {
        add('unit', style.dateFormat ? `time: ${asText(style.dateFormat)}` : 'dateTimeAsIso');
    } else if (style.type === 'number' || style.type === undefined) {
        if (asText(style.unit)) {
            add('unit', style.unit);
        }
        if (asNumber(style.decimals) !== undefined) {
            add('decimals', asNumber(style.decimals));
        }
    }
    if (style.align && style.align !== 'auto') {
        add('custom.align', style.align);
    }
    const color = cellColor(asText(style.colorMode));
    if (color) {
        add('custom.cellOptions', color);
        const bounds = asArray(style.thresholds).map(String).filter((t) => t !== '').join(',');
        add('thresholds', { mode: 'absolute', steps: thresholdSteps(bounds, asArray(style.colors)) });
    }
    if (style.link === true) {
        add('links', [{ title: asText(style.linkTooltip) ?? '', url: asText(style.linkUrl) ?? '', targetBlank: style.linkTargetBlank === true }]);
    }
    const mappings = oldPanelMappings(style, []);
    if (mappings.length > 0) {
        add('mappings', newMappings(mappings, []));
    }
    return properties;
}

function override(style: Json): Json | undefined {
    const pattern = asText(style.pattern);
    const properties = styleProperties(style);
    if (!pattern || properties.length === 0) {
        return undefined;
    }
    const isRegex = /^\/.*\/[gimsuy]*$/.test(pattern);
    return { matcher: isRegex ? { id: 'byRegexp', options: pattern } : { id: 'byName', options: pattern }, properties };
}

function transformations(panel: Json): Json[] {
    const columns = asRecords(panel.columns).map((c) => asText(c.value)).filter((c): c is string => c !== undefined);
    switch (panel.transform) {
        case 'timeseries_aggregations':
            return [{ id: 'reduce', options: { reducers: columns.map(newReducer), includeTimeField: false } }];
        case 'timeseries_to_columns':
            return [{ id: 'joinByField', options: { byField: 'Time', mode: 'outer' } }];
        case 'timeseries_to_rows':
            return [{ id: 'seriesToRows', options: {} }];
        case 'table':
            return [{ id: 'merge', options: {} }];
        default:
            return [];
    }
}

/** migrateOldTable gives the panel as one of today's; a new table (which has a fieldConfig) passes. */
export function migrateOldTable(panel: Json): Json {
    if (panel.styles === undefined && panel.transform === undefined && panel.columns === undefined) {
        return panel;
    }
    const styles = asRecords(panel.styles);
    const all = styles.find((s) => s.pattern === '/.*/');
    const kept = without(panel, DROPPED);
    const defaults: Json = { custom: {} };
    for (const property of all ? styleProperties(all) : []) {
        const id = asText(property.id)!;
        if (id.startsWith('custom.')) {
            (defaults.custom as Json)[id.slice('custom.'.length)] = property.value;
        } else if (id !== 'displayName') {
            defaults[id] = property.value;
        }
    }
    const sort = asRecord(panel.sort);
    const options: Json = { showHeader: panel.showHeader !== false };
    if (asText(sort.col)) {
        options.sortBy = [{ displayName: sort.col, desc: sort.desc === true }];
    }
    return {
        ...kept, type: 'table', options,
        fieldConfig: { defaults, overrides: styles.filter((s) => s !== all).map(override).filter((o) => o !== undefined) },
        transformations: [...transformations(panel), ...asRecords(panel.transformations)],
    };
}
