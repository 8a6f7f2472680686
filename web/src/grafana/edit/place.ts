/* place: moves on the grid: by keys, and where new panels go. Whatever moves, the others make way and fall upwards. */
import { COLUMNS } from '../layout';
import type { GridPos } from '../model';

function meetsColumns(a: GridPos, b: GridPos): boolean {
    return a.x < b.x + b.w && b.x < a.x + a.w;
}

/** settle lets all fall upwards; at equal height the one that was moved goes first, and the others below it. */
export function settle(places: readonly GridPos[], moved: number): GridPos[] {
    const order = places.map((p, i) => ({ p, i })).sort((a, b) => a.p.y - b.p.y || Number(b.i === moved) - Number(a.i === moved) || a.p.x - b.p.x || a.i - b.i);
    const filled = new Array<number>(COLUMNS).fill(0);
    const result: GridPos[] = [];
    for (const { p, i } of order) {
        const columns = filled.slice(p.x, p.x + p.w);
        const y = Math.max(0, ...columns);
        result[i] = { ...p, y };
        filled.fill(y + p.h, p.x, p.x + p.w);
    }
    return result;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/* Upwards: to the top of the lowest that stands above; downwards: below the highest that stands below. */
function rowToward(places: readonly GridPos[], index: number, direction: 'up' | 'down'): number {
    const own = places[index]!;
    const others = places.filter((p, i) => i !== index && meetsColumns(p, own) && (direction === 'up' ? p.y + p.h <= own.y : p.y >= own.y + own.h));
    if (others.length === 0) {
        return own.y;
    }
    const next = others.reduce((best, p) => (direction === 'up' ? (p.y + p.h > best.y + best.h ? p : best) : p.y < best.y ? p : best));
    return direction === 'up' ? next.y : next.y + next.h;
}

/** moved gives all places after one has gone a step: a column aside, or past its neighbour above or below. */
export function moved(places: readonly GridPos[], index: number, direction: Direction): GridPos[] {
    const own = places[index]!;
    const next = direction === 'left' || direction === 'right'
        ? { ...own, x: Math.min(COLUMNS - own.w, Math.max(0, own.x + (direction === 'left' ? -1 : 1))) }
        : { ...own, y: rowToward(places, index, direction) };
    return settle(places.map((p, i) => (i === index ? next : p)), index);
}

/* Grafana's least height of a panel; a row is one high, always. */
const HEIGHT_MIN = 2;

/** sized gives all places after one has become wider, narrower, higher or lower by a step. */
export function sized(places: readonly GridPos[], index: number, direction: Direction): GridPos[] {
    const own = places[index]!;
    const w = own.w + (direction === 'right' ? 1 : direction === 'left' ? -1 : 0);
    const h = own.h + (direction === 'down' ? 1 : direction === 'up' ? -1 : 0);
    const next = { ...own, w: Math.min(COLUMNS - own.x, Math.max(1, w)), h: Math.max(Math.min(own.h, HEIGHT_MIN), h) };
    return settle(places.map((p, i) => (i === index ? next : p)), index);
}

/** freePlace is the first place of that size beside or below everything: nothing that is there moves. */
export function freePlace(places: readonly GridPos[], size: { w: number; h: number }): GridPos {
    const bottoms = Array.from({ length: COLUMNS }, (_, x) => places.reduce((most, p) => (p.x <= x && x < p.x + p.w ? Math.max(most, p.y + p.h) : most), 0));
    const bottom = Math.max(0, ...bottoms);
    for (let x = 0; x + size.w <= COLUMNS; x++) {
        const y = Math.max(...bottoms.slice(x, x + size.w));
        /* Only where it ends no lower than a new line of panels would begin: in the last line. */
        if (y < bottom && y + size.h <= bottom) {
            return { x, y, ...size };
        }
    }
    return { x: 0, y: bottom, ...size };
}
