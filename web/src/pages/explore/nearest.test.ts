import { expect, it } from 'vitest';
import { nearestOf } from './nearest';

const H = 3600;

it.each([
    ['nothing', [], null],
    ['before: up to the last hour that has data', [10 * H, 20 * H], { from: 18 * H, to: 20 * H }],
    ['behind: from the first hour that has data', [60 * H, 70 * H], { from: 59 * H, to: 61 * H }],
    ['the nearer side', [47 * H, 60 * H], { from: 45 * H, to: 47 * H }],
])('%s', (_, times, want) => expect(nearestOf(times, 49 * H, 51 * H)).toEqual(want));

it('a short range becomes an hour', () => expect(nearestOf([10 * H], 49 * H, 49 * H + 60)).toEqual({ from: 9 * H, to: 10 * H }));
