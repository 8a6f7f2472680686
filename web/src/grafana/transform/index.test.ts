import { expect, test } from 'vitest';
import { makeField, makeFrame } from '../frame';
import { TRANSFORM_IDS, transformFrames } from './index';
import type { Transformation } from './types';

const frame = (refId: string, rows = 3) => makeFrame([makeField('n', 'number', Array.from({ length: rows }, (_, i) => i))], { refId });
const limit = (limitField: number, rest: Partial<Transformation> = {}): Transformation => ({ id: 'limit', options: { limitField }, ...rest });

test('one after the other, as the panel lists them', () => {
    const { frames } = transformFrames([frame('A')], [{ id: 'sortBy', options: { sort: [{ field: 'n', desc: true }] } }, limit(1)]);
    expect(frames[0]!.fields[0]!.values).toEqual([2]);
});

test('one that is off changes nothing, one that nobody knows is named', () => {
    const input = [frame('A')];
    expect(transformFrames(input, [limit(1, { disabled: true }), { id: 'nope', options: {}, disabled: true }])).toEqual({ frames: input, unknown: [], errors: [] });
    expect(transformFrames(input, [{ id: 'nope', options: {} }, limit(1)])).toMatchObject({ unknown: ['nope'], frames: [{ length: 1 }] });
});

test('names of what every object has are no transformations', () => {
    const input = [frame('A')];
    for (const id of ['constructor', 'toString', '__proto__', 'valueOf', '']) {
        expect(transformFrames(input, [{ id, options: {} }])).toEqual({ frames: input, unknown: [id], errors: [] });
    }
});

test('a filter lets the others pass, in front', () => {
    const of = (filter: Transformation['filter']) => transformFrames([frame('A'), frame('B')], [limit(1, filter ? { filter } : {})]).frames.map((f) => `${f.refId}${f.length}`).join();
    expect([of({ id: 'byRefId', options: 'A' }), of({ id: 'byFrameRefID', options: '/[AB]/g' }), of({ id: 'byRefId', options: 'X' }), of({ id: '' }), of({ id: 'nope' }), of(undefined)]).toEqual(['B3,A1', 'A1,B1', 'A3,B3', 'A1,B1', 'A3,B3', 'A1,B1']);
});

test('one that fails is told, and the rest goes on', () => {
    const result = transformFrames([frame('A')], [{ id: 'joinByLabels', options: { value: 'nope' } }, limit(1)]);
    expect(result.errors).toEqual(['joinByLabels: no series has the label nope']);
    expect(result.frames[0]!.length).toBe(1);
});

/* Whatever a file says, and whatever the query gave: frames come out that are as long as their fields, and those that went in are as they were. */
test('every transformation takes every frame and every options', () => {
    const inputs = [
        [], [makeFrame([])], [frame('A', 0)], [makeFrame([makeField('Time', 'time', [1]), makeField('Value', 'number', [null], {}, {})]), makeFrame([makeField('host', 'string', ['a', 'b'])])],
        [makeFrame([makeField('', 'other', [{}, null, [1]]), makeField('', 'boolean', [true, false, true])])], [makeFrame([makeField('Time', 'time', Float64Array.of(2, 1)), makeField('Value', 'number', Float64Array.of(NaN, Infinity), {}, { constructor: 'x' })])],
    ];
    const odd = { fields: null, include: 5, exclude: [1], sort: {}, filters: [{}, 5], conversions: 'x', mode: 'constructor', byField: {}, reducers: ['max', 5], limitField: 'x', rules: [null], mappings: {}, value: 'constructor', source: 5, binary: [], reduce: 'x' };
    for (const id of TRANSFORM_IDS) {
        for (const options of [{}, odd]) {
            for (const input of inputs) {
                const before = structuredClone(input);
                const { frames, unknown } = transformFrames(input, [{ id, options }]);
                expect(unknown).toEqual([]);
                expect([id, frames.every((f) => f.length === f.fields.reduce((most, x) => Math.max(most, x.values.length), 0))]).toEqual([id, true]);
                expect(input).toEqual(before);
            }
        }
    }
});
