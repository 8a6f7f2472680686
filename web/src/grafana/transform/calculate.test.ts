import { describe, expect, test } from 'vitest';
import { makeField, makeFrame, type Frame } from '../frame';
import type { Json } from '../json';
import { fieldName } from '../names';
import { transformFrames } from './index';

const table = makeFrame([makeField('host', 'string', ['x', 'y', 'z']), makeField('a', 'number', [1, null, -3]), makeField('b', 'number', [10, 20, 30])], { refId: 'A' });

/* The field that is new: its name and its values. */
function made(options: Json, frames: readonly Frame[] = [table]): [string, unknown[]] | undefined {
    const { frames: [frame], errors } = transformFrames(frames, [{ id: 'calculateField', options: { timeSeries: false, ...options } }]);
    expect(errors).toEqual([]);
    const field = frame && frame.fields.length > frames[0]!.fields.length ? frame.fields.at(-1) : undefined;
    return field && [fieldName(field, frame), Array.from(field.values as ArrayLike<unknown>)];
}

describe('of a row', () => {
    test.each<[Json, [string, unknown[]] | undefined]>([
        [{}, ['Total', [11, 20, 27]]],
        [{ mode: 'reduceRow', reduce: { reducer: 'mean' } }, ['Mean', [5.5, 20, 13.5]]],
        [{ reduce: { reducer: 'max', include: ['a'] } }, ['Max', [1, null, -3]]],
        [{ reduce: { reducer: 'min', include: ['a', 'b', 'nope'] } }, ['Min', [1, 20, -3]]],
        [{ reduce: { reducer: 'count' } }, ['Count', [2, 2, 2]]],
        [{ reduce: { reducer: 'sum', include: [] }, alias: 'All' }, ['All', [11, 20, 27]]],
        [{ reduce: { reducer: 'nope' } }, undefined],
        [{ reduce: { reducer: 'constructor' } }, undefined],
        [{ reduce: { reducer: 'sum', include: ['nope'] } }, ['Total', [0, 0, 0]]],
    ])('%j', (options, want) => expect(made(options)).toEqual(want));
});

describe('of two', () => {
    const two = (left: unknown, operator: unknown, right: unknown): Json => ({ mode: 'binary', binary: { left, operator, right } });
    const fixed = (value: unknown) => ({ fixed: value });
    const byName = (options: string) => ({ matcher: { id: 'byName', options } });
    test.each<[Json, [string, unknown[]] | undefined]>([
        [two('a', '+', 'b'), ['a + b', [11, 20, 27]]],
        [two('b', '-', '1'), ['b - 1', [9, 19, 29]]],
        [two('2', '*', 'b'), ['2 * b', [20, 40, 60]]],
        [two('b', '/', 'a'), ['b / a', [10, Infinity, -10]]],
        [two('a', '**', '2'), ['a ** 2', [1, 0, 9]]],
        [two('b', '%', '7'), ['b % 7', [3, 6, 2]]],
        [two(byName('a'), '+', byName('b')), ['a + b', [11, 20, 27]]],
        [two(byName('a'), '*', fixed('0.5')), ['a * 0.5', [0.5, 0, -1.5]]],
        [two(fixed('7'), '-', fixed('2')), ['7 - 2', [5, 5, 5]]],
        [two(fixed('b'), '+', fixed('1')), ['b + 1', [11, 21, 31]]],
        [two('nope', '+', 'b'), undefined],
        [two('a', '+', ''), undefined],
        [two('a', 'xor', 'b'), undefined],
        [two('a', 'constructor', 'b'), undefined],
        [two('a', 'toString', 'b'), undefined],
        [{ mode: 'binary' }, undefined],
        [two('a', undefined, 'b'), ['a + b', [11, 20, 27]]],
    ])('%j', (options, want) => expect(made(options)).toEqual(want));

    test('on every field of a type', () => {
        const each = { mode: 'binary', binary: { left: { matcher: { id: 'byType', options: 'number' } }, operator: '*', right: { fixed: '2' } } };
        const of = (options: Json) => transformFrames([table], [{ id: 'calculateField', options: { timeSeries: false, ...each, ...options } }]).frames.map((f) => f.fields.map((x) => x.name).join('|'));
        expect(of({})).toEqual(['host|a|a * 2|b|b * 2']);
        expect(of({ replaceFields: true })).toEqual(['a * 2|b * 2']);
        expect(of({ binary: { ...each.binary, left: { matcher: { id: 'byType', options: 'boolean' } } } })).toEqual(['host|a|b']);
        expect(of({ binary: { ...each.binary, operator: 'constructor' } })).toEqual(['host|a|b']);
    });
});

