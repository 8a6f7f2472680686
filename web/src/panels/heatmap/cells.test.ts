import { describe, expect, it, test } from 'vitest';
import { makeField, makeFrame } from '../../grafana/frame';
import { bucketsOf, calculated, columnAt, fromBuckets, heightOf, layoutOf, merged, within, type Cells } from './cells';
import { paintOf, scaleShare } from './paint';
import { labelY } from './picture';

const cells: Cells = {
    times: Float64Array.from([10, 20, 30]), step: 10, most: 8, least: 1, counts: new Float64Array(9),
    rows: [{ low: 0, high: 1, label: '1' }, { low: 1, high: 3, label: '3' }, { low: 3, high: Infinity, label: '+Inf' }],
};

test.each([[0, -1], [0.5, 0], [10, 0], [10.1, 1], [30, 2], [31, -1]])('column at %d s', (seconds, want) => expect(columnAt(cells, seconds)).toBe(want));

test.each([[0.5, 1 - 0.5 / 3], [1, 1 - 1 / 3], [2, 1 - 1.5 / 3], [7, 1 - 2.5 / 3], [-1, undefined], [NaN, undefined]])('height of %d', (value, want) => {
    const [up, down] = [heightOf(cells, value, false), heightOf(cells, value, true)];
    if (want === undefined) {
        expect([up, down]).toEqual([undefined, undefined]);
    } else {
        expect(up).toBeCloseTo(want);
        expect(down).toBeCloseTo(1 - want);
    }
});

describe('colours of counts', () => {
    const paint = (options: Record<string, unknown>, most = 8) => paintOf(options, 'dark', most);
    const colors = (options: Record<string, unknown>, counts: number[]) => counts.map((count) => paint(options).colorOf(count));
    it('nothing has none', () => expect(colors({}, [0, NaN, -1])).toEqual([undefined, undefined, undefined]));
    it('the most has the last one', () => expect(paint({ color: { scheme: 'Oranges' } }).colorOf(8)).toBe('rgb(255, 209, 153)'));
    it('or the first, reversed', () => expect(paint({ color: { scheme: 'Oranges', reverse: true } }).colorOf(8)).toBe('rgb(43, 33, 24)'));
    it('counts that are filtered have none', () => expect(colors({ filterValues: { le: 2, ge: 7 } }, [2, 3, 7]).map(Boolean)).toEqual([false, true, false]));
    it('a scale has limits of its own', () => {
        const { low, high, colorOf } = paint({ color: { min: 2, max: 4 } });
        expect([low, high]).toEqual([2, 4]);
        expect(colorOf(4)).toBe(colorOf(8));
        expect(colorOf(1)).toBe(colorOf(2));
    });
    it('and as many colours as it says', () => expect(new Set(Array.from({ length: 80 }, (_, i) => paint({ color: { steps: 4 } }).colorOf((i + 1) / 10))).size).toBe(4));
});

describe('calculated', () => {
    /* Values 1 to 8, ten seconds apart. */
    const frame = makeFrame([makeField('Time', 'time', Array.from({ length: 8 }, (_, i) => 120_000 + i * 10_000)), makeField('Value', 'number', [1, 2, 3, 4, 5, 6, 7, 8])]);
    const shape = (calculation: object) => {
        const found = calculated([frame], bucketsOf({ calculation }, 30))!;
        return { bounds: [found.rows[0]!.low, ...found.rows.map((row) => row.high)].join(), ends: [...found.times].join(), counts: [...found.counts].join('') };
    };

    it('into columns and rows that are counted', () => {
        expect(shape({ xBuckets: { mode: 'count', value: '2' }, yBuckets: { mode: 'count', value: '2' } })).toEqual({ bounds: '1,4.5,8', ends: '155,190', counts: '4004' });
    });
    it('or have a size, at round places', () => {
        expect(shape({ xBuckets: { mode: 'size', value: '1m' }, yBuckets: { mode: 'size', value: '5' } })).toEqual({ bounds: '0,5,10', ends: '180,240', counts: '4022' });
    });
    it('or the powers of a logarithm, in parts', () => {
        expect(shape({ xBuckets: { mode: 'count', value: '1' }, yBuckets: { scale: { type: 'log', log: 2 } } })).toEqual({ bounds: '1,2,4,8', ends: '190', counts: '125' });
        expect(calculated([frame], bucketsOf({ calculation: { yBuckets: { value: '2', scale: { type: 'log', log: 2 } } } }, 30))!.rows.length).toBe(6);
    });
    it('as many as the width has room for, else', () => {
        const found = calculated([frame], bucketsOf({}, 7))!;
        expect([found.times.length, found.rows.length]).toEqual([7, 20]);
        expect(calculated([], bucketsOf({}, 7))).toBeUndefined();
    });
    it.each(['nothing', '-1', '0'])('and no more than can be seen: %s', (value) => {
        const { columns, rows, size, stepS } = bucketsOf({ calculation: { xBuckets: { mode: 'count', value }, yBuckets: { value } } }, 7);
        expect([columns >= 1 && columns <= 7, rows, size, stepS]).toEqual([true, 20, undefined, undefined]);
        expect(bucketsOf({ calculation: { xBuckets: { mode: 'count', value: '1e9' }, yBuckets: { mode: 'count', value: '1e9' } } }, 7)).toEqual({ columns: 2000, rows: 500 });
    });
});

describe('within', () => {
    const three: Cells = { ...cells, counts: Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) };
    it.each<[object, string, string]>([[{}, '1,3,Infinity', '123456789'], [{ min: 1 }, '3,Infinity', '456789'], [{ max: 3 }, '1,3', '123456'], [{ min: 2, max: '2.5' }, '3', '456'], [{ min: 9, max: -1 }, '1,3,Infinity', '123456789']])('%j', (limits, bounds, counts) => {
        const found = within(three, limits as never);
        expect([found.rows.map((row) => row.high).join(), [...found.counts].join('')]).toEqual([bounds, counts]);
    });
});

