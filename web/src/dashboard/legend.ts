/* legend: the figures beside each series, by the panel's legend options. */
import { asNumber, asRecord, asText, asTexts, type Json } from '../grafana/json';
import { displayProcessor, displayText } from '../grafana/fieldconfig';
import { findReducer, reduceField } from '../grafana/reduce';
import type { Field } from '../grafana/frame';
import type { Look } from '../grafana/color';

export interface LegendOptions {
    show: boolean;
    table: boolean;
    right: boolean;
    calcs: string[];
    sortBy: string;
    sortDesc: boolean;
    widthPx: number | undefined;
}

export function readLegend(options: Json): LegendOptions {
    const json = asRecord(options.legend);
    return {
        show: json.showLegend !== false && json.displayMode !== 'hidden',
        table: json.displayMode === 'table',
        right: json.placement === 'right',
        calcs: asTexts(json.calcs).filter((id) => findReducer(id)),
        sortBy: asText(json.sortBy) ?? '',
        sortDesc: json.sortDesc === true,
        widthPx: asNumber(json.width),
    };
}

export interface LegendFigure {
    name: string;
    text: string;
    value: number;
}

/** figures gives one text for each reducer, in the field's unit where the result has it. */
export function figures(field: Field, calcs: readonly string[], look: Look, zone: string | undefined): LegendFigure[] {
    const results = reduceField(field, calcs);
    return calcs.map((id) => {
        const reducer = findReducer(id)!;
        const shown = reducer.keepsUnit ? field : { ...field, config: { ...field.config, unit: id === 'diffperc' ? 'percent' : 'none' } };
        const value = results[id];
        return { name: reducer.name, text: displayText(displayProcessor(shown, look, { zone })(value)), value: typeof value === 'number' ? value : NaN };
    });
}

const FONT = "12px 'Inter Variable', system-ui, sans-serif";
/* Texts change with the data: the oldest go. */
const WIDTHS_MAX = 5000;
const widths = new Map<string, number>();
let ruler: CanvasRenderingContext2D | null | undefined;

/** textPx is how wide a text is in a legend; while the font is still on its way it is guessed. */
export function textPx(text: string): number {
    const known = widths.get(text);
    if (known !== undefined) {
        return known;
    }
    ruler ??= document.createElement('canvas').getContext('2d');
    if (!ruler || document.fonts.status !== 'loaded') {
        return 6.4 * text.length;
    }
    ruler.font = FONT;
    const width = ruler.measureText(text).width;
    if (widths.size >= WIDTHS_MAX) {
        widths.clear();
    }
    widths.set(text, width);
    return width;
}

/* What stands in a list of names. */
interface ListedRow {
    name: string;
    figures: readonly LegendFigure[];
}

/* Swatch and gaps of a name; a figure has a gap before it. */
const ITEM_PX = 30;
const FIGURE_PX = 8;

function itemPx(row: ListedRow): number {
    return ITEM_PX + textPx(row.name) + row.figures.reduce((sum, f) => sum + FIGURE_PX + textPx(`${f.name}: ${f.text}`), 0);
}

/** listRows is how many lines a list of names takes in that width. */
export function listRows(rows: readonly ListedRow[], width: number): number {
    let lines = 1;
    let x = 0;
    for (const row of rows) {
        const px = Math.min(width, itemPx(row));
        if (x > 0 && x + px > width) {
            lines++;
            x = 0;
        }
        x += px;
    }
    return lines;
}
