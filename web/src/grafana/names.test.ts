import { expect, test } from 'vitest';
import { makeField, makeFrame, type Frame } from './frame';
import { fieldName, formatLabels, frameName, legendName, seriesName, type Labels } from './names';

test.each<[Labels | undefined, string]>([
    [undefined, ''],
    [{}, ''],
    [{ b: '2', a: '1' }, '{a="1", b="2"}'],
    [{ a: '' }, '{a=""}'],
    [{ 'my.label': 'ü' }, '{my.label="ü"}'],
    [{ B: '1', a: '2' }, '{B="1", a="2"}'],
])('labels %j are %s', (labels, want) => expect(formatLabels(labels)).toBe(want));

test.each<[Labels, string]>([
    [{}, '{}'],
    [{ __name__: 'up' }, 'up'],
    [{ __name__: 'up', job: 'x', instance: 'h:1' }, 'up{instance="h:1", job="x"}'],
    [{ job: 'x' }, '{job="x"}'],
    [{ __name__: '' }, '{}'],
])('series %j is %s', (labels, want) => expect(seriesName(labels)).toBe(want));

const LABELS: Labels = { job: 'web', instance: 'h:9', empty: '', odd: '$& $1', 'a b': 'spaced', __name__: 'up' };

test.each([
    ['{{job}}', 'web'], ['{{ job }} on {{instance}}', 'web on h:9'], ['{{  job\t}}', 'web'], ['{{job}}{{job}}', 'webweb'], ['{{a b}}', 'spaced'], ['{{__name__}}', 'up'],
    ['plain', 'plain'], ['', ''], ['{{job', '{{job'], ['{job}', '{job}'], ['{{}}', '{{}}'], ['{{odd}}', '$& $1'],
    /* A label that is not there leaves nothing, as in Grafana's server. */
    ['{{nope}}', ''], ['{{job}} {{nope}}!', 'web !'], ['{{empty}}', ''], ['{{constructor}}{{toString}}{{__proto__}}', ''], ['{{Job}}', ''],
])('legend %j is %j', (format, want) => expect(legendName(format, LABELS)).toBe(want));

function series(name: string, labels?: Labels, frame?: string): Frame {
    return makeFrame([makeField('Time', 'time', [1]), makeField(name, 'number', [1], {}, labels)], frame === undefined ? {} : { name: frame });
}

/* What the first value field of each frame is called among all of them: the cases of Grafana's own description. */
test.each<[string, Frame[], string[]]>([
    ['the field alone', [series('Field 1')], ['Field 1']],
    ['a name that says nothing', [series('Value')], ['Value']],
    ['the frame\'s name, where the field says nothing', [series('Value', undefined, 'Series A')], ['Series A']],
    ['the frame\'s name and the field\'s, where frames differ', [series('Field', undefined, 'A'), series('Field', undefined, 'B')], ['A Field', 'B Field']],
    ['frames of one name', [series('Value', { host: 'a' }, 'cpu'), series('Value', { host: 'b' }, 'cpu')], ['a', 'b']],
    ['the one label that all have', [series('Value', { host: 'a' }), series('Value', { host: 'b' })], ['a', 'b']],
    ['the same label on fields that have names', [series('cpu', { host: 'a' }), series('mem', { host: 'a' })], ['cpu a', 'mem a']],
    ['several labels', [series('Value', { host: 'a', mode: 'x' })], ['{host="a", mode="x"}']],
    ['different labels', [series('Value', { host: 'a' }), series('Value', { zone: 'b' })], ['{host="a"}', '{zone="b"}']],
    ['empty labels', [series('Value', {})], ['Value']],
    ['a label without a value', [series('Value', { host: '' })], ['Value']],
    ['no name at all', [series('')], ['Value']],
])('fieldName: %s', (_, frames, want) => {
    expect(frames.map((f) => fieldName(f.fields[1]!, f, frames))).toEqual(want);
});

test('a name that was given goes first', () => {
    const field = makeField('Value', 'number', [1], { displayName: 'Mine', displayNameFromDS: 'Theirs' }, { host: 'a' });
    expect(fieldName(field, makeFrame([field]))).toBe('Mine');
    const named = { ...field, config: { displayNameFromDS: 'Theirs' } };
    expect(fieldName(named, makeFrame([named]))).toBe('Theirs');
    expect(fieldName({ ...field, config: { displayName: '', displayNameFromDS: '' } }, makeFrame([field]))).toBe('a');
});

test('times are called as they are', () => {
    expect(fieldName(makeField('', 'time', []))).toBe('Time');
    expect(fieldName(makeField('when', 'time', []), makeFrame([], { name: 'f' }))).toBe('when');
});

test('fields of one name are numbered', () => {
    const frame = makeFrame([makeField('x', 'number', [1]), makeField('x', 'number', [2]), makeField('y', 'number', [3])]);
    expect(frame.fields.map((f) => fieldName(f, frame, [frame]))).toEqual(['x 1', 'x 2', 'y']);
});

test.each<[string, Frame, number | undefined, string]>([
    ['its own', series('Value', undefined, 'mine'), 0, 'mine'],
    ['of its one field', series('cpu'), 0, 'cpu'],
    ['of its one field\'s labels', series('Value', { a: '1', b: '2' }), 0, '{a="1", b="2"}'],
    ['of its fields', makeFrame([makeField('a', 'number', []), makeField('b', 'string', [])]), undefined, 'a, b'],
    ['of its query', makeFrame([makeField('a', 'number', []), makeField('b', 'number', [])], { refId: 'B' }), 1, 'Series (B)'],
    ['of its place', makeFrame([]), 3, 'Series (3)'],
])('frameName: %s', (_, frame, index, want) => expect(frameName(frame, index)).toBe(want));