test.each(['constructor', 'toString', '__proto__', 'nope', ''])('the scheme "%s" is the usual one', (scheme) => {
    expect(paintOf({ color: { scheme } }, 'dark', 8).colors).toEqual(paintOf({}, 'dark', 8).colors);
});

describe('names of rows', () => {
    const time = makeField('Time', 'time', [0, 10_000]);
    const row = (name: string, labels: Record<string, string> = {}) => makeField(name, 'number', [1, 2], {}, labels);
    const rowsOf = (names: string[], layout: 'le' | 'ge' | 'unknown' | 'auto') => fromBuckets(makeFrame([time, ...names.map((name) => row(name))]), layout)!;
    const shape = ({ rows }: Cells) => rows.map(({ low, high }) => `${low}-${high}`).join();

    test.each<[unknown, string]>([['le', 'le'], ['ge', 'ge'], ['unknown', 'unknown'], ['auto', 'auto'], ['constructor', 'auto'], [null, 'auto'], [{}, 'auto']])('%j is %s', (layout, want) =>
        expect(layoutOf({ rowsFrame: { layout } })).toBe(want));

    test.each<['le' | 'ge' | 'unknown' | 'auto', string[], string, boolean, number | undefined]>([
        ['auto', ['1', '2', '+Inf'], '0-1,1-2,2-Infinity', false, undefined],
        ['le', ['1', '2', '+Inf'], '0-1,1-2,2-Infinity', false, 1],
        ['ge', ['0', '1', '2'], '0-1,1-2,2-Infinity', false, 0],
        ['ge', ['-Inf', '0', '1'], '-Infinity-0,0-1,1-Infinity', false, 0],
        ['unknown', ['1', '2', '+Inf'], '0-1,1-2,2-3', true, undefined],
        ['auto', ['small', 'large'], '0-1,1-2', true, undefined],
        ['auto', ['', '1'], '0-1,1-2', true, undefined],
        ['le', ['small', 'large'], '0-1,1-2', true, 1],
        ['ge', ['small', 'large'], '0-1,1-2', true, 0],
    ])('%s: %j', (layout, names, want, isNamed, labelAt) => {
        const found = rowsOf(names, layout);
        expect(shape(found)).toBe(want);
        expect(found.rows.map((one) => one.label)).toEqual(names);
        expect([found.isNamed === true, found.labelAt]).toEqual([isNamed, labelAt]);
        expect([...found.counts].slice(0, 2)).toEqual([1, 2]);
    });

    test('of native histograms both bounds are known', () => {
        const frame = makeFrame([time, row('2', { le: '2', ge: '1' }), row('4', { le: '4', ge: '2' })]);
        expect(shape(fromBuckets(frame)!)).toBe('1-2,2-4');
        expect(fromBuckets(frame, 'ge')!.rows).toEqual([{ low: 1, high: 2, label: '1' }, { low: 2, high: Infinity, label: '2' }]);
        expect(fromBuckets(frame, 'le')!.rows.map((one) => one.label)).toEqual(['2', '4']);
        /* Classic ones have one label, whatever it is said to be. */
        expect(fromBuckets(makeFrame([time, row('x', { le: '2' }), row('y', { le: '+Inf' })]), 'ge')!.rows).toEqual([{ low: 2, high: Infinity, label: '2' }, { low: Infinity, high: Infinity, label: '+Inf' }]);
    });

    test('frames of a row each are put in the order of their bounds', () => {
        const frames = ['4', '-Inf', '1'].map((ge) => makeFrame([time, { ...row('x', { ge }), state: { displayName: `from ${ge}` } }]));
        expect(fromBuckets(merged(frames, 'ge')!, 'ge')!.rows.map((one) => one.low)).toEqual([-Infinity, 1, 4]);
        expect(fromBuckets(merged(frames)!)!.rows.map((one) => one.label)).toEqual(['from 4', 'from -Inf', 'from 1']);
    });

    test('a value has no place among names, and a part of the rows keeps what they are', () => {
        expect(heightOf(rowsOf(['1', '2'], 'unknown'), 0.5, false)).toBeUndefined();
        expect(within(rowsOf(['1', '2', '3'], 'unknown'), { max: 2 })).toMatchObject({ isNamed: true, rows: [{ label: '1' }, { label: '2' }] });
        expect(within(rowsOf(['1', '+Inf'], 'ge'), {}).rows).toHaveLength(2);
        expect(within(rowsOf(['0', '1', '2'], 'ge'), { min: 1 })).toMatchObject({ labelAt: 0, rows: [{ low: 1 }, { low: 2 }] });
    });

    /* A row from 40 to 60 px of 100. */
    test.each<[number | undefined, boolean, number]>([[undefined, false, 50], [undefined, true, 50], [1, false, 40], [0, false, 60], [1, true, 60], [0, true, 40]])('a label at %j, reversed %j, stands at %d px', (labelAt, isReversed, want) =>
        expect(labelY({ ...cells, ...(labelAt === undefined ? {} : { labelAt }) }, 40, 20, 100, isReversed)).toBe(want));

    test('no label is cut', () => expect([labelY({ ...cells, labelAt: 1 }, 0, 20, 100, false), labelY({ ...cells, labelAt: 0 }, 80, 20, 100, false)]).toEqual([6, 94]));
});

test.each([[0, 0], [2, 0], [3, 0.5], [4, 1], [9, 1]])('%d stands at %d of a scale from 2 to 4', (count, want) => expect(scaleShare({ low: 2, high: 4 }, count)).toBe(want));
