import { expect, test } from 'vitest';
import { interpolate, rateInterval, variableNames, type Scope, type VariableValue } from './interpolate';

const variables = new Map<string, VariableValue>([
    ['job', { value: 'web', isMulti: false }],
    ['one', { value: ['a.b'], text: ['A'], isMulti: true }],
    ['host', { value: ['a', 'b+c'], text: ['A', 'B'], isMulti: true }],
    ['every', { value: ['a', 'b'], text: ['All'], isMulti: true, allValue: '.*' }],
    ['quote', { value: "o'b\\c", isMulti: false }],
]);
const scope: Scope = { variables, from: 1_000_000, to: 4_600_000, zone: 'utc', intervalMs: 15_000, scrapeIntervalMs: 15_000, dashboard: { title: 'Board', uid: 'u' } };

test.each([
    ['up{job="$job"}', 'up{job="web"}'],
    ['up{job="${job}", x="[[job]]"}', 'up{job="web", x="web"}'],
    ['up{h=~"$one"}', 'up{h=~"a\\\\.b"}'],
    ['up{h=~"$host"}', 'up{h=~"(a|b\\\\+c)"}'],
    ['up{h=~"$every"}', 'up{h=~".*"}'],
    ['up{h="$quote"}', "up{h=\"o\\\\'b\\\\c\"}"],
    ['rate(x[$__rate_interval])', 'rate(x[1m])'],
    ['x[$__interval] $__interval_ms $__range $__range_s $__range_ms', 'x[15s] 15000 3600s 3600 3600000'],
    ['$nothing ${nothing} [[nothing]]', '$nothing ${nothing} [[nothing]]'],
    ['${host:pipe}', 'a|b+c'],
    ['${host:regex}', '(a|b\\+c)'],
])('in an expression: %s', (text, want) => expect(interpolate(text, scope, { promql: true })).toBe(want));

test.each([
    ['$host', '{a,b+c}'],
    ['${host:csv}', 'a,b+c'],
    ['${host:json}', '["a","b+c"]'],
    ['${host:text}', 'A + B'],
    ['[[host:csv]]', 'a,b+c'],
    ['${host:queryparam}', 'var-host=a&var-host=b%2Bc'],
    ['${host:doublequote}', '"a","b+c"'],
    ['${host:singlequote}', "'a','b+c'"],
    ['${host:sqlstring}', "'a','b+c'"],
    ['${host:percentencode}', '%7Ba%2Cb%2Bc%7D'],
    ['${host:distributed}', 'a,host=b+c'],
    ['${host:lucene}', '("a" OR "b\\+c")'],
    ['${every:raw}', '.*'],
    ['${__from:date:iso}', '1970-01-01T00:16:40.000Z'],
    ['${__from:date:seconds}', '1000'],
    ['${__to:date:YYYY-MM}', '1970-01'],
    ['${__dashboard} ${__dashboard.uid} $__org', 'Board u 1'],
    ['/d/x?${__url_time_range}&var-job=$job', '/d/x?from=1000000&to=4600000&var-job=web'],
    ['?$__all_variables', '?var-job=web&var-one=a.b&var-host=a&var-host=b%2Bc&var-every=a&var-every=b&var-quote=o%27b%5Cc'],
    ['no variable', 'no variable'],
])('in a text: %s', (text, want) => expect(interpolate(text, scope)).toBe(want));

test('the interval of rate() spans four scrapes', () => {
    expect(rateInterval(15_000, 15_000)).toBe(60_000);
    expect(rateInterval(120_000, 15_000)).toBe(135_000);
});

test('names in a text', () => {
    expect(variableNames('up{a="$job", b=~"${host:regex}"} [[one]] $__interval')).toEqual(['job', 'host', 'one', '__interval']);
});
