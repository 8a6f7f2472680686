import { describe, expect, it } from 'vitest';
import { commonLabels, formatCount, formatQuantity, guessQuantity, plural, quoteLabel, seriesName } from './format';

describe('guessQuantity', () => {
    it.each([
        ['node_memory_MemFree_bytes', 'bytes'],
        ['rate(node_network_receive_bytes_total{device="eth0"}[5m])', 'bytes/s'],
        ['http_request_duration_seconds_sum', 'seconds'],
        ['histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))', 'seconds'],
        ['rate(process_cpu_seconds_total[1m])', 'none'],
        ['process_start_time_seconds', 'time'],
        ['node_disk_ratio', 'ratio'],
        ['sum(rate(http_requests_total[5m]))', '/s'],
        ['a_bytes / b_bytes', 'none'],
        ['count(node_memory_MemFree_bytes)', 'none'],
        ['sum by (path_bytes) (up)', 'none'],
        ['up', 'none'],
        ['up{path="a/b_bytes"}', 'none'],
        ['node_hwmon_temp_celsius', 'celsius'],
    ])('%s', (expr, want) => expect(guessQuantity(expr)).toBe(want));
});

describe('formatQuantity', () => {
    it.each([
        [0, 'none', '0'], [1, 'none', '1'], [1234, 'none', '1.234 K'], [12345678, 'none', '12.35 M'], [0.00001234, 'none', '1.23e-5'], [0.5, 'none', '0.5'],
        [999, 'none', '999'], [-1500, 'none', '-1.5 K'], [NaN, 'none', 'NaN'], [Infinity, 'bytes', '+Inf'], [-Infinity, 'bytes', '-Inf'],
        [1024, 'bytes', '1 KiB'], [1536, 'bytes', '1.5 KiB'], [2 ** 31, 'bytes', '2 GiB'], [512, 'bytes/s', '512 B/s'],
        [0.0025, 'seconds', '2.5 ms'], [0, 'seconds', '0 s'], [90, 'seconds', '1.5 min'], [7200, 'seconds', '2 h'], [2e-7, 'seconds', '200 ns'], [864000, 'seconds', '10 d'],
        [0.1234, 'ratio', '12.34 %'], [20.5, 'celsius', '20.5 °C'], [1500, '/s', '1.5 K/s'], [1795961109, 'time', '2026-11-29 14:05:09'],
    ] as const)('%d as %s', (value, quantity, want) => expect(formatQuantity(value, quantity)).toBe(want));

    it('has plurals', () => expect([plural(1, 'alert'), plural(2000, 'alert'), plural(0, 'series', 'series')]).toEqual(['1 alert', '2,000 alerts', '0 series']));

    it('counts with commas', () => expect(formatCount(1234567)).toBe('1,234,567'));
});

describe('names of series', () => {
    it('is PromQL', () => {
        expect(seriesName({ __name__: 'up', job: 'a', path: 'x"y\\z\n' })).toBe('up{job="a", path="x\\"y\\\\z\\n"}');
        expect(seriesName({ __name__: 'up' })).toBe('up');
        expect(seriesName({})).toBe('{}');
        expect(seriesName({ 'a.b': '1' })).toBe('{"a.b"="1"}');
        expect(seriesName({ __name__: 'up', job: 'a', zone: 'z' }, new Set(['job', '__name__']))).toBe('{zone="z"}');
        expect(quoteLabel('<b>')).toBe('"<b>"');
    });

    it('knows what all have in common', () => {
        expect(commonLabels([{ a: '1', b: '2' }, { a: '1', b: '3' }])).toEqual(new Set(['a']));
        expect(commonLabels([{ a: '1' }])).toEqual(new Set());
        expect(commonLabels([])).toEqual(new Set());
        expect(commonLabels([{ a: '1' }, { b: '1' }])).toEqual(new Set());
    });
});
