import { expect, test } from 'vitest';
import { ANNOTATIONS_MAX, alertAnnotations, annotationsOf, annotationStep, isAbout, metricNames } from './annotations';
import { readDashboard } from './model';

function model(json: Record<string, unknown>) {
    return readDashboard({ annotations: { list: [{ name: 'Deploys', expr: 'x', ...json }] } }).annotations[0]!;
}

const series = (labels: Record<string, string>, points: [number, number][]) => ({ labels, times: points.map((p) => p[0]), values: points.map((p) => p[1]) });

test('samples above zero that follow each other are one span', () => {
    const made = annotationsOf(model({ titleFormat: '{{app}}', textFormat: 'to {{version}} {{none}}', tagKeys: 'app, env,none' }), [
        series({ app: '<b>', version: '2', env: 'prod' }, [[60, 1], [120, 2], [180, 0], [240, NaN], [300, 1], [420, 1]]),
    ], 60_000, 'red');
    expect(made).toEqual([
        { from: 60_000, to: 120_000, color: 'red', title: '<b>', text: 'to 2 ', tags: ['<b>', 'prod'], source: 'Deploys' },
        { from: 300_000, color: 'red', title: '<b>', text: 'to 2 ', tags: ['<b>', 'prod'], source: 'Deploys' },
        { from: 420_000, color: 'red', title: '<b>', text: 'to 2 ', tags: ['<b>', 'prod'], source: 'Deploys' },
    ]);
});

test('values may be the times, each once', () => {
    const made = annotationsOf(model({ useValueForTime: true }), [series({}, [[60, 5000.7], [120, 5000.7], [180, 9000], [240, NaN]])], 60_000, 'red');
    expect(made.map((one) => [one.from, one.to, one.title])).toEqual([[5000, undefined, 'Deploys'], [9000, undefined, 'Deploys']]);
});

test('they are in order, and not more than can be seen', () => {
    const many = Array.from({ length: 2000 }, (_, i): [number, number] => [(2000 - i) * 1000, 1]);
    const made = annotationsOf(model({}), [series({}, many)], 60_000, 'red');
    expect(made).toHaveLength(ANNOTATIONS_MAX);
    expect(made[0]!.from).toBe(1_000_000);
});

test.each([
    ['', 3_600_000, 60_000],
    ['10s', 3_600_000, 10_000],
    ['1s', 86_400_000, 58_000],
    ['nonsense', 0, 60_000],
])('annotationStep(%j, %d)', (step, range, want) => {
    expect(annotationStep(step, range)).toBe(want);
});

test.each([
    ['rate(http_requests_total{job="up"}[5m]) > 0.5', ['http_requests_total']],
    ['sum by (instance, job) (a:b:c) / on (x) group_left (y) d offset 5m', ['a:b:c', 'd']],
    ['{__name__="weird"} or vector(1) and inf', ['weird']],
    ['up == bool 0 unless "text up2" == 1e3', ['up']],
    ["label_replace(m1, 'a', '$1', 'b', 'm2(.*)')", ['m1']],
    ['rate($metric[5m]) + x{a="}"}', ['x']],
    ['histogram_quantile(0.9, sum(rate(lat_bucket[1m])) by (le))', ['lat_bucket']],
    ['', []],
])('metricNames(%j)', (expr, want) => {
    expect([...metricNames(expr)].sort()).toEqual([...want].sort());
});

test('alerts are shown where their metrics are', () => {
    const made = alertAnnotations(
        [series({ __name__: 'ALERTS', alertstate: 'firing', alertname: 'Down', job: '<i>' }, [[60, 1], [120, 1]]), series({ __name__: 'ALERTS', alertstate: 'firing', alertname: 'Unknown' }, [[60, 1]])],
        [{ name: 'Down', query: 'up == 0' }, { name: 'Down', query: 'absent(other)' }], 60_000, 'red', 'Alerts',
    );
    expect(made[0]).toMatchObject({ from: 60_000, to: 120_000, title: 'Down', text: 'firing\njob=<i>' });
    expect(made[1]).toMatchObject({ from: 60_000, to: 120_000 });
    expect(made.filter((one) => isAbout(one, ['sum(up)'])).map((one) => one.title)).toEqual(['Down']);
    expect(made.filter((one) => isAbout(one, ['other'])).map((one) => one.title)).toEqual(['Down']);
    expect(made.filter((one) => isAbout(one, ['node_load1']))).toEqual([]);
    const deploys = annotationsOf(model({}), [series({}, [[60, 1]])], 60_000, 'red');
    expect(deploys.filter((one) => isAbout(one, []))).toHaveLength(1);
});
