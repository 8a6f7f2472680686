import { describe, expect, it } from 'vitest';
import { asRecord, asRecords, type Json } from '../json';
import {
    addAnnotation, addIn, addVariable, ANNOTATIONS, annotationEntries, annotationNameFault, duplicateIn, getAnnotation, isBuiltInAnnotation, moveIn, nameFault, queryText, removeIn, setAnnotation,
    updateAnnotation, updateVariable, usesOf, variableEntries, VARIABLES, withQueryText, withVariableType,
} from './board';
import { setMember } from './patch';

const board: Json = {
    title: 'b',
    templating: { own: 1, list: [
        { own: 'kept', name: 'job', type: 'query', query: { query: 'label_values(up, job)', refId: 'x', own: 2 }, definition: 'label_values(up, job)', hideVariable: true },
        { name: 'env', type: 'custom', query: 'a,b' },
        { name: 'old', query: 'label_values(job)', refresh: true },
    ] },
    links: [{ title: 'one' }, { title: 'two' }],
    panels: [{ repeat: 'env', title: '$job', targets: [{ expr: 'up{job="${job:regex}", env=~"[[env]]"}' }] }, { title: 'no $jobs' }],
};
const names = (b: Json): unknown[] => asRecords(asRecord(b.templating).list).map((v) => v.name);

describe('variables', () => {
    it('are patched where they are: unknown members and old forms stay', () => {
        const entry = variableEntries(board)[0]!;
        expect(entry.json.hide).toBe(2);
        const after = updateVariable(board, 0, setMember(entry.json, 'label', 'Job'));
        expect(asRecords(asRecord(after.templating).list)[0]).toEqual({ own: 'kept', name: 'job', type: 'query', query: { query: 'label_values(up, job)', refId: 'x', own: 2 }, definition: 'label_values(up, job)', hideVariable: true, label: 'Job' });
        expect(asRecord(after.templating).own).toBe(1);
        expect(asRecords(asRecord(after.templating).list)[1]).toBe(asRecords(asRecord(board.templating).list)[1]);
        expect(updateVariable(board, 0, entry.json)).toBe(board);
        expect(updateVariable(board, 9, {})).toBe(board);
    });

    it('of an old form are written in the newest one when that part changes', () => {
        const entry = variableEntries(board)[0]!;
        const after = updateVariable(board, 0, setMember(entry.json, 'hide', 0));
        expect(variableEntries(after)[0]!.json.hide).toBe(0);
        const refresh = updateVariable(board, 2, setMember(variableEntries(board)[2]!.json, 'refresh', 2));
        expect(asRecords(asRecord(refresh.templating).list)[2]).toMatchObject({ refresh: 2 });
    });

    it('have their query as a text or in a record', () => {
        const [job, , old] = variableEntries(board).map((e) => e.json);
        expect([queryText(job!), queryText(old!)]).toEqual(['label_values(up, job)', 'label_values(job)']);
        expect(withQueryText(job!, 'metrics(x)')).toMatchObject({ query: { query: 'metrics(x)', refId: 'x', own: 2 }, definition: 'metrics(x)' });
        expect(withQueryText(old!, 'metrics(x)')).toEqual({ ...old, query: 'metrics(x)' });
    });

    it('become another type, and keep what is no matter of it', () => {
        const custom = withVariableType(variableEntries(board)[0]!.json, 'custom');
        expect(custom).toMatchObject({ name: 'job', own: 'kept', type: 'custom', query: '', hide: 2 });
        expect(custom.definition).toBeUndefined();
        expect(withVariableType(withVariableType(custom, 'constant'), 'textbox').hide).toBe(0);
    });

    it('are added, doubled, moved and removed', () => {
        const { board: more, index } = addVariable(board);
        expect([names(more), index]).toEqual([['job', 'env', 'old', 'query3'], 3]);
        expect(names(duplicateIn(duplicateIn(board, VARIABLES, 1), VARIABLES, 1))).toEqual(['job', 'env', 'copy_of_copy_of_env', 'copy_of_env', 'old']);
        expect(names(moveIn(board, ['templating', 'list'], 1, -1))).toEqual(['env', 'job', 'old']);
        expect(moveIn(board, ['templating', 'list'], 0, -1)).toBe(board);
        expect(names(removeIn(board, ['templating', 'list'], 0))).toEqual(['env', 'old']);
        expect(names(addVariable({}).board)).toEqual(['query0']);
    });

    it.each([['', 'needed'], ['a b', 'Letters'], ['__x', 'taken'], ['env', 'Another'], ['job', ''], ['new_1', '']])('name "%s": %s', (name, want) => {
        const fault = nameFault(board, 0, name);
        expect(want === '' ? fault === '' : fault.includes(want), fault).toBe(true);
    });

    it('know where they are used', () => {
        expect(['job', 'env', 'old', 'jobs'].map((name) => usesOf(board, name))).toEqual([2, 2, 0, 1]);
    });
});

