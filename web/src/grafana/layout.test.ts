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

test.each<[number, 'h' | 'v', number, [number, number, number][], number]>([
    [0, 'h', 4, [], 0],
    [1, 'h', 4, [[0, 24, 4]], 0],
    [2, 'h', 4, [[0, 12, 4], [12, 12, 4]], 0],
    [5, 'h', 5, [[0, 4, 4], [4, 4, 4], [8, 4, 4], [12, 4, 4], [16, 4, 4]], 0],
    [3, 'h', 2, [[0, 12, 4], [12, 12, 4], [0, 12, 12]], 8],
    [2, 'h', 0, [[0, 24, 4], [0, 24, 12]], 8],
    [2, 'h', -3, [[0, 24, 4], [0, 24, 12]], 8],
    [0, 'v', 4, [], 0],
    [3, 'v', 1, [[3, 6, 4], [3, 6, 12], [3, 6, 20]], 16],
])('%d times %s, at most %d beside each other', (count, direction, most, want, growth) => {
    const { places, growth: got } = repeatPlaces(at(3, 4, 6, 8), count, direction, most);
    expect([places.map((p) => [p.x, p.w, p.y]), got]).toEqual([want, growth]);
    expect(places.every((p) => p.h === 8)).toBe(true);
});

test.each<[string, GridPos[], GridPos[]]>([
    ['nothing', [], []],
    ['one that floats', [at(5, 99, 3, 2)], [at(5, 0, 3, 2)]],
    ['two in one place: the first stays', [at(0, 0, 6, 2), at(0, 0, 6, 2)], [at(0, 0, 6, 2), at(0, 2, 6, 2)]],
    ['the lower one comes first in the list', [at(0, 5, 24, 1), at(0, 0, 24, 5)], [at(0, 5, 24, 1), at(0, 0, 24, 5)]],
    ['the one further left first', [at(1, 0, 2, 2), at(0, 0, 2, 2)], [at(1, 2, 2, 2), at(0, 0, 2, 2)]],
    ['past the right edge', [at(20, 3, 12, 2)], [at(20, 0, 12, 2)]],
    ['a gap beside a high one is filled', [at(0, 0, 12, 8), at(12, 0, 12, 2), at(12, 7, 12, 2)], [at(0, 0, 12, 8), at(12, 0, 12, 2), at(12, 2, 12, 2)]],
])('compact: %s', (_, places, want) => expect(compact(places)).toEqual(want));

test.each<[GridPos, GridPos, boolean]>([
    [at(0, 0, 2, 2), at(1, 1, 2, 2), true],
    [at(0, 0, 2, 2), at(2, 0, 2, 2), false],
    [at(0, 0, 2, 2), at(0, 2, 2, 2), false],
    [at(0, 0, 9, 9), at(3, 3, 1, 1), true],
    [at(0, 0, 1, 1), at(0, 0, 1, 1), true],
    [at(0, 0, 2, 2), at(5, 0, 2, 2), false],
])('%j and %j overlap: %j', (a, b, want) => expect([overlap(a, b), overlap(b, a)]).toEqual([want, want]));

test('rows are read from the top, whatever the order of the file', () => {
    const row = (id: number, y: number) => panel(id, 0, y, 24, 1, { type: 'row', panels: [] });
    expect(arrange([panel(3, 0, 9, 6, 2), row(1, 0), row(2, 8)], () => false).map((p) => [p.panel.id, p.place.y])).toEqual([[1, 0], [2, 1], [3, 2]]);
    expect(arrange([row(1, 0), panel(2, 0, 1, 6, 2), row(3, 3)], (r) => r.id === 3).map((p) => p.panel.id)).toEqual([1, 2, 3]);
    expect(arrange([], () => true)).toEqual([]);
    expect([gridRows([]), gridHeight(1)]).toEqual([0, 30]);
});
