import { expect, test } from 'vitest';
import { formatDate } from '../grafana/datetime';
import { isBinary, timeTicks, valueTicks } from './ticks';

const T = Date.UTC(2026, 0, 5, 8, 0, 0);
const MINUTE = 60_000;

test.each([
    ['half a minute', 30_000, 4, ['08:00:00', '08:00:10', '08:00:20', '08:00:30']],
    ['an hour', 60 * MINUTE, 5, ['08:00', '08:15', '08:30', '08:45', '09:00']],
    ['four hours and ten minutes', 250 * MINUTE, 5, ['08:00', '09:00', '10:00', '11:00', '12:00']],
    ['over midnight', 24 * 60 * MINUTE, 4, ['12:00', '18:00', '01-06', '06:00'].slice(0, 4)],
    ['a month', 30 * 24 * 60 * MINUTE, 5, ['01-08', '01-15', '01-22', '01-29']],
])('%s', (_name, span, most, want) => {
    expect(timeTicks(T, T + span, most, 'utc').map((t) => formatDate(t.at, t.pattern, 'utc'))).toEqual(want);
});

test('ticks are round where the clock of the zone is', () => {
    const ticks = timeTicks(T, T + 300 * MINUTE, 6, 'Asia/Kolkata');
    expect(ticks.map((t) => formatDate(t.at, t.pattern, 'Asia/Kolkata'))).toEqual(['14:00', '15:00', '16:00', '17:00', '18:00']);
});

test('a range of centuries has few ticks', () => expect(timeTicks(0, 1e14, 8, 'utc').length).toBeLessThanOrEqual(9));

test.each([
    [38.5, 4, [0, 10, 20, 30, 40]], [1, 4, [0, 0.25, 0.5, 0.75, 1]], [1250, 4, [0, 500, 1000, 1500]], [0.0007, 4, [0, 0.0002, 0.0004, 0.0006, 0.0008]],
    [100, 4, [0, 25, 50, 75, 100]], [0, 4, [0, 1]], [NaN, 4, [0, 1]],
])('values up to %d', (highest, count, want) => expect(valueTicks(highest, count)).toEqual(want));

test.each([
    [5 * 2 ** 30, 4, [0, 2, 4, 6].map((n) => n * 2 ** 30)], [100, 4, [0, 32, 64, 96, 128]], [64, 4, [0, 16, 32, 48, 64]], [0.8, 4, [0, 0.2, 0.4, 0.6, 0.8]],
])('bytes up to %d', (highest, count, want) => expect(valueTicks(highest, count, true)).toEqual(want));

test('units of powers of two', () => expect(['bytes', 'MiBs', 'decbytes', 's', undefined].map(isBinary)).toEqual([true, true, false, false, false]));
