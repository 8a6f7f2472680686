import { expect, it } from 'vitest';
import { grownOf } from './growth';

const series = (counts: Record<string, number>) =>
    Object.entries(counts).map(([name, count]) => ({ labels: { __name__: name }, times: Float64Array.of(1), values: Float64Array.of(count), histogramTimes: [], histograms: [] }));

it('what grew most stands first; what is new has grown by all that it has; what shrank is left out', () => {
    expect(grownOf(series({ a: 5, b: 9, c: 3, d: 1, e: 4 }), series({ a: 4, b: 2, d: 1, e: 6, gone: 7 })).map((one) => [one.name, one.value])).toEqual([['b', 7], ['c', 3], ['a', 1]]);
});
