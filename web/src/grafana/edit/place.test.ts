import { describe, expect, it } from 'vitest';
import { compact } from '../layout';
import type { GridPos } from '../model';
import { freePlace, moved, settle, sized, type Direction } from './place';

const at = (x: number, y: number, w: number, h: number): GridPos => ({ x, y, w, h });
const show = (places: readonly GridPos[]): string => places.map((p) => `${p.x},${p.y} ${p.w}x${p.h}`).join(' | ');
/* Two beside each other, one below both. */
const three = [at(0, 0, 12, 8), at(12, 0, 12, 8), at(0, 8, 24, 4)];

describe('moves by keys', () => {
    it.each<[string, number, Direction, string]>([
        ['right: the neighbour makes way downwards', 0, 'right', '1,0 12x8 | 12,8 12x8 | 0,16 24x4'],
        ['left at the edge: nothing', 0, 'left', '0,0 12x8 | 12,0 12x8 | 0,8 24x4'],
        ['up: past both', 2, 'up', '0,4 12x8 | 12,4 12x8 | 0,0 24x4'],
        ['up at the top: nothing', 0, 'up', '0,0 12x8 | 12,0 12x8 | 0,8 24x4'],
        ['down at the bottom: nothing', 2, 'down', '0,0 12x8 | 12,0 12x8 | 0,8 24x4'],
        ['down: below the wide one, which stays below the other', 0, 'down', '0,12 12x8 | 12,0 12x8 | 0,8 24x4'],
    ])('%s', (_, index, direction, want) => {
        expect(show(moved(three, index, direction))).toBe(want);
    });

    it('is undone by the opposite, for a stack', () => {
        const stack = [at(0, 0, 8, 3), at(0, 3, 8, 5), at(0, 8, 8, 2)];
        expect(show(moved(moved(stack, 0, 'down'), 0, 'up'))).toBe(show(stack));
    });
});

describe('sizes by keys', () => {
    it.each<[string, number, Direction, string]>([
        ['wider: the neighbour falls below', 0, 'right', '0,0 13x8 | 12,8 12x8 | 0,16 24x4'],
        ['narrower', 0, 'left', '0,0 11x8 | 12,0 12x8 | 0,8 24x4'],
        ['wider at the edge: nothing', 2, 'right', '0,0 12x8 | 12,0 12x8 | 0,8 24x4'],
        ['higher', 0, 'down', '0,0 12x9 | 12,0 12x8 | 0,9 24x4'],
        ['lower', 2, 'up', '0,0 12x8 | 12,0 12x8 | 0,8 24x3'],
    ])('%s', (_, index, direction, want) => {
        expect(show(sized(three, index, direction))).toBe(want);
    });

    it('stops at the least size', () => {
        expect(show(sized([at(0, 0, 1, 2)], 0, 'left'))).toBe('0,0 1x2');
        expect(show(sized([at(0, 0, 1, 2)], 0, 'up'))).toBe('0,0 1x2');
        expect(show(sized([at(0, 0, 24, 1)], 0, 'up'))).toBe('0,0 24x1');
    });
});

it('whatever moves, nothing overlaps and nothing floats', () => {
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    let places = compact(Array.from({ length: 14 }, () => { const w = 1 + random(12); return at(random(25 - w), random(30), w, 2 + random(6)); }));
    const directions: Direction[] = ['left', 'right', 'up', 'down'];
    for (let i = 0; i < 400; i++) {
        places = (random(2) === 0 ? moved : sized)(places, random(14), directions[random(4)]!);
        expect(show(compact(places))).toBe(show(places));
        const bad = places.flatMap((p, a) => places.slice(0, a).filter((q) => p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h));
        expect(bad).toEqual([]);
        expect(places.every((p) => p.x + p.w <= 24)).toBe(true);
    }
});

it.each<[string, GridPos[], string]>([
    ['an empty dashboard', [], '0,0 12x8'],
    ['beside the last one, where there is room', [at(0, 0, 12, 8)], '12,0 12x8'],
    ['below, where it would stand out', [at(0, 0, 12, 4)], '0,4 12x8'],
    ['below a full line', three, '0,12 12x8'],
])('a new panel: %s', (_, places, want) => {
    const place = freePlace(places, { w: 12, h: 8 });
    expect(show([place])).toBe(want);
    expect(show(settle([...places, place], places.length).slice(0, -1))).toBe(show(places));
});
