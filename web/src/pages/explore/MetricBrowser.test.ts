import { describe, expect, it } from 'vitest';
import { selectorOf, suggest } from './MetricBrowser';

describe('selectorOf', () => {
    it.each([
        ['up', {}, 'up'],
        ['up', { job: [] }, 'up'],
        ['up', { job: ['a'] }, 'up{job="a"}'],
        ['up', { job: ['a.b', 'c'], z: ['"'] }, 'up{job=~"a\\\\.b|c", z="\\""}'],
    ])('%s %o', (metric, chosen, want) => expect(selectorOf(metric, chosen)).toBe(want));
});

describe('suggest', () => {
    it.each([
        ['a_total', 'counter', 'rate(a_total[5m])'],
        ['a_count', undefined, 'rate(a_count[5m])'],
        ['a_bucket', 'histogram', 'histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))'],
        ['a_bytes', 'gauge', 'a_bytes'],
    ])('%s', (metric, type, want) => expect(suggest(metric, metric, type)).toBe(want));
});
