import { expect, test } from 'vitest';
import { makeField, makeFrame, type Frame } from '../frame';
import { transformFrames } from './index';

const series = (refId: string, labels: Record<string, string>, values: number[]): Frame => makeFrame(
    [makeField('Time', 'time', Float64Array.from(values, (_, i) => i * 1000)), makeField('Value', 'number', Float64Array.from(values), {}, labels)], { refId },
);
const run = (frames: Frame[], id: string, options: Record<string, unknown> = {}) => transformFrames(frames, [{ id, options }]);
const shape = (frame: Frame | undefined) => frame?.fields.map((f) => [f.name, Array.from(f.values as ArrayLike<unknown>)]);

test('series become rows with a trend; tables pass', () => {
    const frames = [series('A', { job: 'a', pod: 'x' }, [1, 2]), series('A', { job: 'b' }, [3, 4])];
    const one = run(frames, 'timeSeriesTable').frames;
    expect(one.map((f) => f.refId)).toEqual(['A']);
    expect(shape(one[0])).toEqual([['job', ['a', 'b']], ['pod', ['x', null]], ['Trend', frames]]);
    const table = makeFrame([makeField('n', 'string', ['p'])], { refId: 'T' });
    const two = run([table, ...frames, series('B', {}, [5])], 'timeSeriesTable').frames;
    expect(two.map((f) => f.fields.map((x) => x.name))).toEqual([['n'], ['job', 'pod', 'Trend #A'], ['Trend #B']]);
});

test('values of a label become columns', () => {
    const at = (labels: Record<string, string>, value: number) => makeFrame([makeField('Value', 'number', Float64Array.of(value), {}, labels)]);
    const frames = [at({ host: 'h1', what: 'cpu' }, 1), at({ host: 'h1', what: 'disk' }, 2), at({ host: 'h2', what: 'cpu' }, 3)];
    expect(shape(run(frames, 'joinByLabels', { value: 'what' }).frames[0])).toEqual([['host', ['h1', 'h2']], ['cpu', [1, 3]], ['disk', [2, null]]]);
    expect(run(frames, 'joinByLabels', { value: 'nope' }).errors).toEqual(['joinByLabels: no series has the label nope']);
});

test('a table is split by its values', () => {
    const table = makeFrame([makeField('zone', 'string', ['a', 'b', 'a']), makeField('n', 'number', Float64Array.of(1, 2, 3))], { name: 'all' });
    expect(run([table], 'partitionByValues', { fields: ['zone'] }).frames.map((f) => [f.name, shape(f)])).toEqual([['a', [['n', [1, 3]]]], ['b', [['n', [2]]]]]);
    const labelled = run([table], 'partitionByValues', { fields: ['zone'], keepFields: true, naming: { asLabels: true } }).frames;
    expect(labelled.map((f) => [f.name, f.fields.map((x) => [x.name, x.labels?.zone])])).toEqual([['all', [['zone', 'a'], ['n', 'a']]], ['all', [['zone', 'b'], ['n', 'b']]]]);
    expect(run([table], 'partitionByValues', { fields: ['nope'] }).frames).toEqual([table]);
});

test('a filter lets frames of some queries through, by their name or a pattern', () => {
    const frames = ['A', 'B', 'C'].map((refId) => series(refId, { at: refId }, [1, 2]));
    const left = (options: unknown) => transformFrames(frames, [{ id: 'limit', options: { limitField: 1 }, filter: { id: 'byRefId', options } }]).frames.filter((f) => f.length === 1).map((f) => f.refId);
    expect(left('B')).toEqual(['B']);
    expect(left('/^(?:A|C)$/')).toEqual(['A', 'C']);
    expect(left('X')).toEqual([]);
});

test('edges of tables of series', () => {
    expect(run([], 'timeSeriesTable').frames).toEqual([]);
    expect(shape(run([series('A', {}, [1])], 'timeSeriesTable').frames[0])![0]![0]).toBe('Trend');
    const other = { ...series('A', { job: 'a' }, [1]), refId: undefined };
    expect(run([other], 'timeSeriesTable').frames.map((f) => [f.refId, f.fields.map((x) => x.name)])).toEqual([['', ['job', 'Trend']]]);
});

test('joinByLabels: chosen labels, several values of a key, none', () => {
    const at = (labels: Record<string, string>, values: number[]) => makeFrame([makeField('Value', 'number', Float64Array.from(values), { displayNameFromDS: 'x' }, labels)]);
    const frames = [at({ host: 'h1', zone: 'a', what: 'cpu' }, [1, 2]), at({ host: 'h1', zone: 'b', what: 'cpu' }, [3]), at({ host: 'h2', zone: 'a', what: 'mem' }, [4])];
    expect(shape(run(frames, 'joinByLabels', { value: 'what', join: ['host'] }).frames[0])).toEqual([['host', ['h1', 'h1', 'h1', 'h2']], ['cpu', [1, 2, 3, null]], ['mem', [null, null, null, 4]]]);
    expect(shape(run(frames, 'joinByLabels', { value: 'what' }).frames[0])!.map(([name]) => name)).toEqual(['host', 'zone', 'cpu', 'mem']);
    expect(run(frames, 'joinByLabels', {}).frames).toEqual(frames);
    expect(run(frames, 'joinByLabels', { value: 'constructor' }).errors).toHaveLength(1);
});

test('partitionByValues: names, several keys, gaps', () => {
    const table = makeFrame([makeField('zone', 'string', ['a', null, 'a']), makeField('n', 'number', [1, 2, 1])], { name: 'all' });
    const names = (options: Record<string, unknown>) => run([table], 'partitionByValues', options).frames.map((f) => `${f.name}:${f.length}`);
    expect(names({ fields: ['zone'], naming: { withNames: true, append: true } })).toEqual(['all zone=a:2', 'all zone=:1']);
    expect(names({ fields: ['zone', 'n'] })).toEqual(['a 1:2', ' 2:1']);
    expect(names({})).toEqual(['all:3']);
    expect(run([], 'partitionByValues', { fields: ['zone'] }).frames).toEqual([]);
});