it('links are a list as well', () => {
    expect(asRecords(addIn(moveIn(board, ['links'], 0, 1), ['links'], { title: 'three' }).links).map((l) => l.title)).toEqual(['two', 'one', 'three']);
});

describe('annotations', () => {
    const old: Json = { own: 1, name: 'restarts', datasource: '$ds', enable: true, expr: 'changes(x[1m]) > 0', step: '30s', iconColor: 'red' };
    const newer: Json = { name: 'deploys', enable: true, iconColor: 'blue', target: { expr: 'deployed', interval: '1m', refId: 'Anno', own: 2 } };
    const file: Json = { annotations: { own: 3, list: [{ builtIn: 1, name: 'Annotations & Alerts', type: 'dashboard' }, old, newer] }, panels: [{ id: 1, datasource: { type: 'prometheus', uid: 'p' } }] };

    it('have their query and its step in themselves or in their target, and keep them there', () => {
        expect(annotationEntries(file).map((e) => isBuiltInAnnotation(e.json))).toEqual([true, false, false]);
        expect([old, newer].map((a) => [getAnnotation(a, 'expr'), getAnnotation(a, 'step'), getAnnotation(a, 'name')])).toEqual([['changes(x[1m]) > 0', '30s', 'restarts'], ['deployed', '1m', 'deploys']]);
        const changed = updateAnnotation(file, 2, (a) => setAnnotation(setAnnotation(a, 'expr', 'deployed > 1'), 'step', '2m'));
        expect(annotationEntries(changed)[2]!.json).toEqual({ ...newer, target: { expr: 'deployed > 1', interval: '2m', refId: 'Anno', own: 2 } });
        expect(annotationEntries(updateAnnotation(file, 1, (a) => setAnnotation(a, 'expr', 'y')))[1]!.json).toEqual({ ...old, expr: 'y' });
        expect(asRecord(changed.annotations).own).toBe(3);
        expect(setAnnotation(old, 'step', undefined)).not.toHaveProperty('step');
        expect(updateAnnotation(file, 9, () => ({}))).toBe(file);
    });

    it('are added with the data source of the dashboard and a name of their own', () => {
        const { board: once, index } = addAnnotation(file);
        const twice = addAnnotation(once).board;
        expect(index).toBe(3);
        expect(annotationEntries(twice).slice(3).map((e) => [e.json.name, e.json.datasource])).toEqual([['New annotation', { type: 'prometheus', uid: 'p' }], ['New annotation 2', { type: 'prometheus', uid: 'p' }]]);
        expect(annotationEntries(addAnnotation({}).board)[0]!.json).not.toHaveProperty('datasource');
        expect(annotationEntries(duplicateIn(file, ANNOTATIONS, 1)).map((e) => e.json.name)).toEqual(['Annotations & Alerts', 'restarts', 'copy_of_restarts', 'deploys']);
    });

    it.each([['', 'needed'], [' ', 'needed'], ['restarts', 'Another'], ['deploys', ''], ['new one', '']])('name "%s": %s', (name, want) => {
        const fault = annotationNameFault(file, 2, name);
        expect(want === '' ? fault === '' : fault.includes(want), fault).toBe(true);
    });
});

