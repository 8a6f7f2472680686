import { describe, expect, test } from 'vitest';
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

describe('spans', () => {
    const spans = (points: [number, number][], stepMs = 60_000, json: Record<string, unknown> = {}) => annotationsOf(model(json), [series({}, points)], stepMs, 'red').map((one) => (one.to === undefined ? `${one.from}` : `${one.from}-${one.to}`)).join();
    test.each<[string, [number, number][], string]>([
        ['no sample', [], ''],
        ['one', [[60, 1]], '60000'],
        ['none above zero', [[60, 0], [120, -1], [180, NaN]], ''],
        ['infinite', [[60, Infinity]], '60000'],
        ['a step apart', [[60, 1], [120, 1]], '60000-120000'],
        ['a little more than a step', [[60, 1], [121, 1]], '60000,121000'],
        ['out of order', [[120, 1], [60, 1]], '60000-120000'],
        ['twice at one time', [[60, 1], [60, 1]], '60000'],
    ])('%s', (_, points, want) => expect(spans(points)).toBe(want));

    test('values as times are each an event, whatever is no time', () => {
        expect(spans([[1, 5000], [2, 5000.9], [3, -7], [4, Infinity], [5, 9000]], 60_000, { useValueForTime: true })).toBe('-7,5000,9000');
    });

    test('of several series are in one order', () => {
        const made = annotationsOf(model({}), [series({ a: '1' }, [[180, 1]]), series({ a: '2' }, [[60, 1]])], 60_000, 'red');
        expect(made.map((one) => one.from)).toEqual([60_000, 180_000]);
        expect(annotationsOf(model({}), [], 60_000, 'red')).toEqual([]);
    });
});

test.each<[Record<string, unknown>, Record<string, string>, string, string, string[]]>([
    [{}, { app: 'x' }, 'Deploys', '', []],
    [{ titleFormat: '{{nope}}' }, {}, 'Deploys', '', []],
    [{ titleFormat: '{{app}} {{nope}}' }, { app: 'x' }, 'x ', '', []],
    [{ textFormat: '<b>{{app}}' }, { app: '</b>' }, 'Deploys', '<b></b>', []],
    [{ tagKeys: ' app ,,app, nope,constructor,empty' }, { app: 'x', empty: '' }, 'Deploys', '', ['x', 'x']],
    [{ tagKeys: '' }, { app: 'x' }, 'Deploys', '', []],
])('%j of %j', (json, labels, title, text, tags) => expect(annotationsOf(model(json), [series(labels, [[60, 1]])], 60_000, 'red')[0]).toMatchObject({ title, text, tags }));

test.each([
    ['sum(rate(a_total{x="y"}[5m])) by (z)', ['a_total']],
    ['a:b:rate5m > bool 3', ['a:b:rate5m']],
    ['a and b unless c', ['a', 'b', 'c']],
    ['{__name__=~"a|b"}', []],
    ["{'quoted.name'}", []],
    ['A * on (B) group_left (C) D', ['A', 'D']],
    ['x offset 5m @ start()', ['x']],
    ['1e5 + 0x1F + .5', []],
    ['"text" == x', ['x']],
    ['x[5m:1m]', ['x']],
    ['$metric + x', ['x']],
    ['x{a="\\"}', ['x']],
    ['((((', []],
])('metrics of %j', (expr, want) => expect([...metricNames(expr)].sort()).toEqual([...want].sort()));

test('an alert without a rule or a name is one all the same', () => {
    const [one] = alertAnnotations([series({ __name__: 'ALERTS', alertstate: 'firing' }, [[60, 1]])], [], 15_000, 'red', 'Alerts');
    expect(one).toMatchObject({ from: 60_000, to: 75_000, title: 'alert', text: 'firing', source: 'Alerts' });
    expect(isAbout(one!, ['up'])).toBe(false);
});
