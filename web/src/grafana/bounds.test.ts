import { describe, expect, test } from 'vitest';
import { bounded, cutText, DEPTH_MAX, isTooDeep, PANELS_MAX, type Cuts } from './bounds';
import { readDraft, removePanel, toggleRow } from './edit/panels';
import { patchJson } from './edit/patch';
import { asRecord, asRecords, type Json } from './json';
import { jsonFault, parseRecord } from './jsonfault';
import { migrateDashboard as withoutOld, hasOldForms } from './migrate/core';
import { migrateDashboard } from './migrate';
import { allPanels, readDashboard } from './model';

const MANY = 100_000;

/* Rows within rows, so many deep. */
const nested = (depth: number, member = 'panels'): string => `{"${member}":[`.repeat(depth) + '{"type":"stat"}' + ']}'.repeat(depth);
const many = (one: string, count = MANY): string => `[${Array.from({ length: count }, () => one).join()}]`;
const parse = (text: string): Json => JSON.parse(text) as Json;

describe('depth', () => {
    test.each(['panels', 'rows', 'targets', 'options', 'mappings', 'links', 'transformations', 'nobodyKnows'])('%s within each other without end are refused', (member) => {
        const json = parse(nested(MANY, member));
        expect(() => hasOldForms(json)).not.toThrow();
        expect(() => migrateDashboard(json)).toThrow('nested more than 500 deep');
        expect(() => withoutOld(json)).toThrow('nested more than 500 deep');
    });

    test('likewise within a panel, an export, a variable', () => {
        for (const text of [`{"panels":[{"type":"stat","options":${nested(MANY, 'x')}}]}`, `{"dashboard":${nested(MANY)}}`, `{"templating":{"list":[{"name":"a","query":${'['.repeat(MANY)}${']'.repeat(MANY)}}]}}`]) {
            expect(() => migrateDashboard(parse(text))).toThrow('nested more than 500 deep');
        }
    });

    test('a text that is typed in has its fault where it lies', () => {
        expect(parseRecord(nested(MANY), 'A dashboard is').fault).toEqual({ at: 250 * '{"panels":['.length + '{"panels":'.length, message: 'nested more than 500 deep' });
        expect(parseRecord(nested(100), 'A dashboard is').fault).toBeUndefined();
    });

    test('the bound is where the editor of JSON has it', () => {
        for (const depth of [DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1]) {
            const text = `${'['.repeat(depth)}1${']'.repeat(depth)}`;
            expect(isTooDeep(JSON.parse(text))).toBe(jsonFault(text) !== undefined);
            expect(isTooDeep(JSON.parse(text))).toBe(depth > DEPTH_MAX);
        }
    });

    test('rows are one level deep, as Grafana has them', () => {
        const cuts: Cuts = new Map();
        const board = readDashboard(migrateDashboard(parse(`{"panels":[{"type":"row","title":"a","panels":[{"type":"row","title":"b","panels":${many('{"type":"stat"}', 3)}}, {"type":"graph"}]}]}`)));
        expect(allPanels(board.panels).map((p) => p.type)).toEqual(['row', 'row', 'timeseries']);
        bounded(parse(nested(200)), cuts);
        expect(cutText(cuts)).toBe('2 of “panels”');
        expect(allPanels(readDashboard(migrateDashboard(parse(nested(200)))).panels)).toHaveLength(2);
        expect(allPanels(readDraft(parse(nested(200))).panels)).toHaveLength(2);
    });
});

describe('number', () => {
    test.each([
        ['panels', `{"panels":${many('{"type":"stat"}')}}`, PANELS_MAX],
        ['panels of old types', `{"panels":${many('{"type":"graph","id":1}')}}`, PANELS_MAX],
        ['panels in a row', `{"panels":[{"type":"row","panels":${many('{}')}}]}`, PANELS_MAX],
        ['panels in rows', `{"panels":${many(`{"type":"row","panels":${many('{}', 1000)}}`, 100)}}`, PANELS_MAX],
        ['panels in rows of old', `{"rows":${many(`{"panels":${many('{"span":1}', 1000)}}`, 100)}}`, PANELS_MAX - 5],
        ['rows of old', `{"rows":${many('{"showTitle":true}')}}`, PANELS_MAX],
    ])('%s', (_, text, want) => {
        const json = parse(text);
        const cuts: Cuts = new Map();
        expect(allPanels(readDashboard(migrateDashboard(json)).panels)).toHaveLength(want);
        bounded(json, cuts);
        expect(cuts.get('panels')).toBeGreaterThan(MANY - PANELS_MAX - 10);
        expect(allPanels(readDraft(json).panels).length).toBeLessThanOrEqual(PANELS_MAX);
    });

    test.each(['targets', 'transformations', 'links'])('%s of a panel', (member) => {
        const panel = readDashboard(migrateDashboard(parse(`{"panels":[{"type":"stat","${member}":${many('{"id":"x","expr":"up"}')}}]}`))).panels[0]!;
        expect(panel[member as 'targets' | 'transformations' | 'links']).toHaveLength(200);
    });

    test('what stands elsewhere', () => {
        const cuts: Cuts = new Map();
        const json = bounded(parse(`{"templating":{"list":${many('{"name":"a"}')}},"tags":${many('"x"')},"panels":[{"fieldConfig":{"defaults":{"mappings":${many('{"type":"value"}')},"odd":${many('1')}},"overrides":${many('{}')}}}]}`), cuts);
        expect(cutText(cuts)).toBe('99,500 of “list”, 99,800 of “tags”, 99,000 of “mappings”, 90,000 of “odd”, 99,000 of “overrides”');
        expect(asRecords(asRecord(json.templating).list)).toHaveLength(500);
        expect(Object.keys(bounded({ options: Object.fromEntries(Array.from({ length: MANY }, (_, i) => [`k${i}`, i])) }).options as Json)).toHaveLength(10_000);
    });

    test('nothing of a usual one, and members of odd names stay', () => {
        const cuts: Cuts = new Map();
        const json = parse('{"__proto__":{"x":1},"rows":null,"panels":[{"type":"row","panels":[{"id":1}]},{"options":{"panels":[{"panels":[1]}],"constructor":[[1],{"a":null}]}}],"tags":["a"]}');
        expect(JSON.stringify(bounded(json, cuts))).toBe(JSON.stringify(json));
        expect(cutText(cuts)).toBe('');
    });

    test('many panels are changed without a frozen page', () => {
        const board = parse(`{"panels":[{"type":"row","id":1,"collapsed":true,"panels":${many('{"id":2,"gridPos":{"y":3}}', MANY / 2)}},${many('{"type":"stat"}', MANY / 2).slice(1)}}`);
        const begun = Date.now();
        expect(asRecords(toggleRow(board, 1).panels)).toHaveLength(MANY + 1);
        expect(asRecords(removePanel(board, 1).panels)).toHaveLength(MANY / 2);
        const list = Array.from({ length: MANY }, (_, i) => ({ name: `a${i}` }));
        expect(patchJson(list, list, list.map((one) => ({ ...one, x: 1 })))).toHaveLength(MANY);
        expect(Date.now() - begun).toBeLessThan(20_000);
    });
});
