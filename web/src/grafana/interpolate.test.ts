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

test.each<[string, string]>([
    /* A format that nobody knows is as none; names of what every object has are no formats and no variables. */
    ['${host:nope}', '{a,b+c}'],
    ['${host:constructor}', '{a,b+c}'],
    ['${host:toString}', '{a,b+c}'],
    ['${constructor}', '${constructor}'],
    ['${constructor.x}', '${constructor.x}'],
    ['$toString', '$toString'],
    ['${__proto__}', '${__proto__}'],
    ['${host:}', '${host:}'],
    ['${ host }', '${ host }'],
    ['$', '$'],
    ['$$job', '$web'],
    ['${job', '${job'],
    ['[[job', '[[job'],
    ['[[ job ]]', '[[ job ]]'],
    ['$job_x', '$job_x'],
    ['$job.x', 'web.x'],
    ['${job}_x', 'web_x'],
    ['$jobé', 'webé'],
    ['${job:raw}', 'web'],
    ['${one}', 'a.b'],
    ['${one:glob}', 'a.b'],
    ['${one:json}', '["a.b"]'],
    ['${job:json}', '"web"'],
    ['${quote:singlequote}', "'o\\'b\\c'"],
    ['${quote:sqlstring}', "'o''b\\c'"],
    ['${quote:html}', 'o&#39;b\\c'],
    ['${host:html}', 'a, b+c'],
    ['${host:uriencode}', 'a,b+c'],
    ['${job:lucene}', 'web'],
    ['${one:percentencode}', '%7Ba.b%7D'],
    ['${job:percentencode}', 'web'],
    ['${job:queryparam}', 'var-job=web'],
    ['${every:text}', 'All'],
    ['${every}', '.*'],
    ['${every:pipe}', '.*'],
    ['${every:queryparam}', 'var-every=.%2A'],
    ['${__from:date}', '1970-01-01T00:16:40.000Z'],
    ['${__from:date:HH:mm}', '00:16'],
    ['${__timezone}', 'utc'],
    ['$__interval/${__interval}/[[__interval]]', '15s/15s/15s'],
    ['${__dashboard.title}', 'Board'],
    ['${__org.name} ${__user.id}', 'Main Org. 0'],
    ['${__user.login}', ''],
    ['$interval', '15s'],
    ['$timeFilter', ''],
])('%s is %s', (text, want) => expect(interpolate(text, scope)).toBe(want));

test.each<[number, number, string]>([
    [1000, 1000, '1s/4s'],
    [60_000, 15_000, '1m/75s'],
    [3_600_000, 60_000, '1h/61m'],
    [86_400_000, 60_000, '1d/1441m'],
    [1500, 1000, '1500ms/4s'],
    [500, 100, '500ms/600ms'],
    [0.4, 0.1, '1ms/1ms'],
    [90_000, 15_000, '90s/105s'],
])('an interval of %d ms, scraped each %d: %s', (intervalMs, scrapeIntervalMs, want) => expect(interpolate('$__interval/$__rate_interval', { ...scope, intervalMs, scrapeIntervalMs })).toBe(want));

test('a variable of one\'s own may be called interval; a repeat goes before it', () => {
    const own = new Map<string, VariableValue>([['interval', { value: '5m', isMulti: false }]]);
    expect(interpolate('$interval', { ...scope, variables: own })).toBe('5m');
    expect(interpolate('$interval', { ...scope, variables: own }, { extra: new Map([['interval', { value: '9m', isMulti: false }]]) })).toBe('9m');
    expect(interpolate('$__range', { ...scope, from: 5, to: 5 })).toBe('1s');
});

test('values are texts, not further variables or patterns', () => {
    const multi = (value: string) => interpolate('up{a=~"$x"}', { ...scope, variables: new Map([['x', { value: [value, 'b'], isMulti: true }]]) }, { promql: true });
    expect(multi('a.b')).toBe('up{a=~"(a\\\\.b|b)"}');
    expect(multi('\\')).toBe('up{a=~"(\\\\\\\\|b)"}');
    expect(multi('$job')).toBe('up{a=~"(\\\\$job|b)"}');
    expect(interpolate('$a', { ...scope, variables: new Map([['a', { value: '$job $&', isMulti: false }]]) })).toBe('$job $&');
});
