/* columns: how the fields of a frame are shown. */
import { withAlpha, type Look } from '../../grafana/color';
import { displayProcessor } from '../../grafana/fieldconfig';
import { NESTED_NAME, valueAt, type Frame } from '../../grafana/frame';
import { asNumber, asRecord, asText } from '../../grafana/json';
import type { Column } from './Cell';

/** columnsOf leaves hidden fields out, and tables within rows. */
export function columnsOf(frame: Frame, look: Look, zone: string | undefined): Column[] {
    return frame.fields.filter((f) => f.name !== NESTED_NAME && asRecord(f.config.custom).hidden !== true).map((field) => {
        const custom = asRecord(field.config.custom);
        const cell = asRecord(custom.cellOptions);
        const wanted = asText(custom.align);
        return {
            field, name: field.state?.displayName ?? field.name, display: displayProcessor(field, look, { zone }), width: asNumber(custom.width),
            align: wanted === 'left' || wanted === 'right' || wanted === 'center' ? wanted : field.type === 'number' ? 'right' : 'left',
            cell: asText(cell.type) ?? asText(custom.displayMode) ?? 'auto', options: cell, toRow: cell.applyToRow === true, inspects: custom.inspect === true, filters: custom.filterable === true,
            wraps: cell.wrapText === true || custom.wrapText === true,
        };
    });
}

/** rowColor is the background of a row of which one cell colours all. */
export function rowColor(columns: readonly Column[], row: number): string | undefined {
    const column = columns.find((c) => c.toRow && c.cell.startsWith('color-background'));
    return column ? withAlpha(column.display(valueAt(column.field, row)).color, 0.35) : undefined;
}
