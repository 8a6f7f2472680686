import { expect, test } from 'vitest';
import { arrange, compact, gridHeight, gridRows, overlap, repeatPlaces } from './layout';
import { readPanel, type GridPos, type PanelModel } from './model';

function panel(id: number, x: number, y: number, w: number, h: number, rest: object = {}): PanelModel {
    return readPanel({ id, type: 'stat', gridPos: { x, y, w, h }, ...rest });
}

function at(x: number, y: number, w: number, h: number): GridPos {
    return { x, y, w, h };
}

test('panels fall upwards, and do not overlap', () => {
    expect(compact([at(0, 400, 12, 8), at(12, 5, 12, 4), at(12, 401, 12, 2)])).toEqual([at(0, 0, 12, 8), at(12, 0, 12, 4), at(12, 4, 12, 2)]);
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    for (let i = 0; i < 100; i++) {
        const places = Array.from({ length: 30 }, () => {
            const w = 1 + random(24);
            return at(random(25 - w), random(500), w, 1 + random(12));
        });
        const result = compact(places);
        result.forEach((a, k) => {
            expect([a.x, a.w, a.h]).toEqual([places[k]!.x, places[k]!.w, places[k]!.h]);
            expect(result.some((b, m) => m !== k && overlap(a, b))).toBe(false);
            expect(a.y === 0 || result.some((b, m) => m !== k && overlap({ ...a, y: a.y - 1 }, b))).toBe(true);
        });
    }
});

test('rows fold and unfold', () => {
    const folded = panel(1, 0, 1, 24, 1, { type: 'row', collapsed: true, panels: [{ id: 2, type: 'stat', gridPos: { x: 0, y: 40, w: 12, h: 6 } }, { id: 3, type: 'stat', gridPos: { x: 12, y: 44, w: 12, h: 6 } }] });
    const below = panel(4, 0, 2, 24, 3);
    const shown = (isFolded: boolean) => arrange([panel(5, 0, 0, 24, 1), folded, below], () => isFolded).map((p) => [p.panel.id, p.place.y]);
    expect(shown(true)).toEqual([[5, 0], [1, 1], [4, 2]]);
    expect(shown(false)).toEqual([[5, 0], [1, 1], [2, 2], [3, 2], [4, 8]]);
    /* A row that is open in the file has its panels beside it: folding hides what follows up to the next row. */
    const open = [panel(1, 0, 0, 24, 1, { type: 'row' }), panel(2, 0, 1, 24, 5), panel(3, 0, 6, 24, 1, { type: 'row' }), panel(4, 0, 7, 24, 5)];
    const placed = arrange(open, (row) => row.id === 1);
    expect(placed.map((p) => [p.panel.id, p.place.y])).toEqual([[1, 0], [3, 1], [4, 2]]);
    expect(gridRows(placed)).toBe(7);
    expect(gridHeight(8)).toBe(296);
});

test('repeats', () => {
    expect(repeatPlaces(at(0, 4, 6, 8), 3, 'h', 4)).toEqual({ places: [at(0, 4, 8, 8), at(8, 4, 8, 8), at(16, 4, 8, 8)], growth: 0 });
    expect(repeatPlaces(at(0, 4, 24, 8), 5, 'h', 2)).toMatchObject({ growth: 16, places: { length: 5 } });
    expect(repeatPlaces(at(3, 4, 6, 8), 2, 'v', 4)).toEqual({ places: [at(3, 4, 6, 8), at(3, 12, 6, 8)], growth: 8 });
});
