import { describe, expect, test } from 'vitest';
import { fieldName } from './names';
import { heatmapFrame, nativeFrames, tableFrame, timeSeriesFrames, type SeriesLike } from './prometheus';

const options = { refId: 'A', stepMs: 10_000, startMs: 0, endMs: 40_000 };

test('a gap stays a gap', () => {
    const [frame] = timeSeriesFrames([{ labels: { __name__: 'up', job: 'a' }, times: [10, 40], values: [1, 2] }], { ...options, legendFormat: '{{job}} {{nope}}' });
    expect(Array.from(frame!.fields[0]!.values as Float64Array)).toEqual([0, 10_000, 20_000, 30_000, 40_000]);
    expect(Array.from(frame!.fields[1]!.values as Float64Array)).toEqual([NaN, 1, NaN, NaN, 2]);
    expect(frame!.fields[1]!.config.displayNameFromDS).toBe('a ');
    expect(timeSeriesFrames([{ labels: { __name__: 'up', job: 'a' }, times: [], values: [] }], options)[0]!.fields[1]!.config.displayNameFromDS).toBe('up{job="a"}');
});

test('a table has a column a label', () => {
    const frame = tableFrame([{ labels: { a: '1' }, times: [5], values: [7] }, { labels: { b: '2' }, times: [5], values: [8] }], 'B', 2);
    expect(frame.fields.map((f) => [f.name, Array.from(f.values as ArrayLike<unknown>)])).toEqual([
        ['Time', [5000, 5000]], ['a', ['1', '']], ['b', ['', '2']], ['Value #B', [7, 8]],
    ]);
});

test('buckets in order, each alone', () => {
    const bucket = (le: string, values: number[]): SeriesLike => ({ labels: { le }, times: [0, 10], values });
    const frame = heatmapFrame([bucket('+Inf', [9, 9]), bucket('0.5', [1, 2]), bucket('10', [4, 1])], { ...options, endMs: 10_000 })!;
    expect(frame.fields.map((f) => [f.name, Array.from(f.values as Float64Array)])).toEqual([
        ['Time', [0, 10_000]], ['0.5', [1, 2]], ['10', [3, 0]], ['+Inf', [5, 8]],
    ]);
    expect(heatmapFrame([], options)).toBeUndefined();
});

test.each<[string | undefined, string[]]>([
    ['__auto', ['a', 'b']],
    ['', ['{job="a"}', '{job="b"}']],
    [undefined, ['{job="a"}', '{job="b"}']],
    ['{{job}}!', ['a!', 'b!']],
])('legend %j', (legendFormat, want) => {
    const series = ['a', 'b'].map((job): SeriesLike => ({ labels: { job }, times: [10], values: [1] }));
    const frames = timeSeriesFrames(series, { ...options, expr: 'sum by (job) (up)', ...(legendFormat === undefined ? {} : { legendFormat }) });
    expect(frames.map((f) => fieldName(f.fields[1]!, f, frames))).toEqual(want);
});

test('a series without labels is called by its expression', () => {
    for (const legendFormat of ['__auto', '']) {
        expect(timeSeriesFrames([{ labels: {}, times: [10], values: [1] }], { ...options, expr: 'sum(up)', legendFormat })[0]!.fields[1]!.config.displayNameFromDS).toBe('sum(up)');
    }
});

test('native histograms of all series are buckets of one heatmap, with rows for those that lack', () => {
    const bucket = (low: number, high: number, count: number) => ({ low, high, count });
    const series = (histogramTimes: number[], ...histograms: ReturnType<typeof bucket>[][]): SeriesLike => ({ labels: {}, times: [], values: [], histogramTimes, histograms: histograms.map((buckets) => ({ buckets })) });
    const [frame] = nativeFrames([series([0, 20], [bucket(1, 2, 3)], [bucket(1, 2, 4), bucket(8, 16, 1)]), series([20], [bucket(1, 2, 5)])], { ...options, endMs: 20_000 });
    expect(frame!.meta?.kind).toBe('heatmap-rows');
    expect(frame!.fields.map((f) => [f.name, Array.from(f.values as Float64Array)])).toEqual([
        ['Time', [0, 10_000, 20_000]], ['2', [3, NaN, 9]], ['4', [NaN, NaN, NaN]], ['8', [NaN, NaN, NaN]], ['16', [NaN, NaN, 1]],
    ]);
    expect(frame!.fields[1]!.labels).toEqual({ le: '2', ge: '1' });
    expect(nativeFrames([], options)).toEqual([]);
});

describe('times on a grid', () => {
    const values = (times: number[], of: number[], rest: Partial<typeof options> = {}) => timeSeriesFrames([{ labels: {}, times, values: of }], { ...options, ...rest })[0]!.fields.map((f) => Array.from(f.values as Float64Array));
    test.each<[string, number[], number[], Partial<typeof options>, number[][]]>([
        ['no samples: gaps all over', [], [], {}, [[0, 10_000, 20_000, 30_000, 40_000], [NaN, NaN, NaN, NaN, NaN]]],
        ['the grid is that of the samples', [3, 13], [1, 2], { endMs: 20_000 }, [[3000, 13_000], [1, 2]]],
        ['samples that are a little late', [10.001, 20.002], [1, 2], { endMs: 20_002 }, [[1, 10_001, 20_001], [NaN, 1, 2]]],
        ['an instant has the times that it has', [5, 7], [1, 2], { stepMs: 0 }, [[5000, 7000], [1, 2]]],
        ['an instant without an answer', [], [], { stepMs: 0 }, [[], []]],
        ['the end before the start', [], [], { startMs: 50_000 }, [[], []]],
        ['infinite values stay', [0], [Infinity], { endMs: 0 }, [[0], [Infinity]]],
    ])('%s', (_, times, of, rest, want) => expect(values(times, of, rest)).toEqual(want));

    test('has a bound', () => expect(values([], [], { stepMs: 1, endMs: 1e9 })[0]).toHaveLength(100_000));
});

test('a table has all samples of a series, and labels of any name', () => {
    const frame = tableFrame([{ labels: { __name__: 'up', Value: 'x' }, times: [1, 2], values: [3, 4] }], 'A');
    expect(frame.fields.map((f) => [f.name, f.type, Array.from(f.values as ArrayLike<unknown>)])).toEqual([['Time', 'time', [1000, 2000]], ['Value', 'string', ['x', 'x']], ['__name__', 'string', ['up', 'up']], ['Value', 'number', [3, 4]]]);
    expect(tableFrame([], 'A').fields.map((f) => [f.name, f.values.length])).toEqual([['Time', 0], ['Value', 0]]);
    expect(tableFrame([{ labels: { constructor: 'x' } as never, times: [1], values: [1] }, { labels: {}, times: [1], values: [2] }], 'A').fields[1]!.values).toEqual(['x', '']);
});

test('buckets by their bounds; a count that falls is none', () => {
    const bucket = (le: string | undefined, values: number[]): SeriesLike => ({ labels: le === undefined ? {} : { le }, times: [0], values });
    const frame = heatmapFrame([bucket('1e1', [5]), bucket('-1', [2]), bucket('+Inf', [4]), bucket('0', [2])], { ...options, endMs: 0 })!;
    expect(frame.fields.slice(1).map((f) => [f.name, Array.from(f.values as Float64Array)])).toEqual([['-1', [2]], ['0', [0]], ['1e1', [3]], ['+Inf', [0]]]);
    expect(heatmapFrame([bucket(undefined, [7])], { ...options, endMs: 0, expr: 'sum(x)' })!.fields[1]!.name).toBe('sum(x)');
});
