import { expect, test } from 'vitest';
import { rangeSince, readView, tintOf, writeView } from './walk';

const HOUR = 3_600_000;

test.each([
    [0, 'now-15m'], [9 * 60_000, 'now-15m'], [30 * 60_000, 'now-1h'], [3 * HOUR, 'now-6h'], [20 * HOUR, 'now-2d'], [1000 * HOUR, 'now-30d'],
])('an alert active for %d ms is seen in %s', (age, want) => {
    expect(rangeSince(1e12 - age, 1e12)).toEqual({ from: want, to: 'now' });
});

test('a view goes through the URL', () => {
    const view = { op: '>', threshold: -0.5, spans: [{ from: 1000, to: 2000 }, { from: 3000, to: 4000 }], alert: '0123456789abcdef' };
    expect(writeView(view)).toEqual({ threshold: '>-0.5', spans: '1000-2000,3000-4000', alert: '0123456789abcdef' });
    expect(readView(new URLSearchParams(writeView(view)))).toEqual(view);
    expect(writeView({ spans: [] })).toEqual({});
});

test.each([
    'threshold=',
    'threshold=>',
    'threshold=<b>',
    'threshold=>NaN',
    'threshold=Infinity',
    'spans=1,2-,-3,a-b',
    'alert=/x',
    'alert=javascript:1',
    '',
])('%s is nothing', (search) => {
    expect(readView(new URLSearchParams(search))).toEqual({ spans: [] });
});

test('which side is tinted', () => {
    expect(['>', '>=', '<', '<=', '==', undefined].map(tintOf)).toEqual(['above', 'above', 'below', 'below', undefined, undefined]);
});

test('more spans than can be seen are the newest', () => {
    const spans = Array.from({ length: 50 }, (_, i) => ({ from: i * 10, to: i * 10 + 5 }));
    const written = writeView({ spans });
    expect(written.spans!.split(',')).toHaveLength(20);
    expect(readView(new URLSearchParams(written)).spans.at(-1)).toEqual({ from: 490, to: 495 });
    expect(readView(new URLSearchParams({ spans: Array(99).fill('1-2').join(',') })).spans).toHaveLength(20);
    expect(writeView({ spans: [{ from: 0.4, to: 1.6 }] })).toEqual({ spans: '0-2' });
});

test.each<[string, object]>([
    ['threshold=5', { threshold: 5 }],
    ['threshold=>=5', { threshold: 5, op: '>=' }],
    ['threshold=!=-1e3', { threshold: -1000, op: '!=' }],
    ['threshold==5', {}],
    ['threshold=>>5', {}],
    ['threshold=0x10', { threshold: 16 }],
    ['alert=0123456789ABCDEF', {}],
    ['alert=0123456789abcdef0', {}],
    ['spans=1-2,x,3-4', {}],
])('%s', (search, want) => expect(readView(new URLSearchParams(search))).toEqual({ spans: search.startsWith('spans') ? [{ from: 1, to: 2 }, { from: 3, to: 4 }] : [], ...want }));

test('an alert of the future is in the shortest range', () => expect(rangeSince(1e12 + HOUR, 1e12)).toEqual({ from: 'now-15m', to: 'now' }));
