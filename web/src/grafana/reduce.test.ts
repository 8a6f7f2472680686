import { describe, expect, test } from 'vitest';
import { makeField, type Field, type FieldType } from './frame';
import { findReducer, reduceField, reduceNumber, reducers } from './reduce';

function of(values: unknown[] | Float64Array, type: FieldType = 'number'): Field {
    return makeField('x', type, values);
}

/* What each reducer says of some lists, as Grafana's does; a gap may be null, undefined or NaN here. */
const LISTS: Record<string, Field> = {
    plain: of([4, 8, 6, 2]), gaps: of([null, 3, undefined, 9, NaN]), zeros: of([0, 0, null]), negative: of(Float64Array.of(-5, -1)), one: of([7]), none: of([]), empty: of([null, NaN]),
    up: of([1, 3, 6, 2, 5, 9]), texts: of(['b', null, 'a', 'b'], 'string'), flags: of([true, false, null], 'boolean'), times: of([1000, 3000], 'time'),
};

test.each<[string, Record<string, unknown>]>([
    ['lastNotNull', { plain: 2, gaps: 9, zeros: 0, one: 7, none: null, empty: null, texts: 'b', flags: false, times: 3000 }],
    ['last', { plain: 2, gaps: null, zeros: null, one: 7, none: null, texts: 'b', flags: null }],
    ['firstNotNull', { plain: 4, gaps: 3, zeros: 0, none: null, empty: null, texts: 'b', flags: true }],
    ['first', { plain: 4, gaps: null, none: null, texts: 'b' }],
    ['min', { plain: 2, gaps: 3, zeros: 0, negative: -5, none: null, empty: null, texts: null, times: 1000 }],
    ['max', { plain: 8, gaps: 9, zeros: 0, negative: -1, none: null, empty: null, texts: null, times: 3000 }],
    ['mean', { plain: 5, gaps: 6, zeros: 0, negative: -3, none: null, empty: null, texts: null }],
    ['median', { plain: 5, gaps: 6, one: 7, zeros: 0, negative: -3, none: null, empty: null }],
    ['variance', { plain: 5, gaps: 9, one: 0, zeros: 0, none: null, texts: 0 }],
    ['stdDev', { gaps: 3, one: 0, negative: 2, none: null, texts: 0 }],
    ['sum', { plain: 20, gaps: 12, zeros: 0, negative: -6, none: 0, empty: 0, texts: 0 }],
    ['count', { plain: 4, zeros: 2, one: 1, none: 0, texts: 3, flags: 2 }],
    ['countAll', { plain: 4, gaps: 5, zeros: 3, none: 0, empty: 2 }],
    ['range', { plain: 6, gaps: 6, one: 0, negative: 4, none: null, empty: null, texts: null }],
    /* 1 to 6 up, then the counter begins anew: 2 to 5 is where it finds its way back. */
    ['delta', { plain: 4, up: 9, one: 0, none: 0, negative: 4 }],
    ['step', { plain: -4, gaps: 6, one: null, none: null, negative: 4, times: 2000 }],
    ['diff', { plain: -2, gaps: 6, one: 0, negative: 4, none: null, texts: null, times: 2000 }],
    ['diffperc', { plain: -50, gaps: 200, negative: -80, zeros: NaN, one: 0, none: null, texts: null }],
    ['logmin', { plain: 2, zeros: null, negative: null, none: null }],
    ['allIsZero', { plain: false, zeros: true, none: false, empty: false, texts: false }],
    ['allIsNull', { plain: false, zeros: false, none: true, empty: true }],
    ['changeCount', { plain: 3, gaps: 1, zeros: 0, one: 0, none: 0, texts: 2, flags: 1 }],
    ['distinctCount', { plain: 4, gaps: 2, zeros: 1, none: 0, texts: 2, flags: 2 }],
    ['allValues', { plain: [4, 8, 6, 2], none: [], texts: ['b', null, 'a', 'b'] }],
    ['uniqueValues', { zeros: [0, null], texts: ['b', null, 'a'] }],
    ['p50', { plain: 6, gaps: 9, one: 7, none: null, empty: null }],
    ['p1', { plain: 2, up: 1 }],
    ['p99', { plain: 8, up: 9 }],
])('%s', (id, want) => {
    expect(Object.fromEntries(Object.keys(want).map((name) => [name, reduceField(LISTS[name]!, [id])[id]]))).toEqual(want);
});

test('percentiles take the nearest value, whatever the order', () => {
    const hundred = of(Array.from({ length: 101 }, (_, i) => (i * 37) % 101));
    expect(['p5', 'p25', 'p75', 'p95'].map((id) => reduceNumber(hundred, id))).toEqual([5, 25, 75, 95]);
    expect(hundred.values.slice(0, 3)).toEqual([0, 37, 74]);
});

test('sizes that a sum of squares would lose', () => {
    expect(reduceNumber(of([1e9 + 1, 1e9 + 2, 1e9 + 3]), 'variance')).toBeCloseTo(2 / 3, 6);
    expect(reduceNumber(of([Infinity, 1]), 'max')).toBe(Infinity);
    expect(reduceNumber(of([Infinity, 1]), 'range')).toBe(Infinity);
    expect(reduceNumber(of([-Infinity, 1]), 'min')).toBe(-Infinity);
});

describe('names', () => {
    test('of old dashboards', () => {
        expect(['avg', 'total', 'current'].map((id) => findReducer(id)?.id)).toEqual(['mean', 'sum', 'lastNotNull']);
        expect(reduceField(of([1, 5, null]), ['avg', 'current', 'total'])).toEqual({ avg: 3, current: 5, total: 6 });
    });

    test('that nobody knows are left out', () => {
        for (const id of ['', 'nope', 'p0', 'p100', 'P95', 'constructor', '__proto__', 'toString']) {
            expect(findReducer(id)).toBeUndefined();
            expect(reduceField(of([1]), [id])).toEqual({});
            expect(reduceNumber(of([1]), id)).toBeNaN();
        }
    });

    test('are each there once, and read well', () => {
        const all = reducers();
        expect(new Set(all.map((r) => r.id)).size).toBe(all.length);
        expect(['p1', 'p2', 'p3', 'p4', 'p11', 'p12', 'p13', 'p21', 'p42', 'p93'].map((id) => findReducer(id)!.name)).toEqual(['1st %', '2nd %', '3rd %', '4th %', '11th %', '12th %', '13th %', '21st %', '42nd %', '93rd %']);
    });

    test('tell whether the unit stays', () => {
        const loses = ['count', 'countAll', 'distinctCount', 'changeCount', 'diffperc', 'allIsNull'];
        expect(loses.map((id) => findReducer(id)!.keepsUnit)).toEqual(loses.map(() => false));
        expect(['mean', 'sum', 'p95', 'range', 'diff', 'lastNotNull'].every((id) => findReducer(id)!.keepsUnit)).toBe(true);
    });
});

test('several at once are what each is alone', () => {
    const ids = reducers().map((r) => r.id);
    for (const field of Object.values(LISTS)) {
        const all = reduceField(field, ids);
        expect(all).toEqual(Object.fromEntries(ids.map((id) => [id, reduceField(field, [id])[id]])));
    }
});

test('one number', () => {
    expect(reduceNumber(of([1, 2]), 'mean')).toBe(1.5);
    expect(reduceNumber(of([0]), 'allIsZero')).toBe(1);
    expect(reduceNumber(of([]), 'mean')).toBeNaN();
    expect(reduceNumber(of(['a'], 'string'), 'last')).toBeNaN();
});
