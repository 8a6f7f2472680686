/* groups: frames as categories with a bar for each of their numbers. */
import { type Gradient, gradientOf, hexColor } from '../../draw/gradient';
import { namedColor, paletteColor, type Look } from '../../grafana/color';
import { formatDate } from '../../grafana/datetime';
import { displayProcessor, displayText, seriesColor, isByValue } from '../../grafana/fieldconfig';
import { timeField, valueAt, type Field, type Frame } from '../../grafana/frame';
import { asNumber, asRecord, asText, type Json } from '../../grafana/json';

export interface Bar {
    name: string;
    value: number;
    text: string;
    color: string;
    /* 0 to 1. */
    opacity: number;
    linePx: number;
    gradient?: Gradient | undefined;
}

export interface Group {
    label: string;
    bars: Bar[];
}

/* More bars than pixels cannot be seen. */
const GROUPS_MAX = 500;
const DAY_MS = 86_400_000;

function isNamed(field: Field, name: string | undefined): boolean {
    return name !== undefined && (field.name === name || field.state?.displayName === name);
}

/* What a category is called; times are as short as tells them apart. */
function labelsOf(field: Field | undefined, look: Look, zone: string | undefined): (row: number) => string {
    if (!field) {
        return String;
    }
    /* A unit of the values is none of times. */
    if (field.type === 'time' && !/^(date|time:)/.test(field.config.unit ?? '')) {
        const isLong = Number(field.values[field.values.length - 1]) - Number(field.values[0]) > DAY_MS;
        return (row) => formatDate(Number(field.values[row]), isLong ? 'MM-DD HH:mm' : 'HH:mm:ss', zone);
    }
    const display = displayProcessor(field, look, { zone });
    return (row) => displayText(display(valueAt(field, row)));
}

/** groupsOf makes a category of each row: that of the field xField, else of the first text, else of the times. */
export function groupsOf(frame: Frame | undefined, options: Json, look: Look, zone: string | undefined): Group[] {
    if (!frame) {
        return [];
    }
    const category = frame.fields.find((f) => isNamed(f, asText(options.xField))) ?? frame.fields.find((f) => f.type === 'string') ?? timeField(frame) ?? frame.fields[0];
    const label = labelsOf(category, look, zone);
    const colored = frame.fields.find((f) => isNamed(f, asText(options.colorByField)));
    const colorOf = colored && displayProcessor(colored, look, { zone });
    const shown = frame.fields.filter((f) => f.type === 'number' && f !== category && f.name !== 'xMax' && asRecord(asRecord(f.config.custom).hideFrom).viz !== true).map((field, i) => {
        const custom = asRecord(field.config.custom);
        return {
            field, display: displayProcessor(field, look, { zone }),
            /* The fields of a histogram are made here, and have no colours of their own. */
            color: field.config.color ? seriesColor(field, look) : (paletteColor('palette-classic', i, field.name, look) ?? seriesColor(field, look)),
            byValue: field.config.color !== undefined && isByValue(field.config.color.mode),
            opacity: (asNumber(custom.fillOpacity) ?? 80) / 100, linePx: asNumber(custom.lineWidth) ?? 1,
            gradient: gradientOf(field, look),
        };
    });
    return Array.from({ length: Math.min(frame.length, GROUPS_MAX) }, (_, row) => ({
        label: label(row),
        bars: shown.map(({ field, display, color, byValue, opacity, linePx, gradient }) => {
            const value = display(valueAt(field, row));
            const own = colorOf && colored ? namedColor(colorOf(valueAt(colored, row)).color, look) : byValue ? value.color : color;
            return { name: field.state?.displayName ?? field.name, value: value.numeric, text: displayText(value), color: own, opacity, linePx, ...(gradient && !colorOf ? { gradient, color: hexColor(own) } : {}) };
        }),
    }));
}

/** asShares gives each value as its share of its category's sum, 0 to 100. */
export function asShares(groups: readonly Group[]): Group[] {
    return groups.map((g) => {
        const sum = g.bars.reduce((total, b) => total + Math.abs(b.value || 0), 0);
        return { ...g, bars: g.bars.map((b) => ({ ...b, value: sum > 0 ? ((b.value || 0) / sum) * 100 : 0 })) };
    });
}
