/* The old singlestat as a stat or a gauge. */
import { asArray, asNumber, asRecord, asRecords, asText, without, type Json } from '../json';
import { newReducer, oldPanelMappings, thresholdSteps } from './fieldconfig';

const DROPPED = [
    'cacheTimeout', 'colorBackground', 'colorPostfix', 'colorPrefix', 'colorValue', 'colors', 'decimals', 'editable', 'error', 'format', 'gauge', 'mappingType',
    'mappingTypes', 'nullPointMode', 'nullText', 'postfix', 'postfixFontSize', 'prefix', 'prefixFontSize', 'rangeMaps', 'sparkline', 'tableColumn', 'thresholds',
    'valueFontSize', 'valueMaps', 'valueName', 'sideWidth',
];

function defaultsOf(panel: Json): Json {
    const gauge = asRecord(panel.gauge);
    const colors = asArray(panel.colors);
    const bounds = asText(panel.thresholds) ?? '';
    const steps = bounds === '' ? [{ color: 'green', value: null }] : thresholdSteps(bounds, colors);
    const defaults: Json = { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps }, mappings: oldPanelMappings(panel, steps) };
    const unit = asText(panel.format);
    const decimals = asNumber(panel.decimals);
    const spark = asRecord(panel.sparkline);
    if (unit && unit !== 'none') {
        defaults.unit = unit;
    }
    if (decimals !== undefined) {
        defaults.decimals = decimals;
    }
    if (asText(panel.nullText)) {
        defaults.noValue = panel.nullText;
    }
    if (gauge.show === true) {
        defaults.min = asNumber(gauge.minValue) ?? 0;
        defaults.max = asNumber(gauge.maxValue) ?? 100;
    }
    if (spark.show === true && panel.colorValue !== true && panel.colorBackground !== true && asText(spark.lineColor)) {
        defaults.color = { mode: 'fixed', fixedColor: spark.lineColor };
    }
    return defaults;
}

/** migrateSinglestat gives the panel as one of today's. */
export function migrateSinglestat(panel: Json): Json {
    const isGauge = asRecord(panel.gauge).show === true;
    const kept = without(panel, DROPPED);
    const field = asText(panel.tableColumn);
    const reduceOptions = { calcs: [newReducer(asText(panel.valueName) ?? 'avg')], fields: field ? `/^${field}$/` : '', values: false };
    const isNamed = panel.valueName === 'name';
    const options: Json = isGauge
        ? { reduceOptions, orientation: 'auto', showThresholdLabels: asRecord(panel.gauge).thresholdLabels === true, showThresholdMarkers: asRecord(panel.gauge).thresholdMarkers !== false }
        : {
            reduceOptions, orientation: 'horizontal', justifyMode: 'auto', textMode: isNamed ? 'name' : 'auto',
            colorMode: panel.colorBackground === true ? 'background' : panel.colorValue === true ? 'value' : 'none',
            graphMode: asRecord(panel.sparkline).show === true ? 'area' : 'none',
        };
    return { ...kept, type: isGauge ? 'gauge' : 'stat', options, fieldConfig: { defaults: defaultsOf(panel), overrides: asRecords(asRecord(panel.fieldConfig).overrides) } };
}