describe('of one', () => {
    test.each<[Json, [string, unknown[]] | undefined]>([
        [{ mode: 'unary', unary: { operator: 'abs', fieldName: 'a' } }, ['abs(a)', [1, 0, 3]]],
        [{ mode: 'unary', unary: { operator: 'ceil' } }, ['ceil', [1, 0, -3]]],
        [{ mode: 'unary', unary: { operator: 'exp', fieldName: 'a' } }, ['exp(a)', [Math.E, 1, Math.exp(-3)]]],
        [{ mode: 'unary', unary: { operator: 'ln', fieldName: 'a' } }, ['ln(a)', [0, -Infinity, NaN]]],
        [{ mode: 'unary', unary: { operator: 'percent', fieldName: 'b' } }, ['percent(b)', [1000, 2000, 3000]]],
        [{ mode: 'unary', unary: { operator: 'nope', fieldName: 'b' } }, undefined],
        [{ mode: 'unary', unary: { operator: 'constructor', fieldName: 'b' } }, undefined],
        [{ mode: 'unary', unary: { fieldName: 'nope' } }, undefined],
        [{ mode: 'cumulativeFunctions', cumulative: { field: 'a' } }, ['cumulative sum(a)', [1, 1, -2]]],
        [{ mode: 'cumulativeFunctions', cumulative: { field: 'b', reducer: 'mean' } }, ['cumulative mean(b)', [10, 15, 20]]],
        [{ mode: 'cumulativeFunctions', cumulative: { field: 'nope' } }, undefined],
        [{ mode: 'cumulativeFunctions' }, ['cumulative sum', [1, 1, -2]]],
        [{ mode: 'windowFunctions', window: { field: 'b', windowSizeMode: 'fixed', windowSize: 2 } }, ['trailing moving mean(b)', [10, 15, 25]]],
        [{ mode: 'windowFunctions', window: { field: 'b', reducer: 'stdDev', windowSizeMode: 'fixed', windowSize: 3, windowAlignment: 'centered' } }, ['centered moving stdDev(b)', [5, Math.sqrt(200 / 3), 5]]],
        [{ mode: 'windowFunctions', window: { field: 'b', windowSize: 1 } }, ['trailing moving mean(b)', [10, 15, 20]]],
        [{ mode: 'windowFunctions', window: { field: 'b', windowSize: 0 } }, undefined],
        [{ mode: 'windowFunctions', window: { field: 'b', windowSize: -3, windowSizeMode: 'fixed' } }, undefined],
        [{ mode: 'windowFunctions', window: { field: 'b', reducer: 'max' } }, undefined],
        [{ mode: 'windowFunctions', window: { field: 'b', windowSizeMode: 'fixed', windowSize: 1e9 } }, ['trailing moving mean(b)', [10, 15, 20]]],
        [{ mode: 'index' }, ['Row', [0, 1, 2]]],
        [{ mode: 'index', index: { asPercentile: true }, alias: 'n' }, ['n', [0, 1 / 3, 2 / 3]]],
        [{ mode: 'of the future' }, undefined],
    ])('%j', (options, want) => expect(made(options)).toEqual(want === undefined ? undefined : [want[0], want[1].map((v) => (typeof v === 'number' && Number.isFinite(v) ? expect.closeTo(v, 9) as unknown : v))]));

    test('a share of all rows is in percent', () => {
        expect(transformFrames([table], [{ id: 'calculateField', options: { mode: 'index', index: { asPercentile: true } } }]).frames[0]!.fields.at(-1)!.config).toEqual({ unit: 'percentunit' });
    });
});

describe('series', () => {
    const series = (host: string, times: number[]) => makeFrame([makeField('Time', 'time', times), makeField('Value', 'number', times.map((t) => t * 10), {}, { host })], { refId: host });
    const total = (options: Json, ...frames: Frame[]) => transformFrames(frames, [{ id: 'calculateField', options }]).frames.map((f) => f.fields.map((x) => [x.config.displayName ?? x.name, Array.from(x.values as ArrayLike<unknown>)]));

    test('are lined up first; a gap counts as nothing', () => {
        expect(total({ alias: 'sum' }, series('a', [1, 2]), series('b', [2, 3]))).toEqual([[['Time', [1, 2, 3]], ['Value', [10, 20, undefined]], ['Value', [undefined, 20, 30]], ['sum', [10, 40, 30]]]]);
    });

    test('in their place, with their time', () => {
        expect(total({ alias: 'sum', replaceFields: true }, series('a', [1]), series('b', [1]))).toEqual([[['Time', [1]], ['sum', [20]]]]);
        expect(total({ replaceFields: true, reduce: { reducer: 'nope' } }, series('a', [1]))).toEqual([]);
        expect(total({ mode: 'index', replaceFields: true }, series('a', [5, 6]))).toEqual([[['Row', [0, 1]]]]);
    });

    test('with a number each stays alone', () => {
        const doubled = total({ mode: 'binary', binary: { left: 'Value', operator: '*', right: '2' } }, series('a', [1]), series('b', [2]));
        expect(doubled.map((f) => f.at(-1))).toEqual([['Value * 2', [20]], ['Value * 2', [40]]]);
    });

    test('nothing of nothing', () => {
        expect(total({})).toEqual([]);
        expect(total({}, makeFrame([]))).toEqual([[['Total', []]]]);
    });
});
