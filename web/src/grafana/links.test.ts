import { expect, test } from 'vitest';
import { dataLinkTitle, dataLinkUrl, hasTags, linkParams, safeUrl, withParams } from './links';

const context = { value: 1.5, text: '1.5 s', time: 1234.4, name: 'a&b', labels: { job: 'x/y', 'my.label': '<b>' }, from: 1000, to: 2000 };
const row = [{ name: 'job', raw: 'x/y', text: 'The job' }, { name: 'my name', raw: 0.5, text: '50 %' }];
const inRow = { ...context, fieldOf: (field: string | number) => (typeof field === 'number' ? row[field] : row.find((f) => f.name === field)) };

test.each([
    ['/x?j=${__data.fields.job}&t=${__data.fields.job.text}', '/x?j=x%2Fy&t=The%20job'],
    ['/x?n=${__data.fields["my name"]}&t=${__data.fields["my name"].text}&m=${__data.fields["my name"].numeric}', '/x?n=0.5&t=50%20%25&m=0.5'],
    ['/x?a=${__data.fields[0]}&b=${__data.fields[1].text}&c=${__data.fields[9]}', '/x?a=x%2Fy&b=50%20%25&c=${__data.fields[9]}'],
    ['/x?r=${__data.fields.job:raw}&z=${__data.fields.nope}', '/x?r=x/y&z=${__data.fields.nope}'],
])('of a row: %j', (url, want) => {
    expect(dataLinkUrl(url, inRow, fill)).toBe(want);
});

const fill = (text: string) => text.replace('$env', 'prod');

test.each([
    ['/d/u?var-job=${__field.labels.job}&${__url_time_range}', '/d/u?var-job=x%2Fy&from=1000&to=2000'],
    ['/d/u?$__url_time_range', '/d/u?from=1000&to=2000'],
    ['https://h/${__series.name}?v=${__value.raw}&t=${__value.time}&e=$env', 'https://h/a%26b?v=1.5&t=1234&e=prod'],
    ['/x?l=${__field.labels["my.label"]}&n=${__field.name:raw}&q=${__value.text}&z=${__value.numeric}', '/x?l=%3Cb%3E&n=a&b&q=1.5%20s&z=1.5'],
    ['/x?l=${__field.labels.none}', '/x?l='],
    ['/x?${__data.fields.name}', '/x?${__data.fields.name}'],
    ['javascript:alert(1)', '#'],
    ['${__field.labels.job}:alert(1)', 'x%2Fy:alert(1)'],
])('dataLinkUrl(%j)', (url, want) => {
    expect(dataLinkUrl(url, context, fill)).toBe(want);
});

test.each([
    [' JavaScript:x', '#'],
    ['data:text/html,x', '#'],
    ['mailto:a@b', 'mailto:a@b'],
    ['/a:b', '/a:b'],
    ['d/x', 'd/x'],
    ['vbscript:x', '#'],
    ['HTTPS://x', 'HTTPS://x'],
    ['\u0001javascript:x', '#'],
    ['java\nscript:x', '#'],
    ['j\ta\rvascript\n:x', '#'],
    ['/a b', '/a b'],
])('safeUrl(%j)', (url, want) => {
    expect(safeUrl(url)).toBe(want);
});

test('what a link carries on', () => {
    const variables = [{ name: 'job', values: ['a', 'b&c'] }, { name: 'none', values: [] }];
    const range = { from: 'now-1h', to: 'now' };
    expect(linkParams({ keepTime: false, includeVars: false }, range, variables)).toEqual([]);
    const all = linkParams({ keepTime: true, includeVars: true }, range, variables);
    expect(withParams('/d/u', all)).toBe('/d/u?from=now-1h&to=now&var-job=a&var-job=b%26c');
    expect(withParams('/d/u?x=1#end', all.slice(0, 1))).toBe('/d/u?x=1&from=now-1h#end');
    expect(withParams('/d/u', [])).toBe('/d/u');
});

test('tags', () => {
    expect(hasTags(['a', 'b'], [])).toBe(true);
    expect(hasTags(['a', 'b'], ['b'])).toBe(true);
    expect(hasTags(['a'], ['a', 'b'])).toBe(false);
});

test('the name of a link speaks of its value as it is', () => {
    const fill = (text: string) => text.replace('$env', 'prod');
    expect(dataLinkTitle('${__value.text} of ${__series.name} in $env', context, fill)).toBe('1.5 s of a&b in prod');
    expect(dataLinkTitle('', context, fill)).toBe('Link');
});

test.each([
    ['${__value.raw}|${__value.numeric}|${__value.time}', '0|0|0', { ...context, value: 0, time: 0 }],
    ['${__value.raw}|${__value.numeric}|${__value.time}', '|0|', { ...context, value: null, time: null }],
    ['${__value.numeric}', 'NaN', { ...context, value: 'x' }],
    ['${__value}', '${__value}', context],
    ['${__value.constructor}', '${__value.constructor}', context],
    ['${__value.toString}', '${__value.toString}', context],
    ['${__series.labels.job}', 'x/y', context],
    ['${__field.labels.constructor}!', '!', context],
    ['${__field.labels["nope"]}!', '!', context],
    ['${__series.nope}', '${__series.nope}', context],
    ['${__data.fields[0].nope}', '${__data.fields[0].nope}', context],
    ['${__data.fields["a"', '${__data.fields["a"', context],
    ['$__value.raw', '$__value.raw', context],
    ['$__url_time_ranges', '$__url_time_ranges', context],
    ['${__url_time_range}', 'from=1000&to=2000', context],
    ['${__value.raw}${__value.raw}', '1.51.5', context],
    ['${__value.text:raw}', '1.5 s', context],
    ['$& ${__series.name}', '$& $&', { ...context, name: '$&' }],
])('the title %j is %j', (title, want, of) => expect(dataLinkTitle(title, of, (text) => text)).toBe(want));

test('a value cannot become an address that runs', () => {
    const hostile = { ...context, value: 'javascript:alert(1)', name: '/../..?a=b#c' };
    expect(dataLinkUrl('${__value.raw}', hostile, (text) => text)).toBe('javascript%3Aalert(1)');
    expect(dataLinkUrl('${__value.raw:raw}', hostile, (text) => text)).toBe('#');
    expect(dataLinkUrl('/d/${__series.name}', hostile, (text) => text)).toBe('/d/%2F..%2F..%3Fa%3Db%23c');
    expect(dataLinkUrl('$x', hostile, () => 'data:text/html,x')).toBe('#');
});

test.each<[string, [string, string][], string]>([
    ['/x', [['a', '']], '/x?a='],
    ['/x?', [['a', '1']], '/x?&a=1'],
    ['/x#h', [['é', 'ü &']], '/x?%C3%A9=%C3%BC+%26#h'],
    ['https://h/p?q=1', [['a', '1'], ['a', '2']], 'https://h/p?q=1&a=1&a=2'],
    ['', [['a', '1']], '?a=1'],
    ['#h', [['a', '1']], '?a=1#h'],
])('%s with %j', (url, params, want) => expect(withParams(url, params)).toBe(want));
