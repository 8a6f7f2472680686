/*
 * Layout: where panels stand. 24 columns; a row is 30 px and 8 px between; panels fall upwards until they touch another
 * (vertical compaction), as Grafana's grid does: files have holes of hundreds of rows where folded rows were.
 */
import type { GridPos, PanelModel } from './model';

export const COLUMNS = 24;
export const ROW_PX = 30;
export const GAP_PX = 8;

/** gridHeight is the height in px of so many rows. */
export function gridHeight(rows: number): number {
    return rows * (ROW_PX + GAP_PX) - GAP_PX;
}

function overlap(a: GridPos, b: GridPos): boolean {
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** compact gives the places after every item has fallen upwards, in the order of the items that came in. */
export function compact(places: readonly GridPos[]): GridPos[] {
    const order = places.map((p, i) => ({ p, i })).sort((a, b) => a.p.y - b.p.y || a.p.x - b.p.x || a.i - b.i);
    const result: GridPos[] = [];
    /* Height of what stands in each column: enough, since items come from the top down. */
    const filled = new Array<number>(COLUMNS).fill(0);
    for (const { p, i } of order) {
        let y = 0;
        for (let x = p.x; x < p.x + p.w && x < COLUMNS; x++) {
            y = Math.max(y, filled[x]!);
        }
        result[i] = { ...p, y };
        for (let x = p.x; x < p.x + p.w && x < COLUMNS; x++) {
            filled[x] = y + p.h;
        }
    }
    return result;
}

export interface Placed {
    panel: PanelModel;
    place: GridPos;
}

/** unfold lists what is shown: rows that are open bring their panels with them, below the row. */
function unfold(panels: readonly PanelModel[], isFolded: (row: PanelModel) => boolean): Placed[] {
    const shown: Placed[] = [];
    let shift = 0;
    const ordered = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
    let hiding = false;
    for (const panel of ordered) {
        const place = { ...panel.gridPos, y: panel.gridPos.y + shift };
        if (panel.type !== 'row') {
            if (!hiding) {
                shown.push({ panel, place });
            }
            continue;
        }
        shown.push({ panel, place });
        hiding = isFolded(panel) && panel.panels.length === 0;
        if (!isFolded(panel) && panel.panels.length > 0) {
            const least = Math.min(...panel.panels.map((p) => p.gridPos.y));
            const most = Math.max(...panel.panels.map((p) => p.gridPos.y + p.gridPos.h));
            for (const inner of panel.panels) {
                shown.push({ panel: inner, place: { ...inner.gridPos, y: place.y + 1 + inner.gridPos.y - least } });
            }
            shift += most - least;
        }
    }
    return shown;
}

/** arrange gives every visible panel with its place after compaction. */
export function arrange(panels: readonly PanelModel[], isFolded: (row: PanelModel) => boolean): Placed[] {
    const shown = unfold(panels, isFolded);
    const places = compact(shown.map((s) => s.place));
    return shown.map((s, i) => ({ panel: s.panel, place: places[i]! }));
}

/** gridRows is how many rows a layout takes. */
export function gridRows(placed: readonly Placed[]): number {
    return placed.reduce((most, p) => Math.max(most, p.place.y + p.place.h), 0);
}

// ---- repeats ----

export interface RepeatValue {
    text: string;
    value: string;
}

/** repeatPlaces gives the places of a panel that is repeated so many times, and by how much what stands below moves down. */
export function repeatPlaces(place: GridPos, count: number, direction: 'h' | 'v', maxPerRow: number): { places: GridPos[]; growth: number } {
    if (direction === 'v') {
        return { places: Array.from({ length: count }, (_, i) => ({ ...place, y: place.y + i * place.h })), growth: Math.max(0, count - 1) * place.h };
    }
    const perRow = Math.max(1, Math.min(count, maxPerRow));
    const w = Math.floor(COLUMNS / perRow);
    const places = Array.from({ length: count }, (_, i) => ({ ...place, x: (i % perRow) * w, w, y: place.y + Math.floor(i / perRow) * place.h }));
    return { places, growth: Math.max(0, Math.ceil(count / perRow) - 1) * place.h };
}

export { overlap };
