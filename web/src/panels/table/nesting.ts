/* nesting: the room of a table within a row. */
import type { Frame } from '../../grafana/frame';

/** Rows that are shown of one. */
export const INNER_ROWS_MAX = 100;
const PADDING_PX = 12;

/** innerHeight is how high it is with its names, in px. */
export function innerHeight({ length, meta }: Frame, rowPx: number): number {
    const rows = Math.min(length, INNER_ROWS_MAX) + (length > INNER_ROWS_MAX ? 1 : 0) + (meta?.hidesHeader ? 0 : 1);
    return rows * rowPx + PADDING_PX;
}
