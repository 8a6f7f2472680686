import { describe, expect, it } from 'vitest';
import { TRANSFORM_IDS, transformFrames } from '../../../grafana/transform';
import { makeField, makeFrame } from '../../../grafana/frame';
import { mapValue, type ValueMapping } from '../../../grafana/mappings';
import { readMappings, writeMappings, type MappingLine } from './Mappings';
import { moveEntry, nextRefId } from './Queries';
import { addStep, sortSteps } from './Thresholds';
import { filterRefs, refFilter, TRANSFORMS } from './Transformations';
import { withTest } from './transformForms';

describe('queries', () => {
    it.each([[[], 'A'], [['A', 'B'], 'C'], [['B'], 'A'], [['A', 'C'], 'B'], [[...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'], 'A1'], [[...'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'A1'], 'A2']])('after %j comes %s', (refIds, want) => {
        expect(nextRefId(refIds.map((refId) => ({ refId })))).toBe(want);
    });

    it.each<[number, -1 | 1, string]>([[0, 1, 'bac'], [2, -1, 'acb'], [0, -1, 'abc'], [2, 1, 'abc']])('the %i-th moves by %i', (i, by, want) => {
        expect(moveEntry([...'abc'], i, by).join('')).toBe(want);
    });
});

describe('thresholds', () => {
    it('a new one is above the others, in another colour', () => {
        expect(addStep([{ color: 'green', value: null }, { color: 'red', value: 80 }])).toEqual([{ color: 'green', value: null }, { color: 'red', value: 80 }, { color: 'orange', value: 90 }]);
        expect(addStep([])).toEqual([{ color: 'red', value: null }]);
    });

    it('are in the order of their values, the base first', () => {
        expect(sortSteps([{ value: 9 }, { value: null }, { value: -3 }]).map((s) => s.value)).toEqual([null, -3, 9]);
    });
});

describe('value mappings', () => {
    const file: ValueMapping[] = [
        { type: 'value', options: { 1: { text: 'up', color: 'green', index: 0 }, 0: { text: 'down', index: 1 } } },
        { type: 'range', options: { from: 2, to: null, result: { text: 'many', index: 2 } } },
        { type: 'regex', options: { pattern: 'a.*', result: { text: 'a', index: 3 } } },
        { type: 'special', options: { match: 'null+nan', result: { text: 'none', index: 4 } } },
    ];

    it('are a line each, and come back as they were', () => {
        const lines = readMappings(file);
        expect(lines.map((l) => `${l.kind} ${String(l.result.text)}`)).toEqual(['value up', 'value down', 'range many', 'regex a', 'special none']);
        const again = writeMappings(lines) as ValueMapping[];
        expect(again).toEqual(file);
        for (const value of [1, 0, 5, 'abc', null, NaN, 'x']) {
            expect(mapValue(again, value)).toEqual(mapValue(file, value));
        }
    });

    it('keep their order when one stands between values', () => {
        const lines = readMappings(file);
        const moved = writeMappings([lines[0]!, lines[2]!, lines[1]!]);
        expect(moved.map((m) => m.type)).toEqual(['value', 'range', 'value']);
        expect(readMappings(moved).map((l) => l.result.text)).toEqual(['up', 'many', 'down']);
    });

    it('two of one value stay two', () => {
        const twice: MappingLine[] = [readMappings(file)[0]!, readMappings(file)[0]!];
        expect(readMappings(writeMappings(twice))).toHaveLength(2);
    });
});

describe('transformations', () => {
    it('of the menu are those that are known', () => {
        expect(Object.keys(TRANSFORMS).filter((id) => !TRANSFORM_IDS.includes(id))).toEqual([]);
    });

    it.each(Object.keys(TRANSFORMS))('%s: a new one does no harm', (id) => {
        const frame = makeFrame([makeField('Time', 'time', [1, 2]), makeField('Value', 'number', [3, 4], {}, { job: 'a' })], { refId: 'A' });
        expect(transformFrames([frame], [{ id, options: TRANSFORMS[id]!.start ?? {} }]).errors).toEqual([]);
    });
});

describe('rules of transformations', () => {
    it.each([
        ['between', { value: 5 }, { from: 0, to: 100 }], ['isNull', { value: 5 }, {}], ['regex', { value: 'a' }, { value: 'a' }], ['greater', { value: 'x' }, { value: 0 }],
        ['lower', { value: 7 }, { value: 7 }], ['equal', {}, { value: '' }], ['between', { from: 1, to: 2 }, { from: 1, to: 2 }],
    ])('a condition becomes %s', (id, options, want) => {
        expect(withTest({ fieldName: 'f', own: 1, config: { id: 'x', options } }, id)).toEqual({ fieldName: 'f', own: 1, config: { id, options: want } });
    });

    it('config comes from the data of another query', () => {
        const limits = makeFrame([makeField('Time', 'time', [1, 2]), makeField('max', 'number', [10, NaN]), makeField('warn', 'number', [3, 7]), makeField('unit', 'string', ['s', 's']), makeField('name', 'string', ['x', null])], { refId: 'B' });
        const data = makeFrame([makeField('Time', 'time', [1, 2]), makeField('Value', 'number', [3, 4])], { refId: 'A' });
        const mappings = [{ fieldName: 'warn', handlerKey: 'threshold1', reducerId: 'max' }, { fieldName: 'name', handlerKey: 'displayName' }, { fieldName: 'unit', handlerKey: '__ignore' }];
        const { frames, errors } = transformFrames([limits, data], [{ id: 'configFromData', options: { configRefId: 'B', mappings } }]);
        expect(errors).toEqual([]);
        expect(frames.map((f) => f.refId)).toEqual(['A']);
        expect(frames[0]!.fields[1]!.config).toEqual({ max: 10, displayName: 'x', thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 7, color: 'red' }] } });
        expect(frames[0]!.fields[0]!.config).toEqual({});
    });
});

describe('filters of transformations', () => {
    it.each<[string[], string]>([[['A'], 'A'], [['A', 'B'], '/^(?:A|B)$/'], [['a.b', 'C|D'], '/^(?:a\\.b|C\\|D)$/'], [[], '/^(?:)$/']])('%j is %s', (refs, want) => {
        const filter = refFilter(refs);
        expect(filter).toEqual({ id: 'byRefId', options: want });
        expect(want.includes('\\|') || filterRefs(filter)).toEqual(want.includes('\\|') || refs);
    });

    it('what somebody wrote by hand is left as it is', () => expect([filterRefs({ id: 'byRefId', options: '/A.*/' }), filterRefs({ id: 'byName', options: 'x' })]).toEqual([undefined, undefined]));
});
