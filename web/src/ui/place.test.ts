import { expect, test } from 'vitest';
import { place } from './place';

const WINDOW = { width: 1000, height: 600 };
const BOX = { width: 200, height: 100 };
const at = (left: number, top: number) => ({ left, top, right: left + 40, bottom: top + 20 });

test.each([
    ['below, in the middle', at(400, 100), 'bottom', { left: 320, top: 125 }],
    ['below, from the start', at(400, 100), 'bottom-start', { left: 400, top: 125 }],
    ['below, to the end', at(400, 100), 'bottom-end', { left: 240, top: 125 }],
    ['above where there is no room below', at(400, 550), 'bottom', { left: 320, top: 445 }],
    ['below where there is none above', at(400, 20), 'top-start', { left: 400, top: 45 }],
    ['at the right', at(20, 300), 'right', { left: 65, top: 260 }],
    ['at the left where there is no room at the right', at(900, 300), 'right', { left: 695, top: 260 }],
    ['never over the left edge', at(0, 100), 'bottom-end', { left: 8, top: 125 }],
    ['never over the right edge', at(980, 100), 'bottom-start', { left: 792, top: 125 }],
] as const)('%s', (_name, where, position, want) => expect(place(where, BOX, WINDOW, position, 5)).toEqual(want));

test('what is larger than the window begins at its edge', () => {
    expect(place(at(100, 100), { width: 2000, height: 2000 }, WINDOW, 'bottom', 5)).toEqual({ left: 8, top: 8 });
});