describe('odd dashboards', () => {
    const odd: Json[] = [{}, { templating: 5 }, { templating: { list: 'x' } }, { templating: { list: [null, 5, 'x'] } }, { annotations: [] }, { annotations: { list: {} } }];

    it('have no variables and annotations, and take some', () => {
        for (const b of odd) {
            expect([variableEntries(b), annotationEntries(b)]).toEqual([[], []]);
            expect([updateVariable(b, 0, { name: 'x' }), duplicateIn(b, VARIABLES, 0), updateAnnotation(b, 0, () => ({}))]).toEqual([b, b, b]);
            expect(variableEntries(addVariable(b, 'custom').board).map((e) => e.json.type)).toEqual(['custom']);
            expect(annotationEntries(addAnnotation(b).board).map((e) => e.json.name)).toEqual(['New annotation']);
        }
    });

    it('entries that are none keep their place', () => {
        const b: Json = { templating: { list: [null, { name: 'a', type: 'query' }, 5] } };
        expect(variableEntries(b).map((e) => e.index)).toEqual([1]);
        expect(asRecord(updateVariable(b, 1, { name: 'a', type: 'query', label: 'A' }).templating).list).toEqual([null, { name: 'a', type: 'query', label: 'A' }, 5]);
    });

    it('moves end at the ends', () => {
        const b: Json = { links: [{ title: 'a' }, { title: 'b' }] };
        expect([moveIn(b, ['links'], 1, 1), moveIn(b, ['links'], 0, -1), moveIn(b, ['nope'], 0, 1)]).toEqual([b, b, b]);
        expect(asRecords(removeIn(b, ['links'], 9).links)).toHaveLength(2);
        expect(addIn({}, ['links'], { title: 'a' })).toEqual({ links: [{ title: 'a' }] });
    });
});

it.each<[string, Json, Json]>([
    ['query', {}, { multi: false, sort: 1, refresh: 1, hide: 0 }],
    ['interval', {}, { auto: false, auto_count: 30, refresh: 2 }],
    ['datasource', {}, { query: 'prometheus' }],
    ['textbox', {}, { query: '' }],
    ['constant', { hide: 0 }, { hide: 2 }],
    ['adhoc', { hide: 1 }, { filters: [], hide: 1 }],
    ['custom', { type: 'constant', hide: 2 }, { hide: 0, query: '' }],
])('a new %s variable from %j', (type, json, want) => {
    const made = withVariableType({ name: 'v', label: 'L', own: 1, query: 'old', regex: 'old', ...json }, type as Parameters<typeof withVariableType>[1]);
    expect(made).toMatchObject({ name: 'v', label: 'L', own: 1, type, ...want });
    expect([made.query, made.regex]).not.toContain('old');
});

it.each<[unknown, string, number]>([
    ['$job', 'job', 1],
    ['$jobs', 'job', 0],
    ['${job:csv} [[job]]', 'job', 1],
    ['job', 'job', 0],
    [{ a: ['$job', { b: '${job}' }] }, 'job', 2],
    [{ repeat: 'job' }, 'job', 1],
    [{ repeat: 'jobs' }, 'job', 0],
    ['$constructor', 'constructor', 1],
    [null, 'job', 0],
    [{ expr: 'x{a="$é"}' }, 'é', 0],
])('%j uses %s: %d', (value, name, want) => expect(usesOf({ value }, name)).toBe(want));

it.each<[Json, string]>([
    [{}, ''],
    [{ query: 'x' }, 'x'],
    [{ query: { query: 'y' } }, 'y'],
    [{ query: { refId: 'A' } }, ''],
    [{ query: { query: 5 } }, '5'],
    [{ query: null }, ''],
])('the query of %j is "%s"', (json, want) => expect(queryText(json)).toBe(want));
