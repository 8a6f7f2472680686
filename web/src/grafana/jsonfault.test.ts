import { describe, expect, it, test } from 'vitest';
import { faultText, jsonFault, parseRecord } from './jsonfault';

test.each<[string, number, string]>([
    ['', 0, 'a value is wanted'],
    ['{"a": 1,}', 8, 'no comma stands before a }'],
    ['{"a" 1}', 5, 'a colon is wanted'],
    ['{a: 1}', 1, 'a name in double quotes'],
    ['{"a": 1 "b": 2}', 8, 'a comma or }'],
    ['[1, 2', 5, 'a comma or ]'],
    ['[1,]', 3, 'a value is wanted'],
    ['{"a": yes}', 6, '“yes” is no value'],
    ["{'a': 1}", 1, 'a name in double quotes'],
    ['{"a": "x', 6, 'has no end'],
    ['{"a": "x\ny"}', 8, 'ends on its line'],
    ['{"a": "\\x"}', 7, 'no such escape'],
    ['{"a": "\u0001"}', 7, 'control character'],
    ['{} x', 3, 'ends before this'],
    ['01', 1, 'ends before this'],
    ['-', 0, 'a value is wanted'],
    ['[NaN]', 1, '“NaN” is no value'],
])('%j has its fault at %i', (text, at, message) => {
    const fault = jsonFault(text);
    expect(fault?.at).toBe(at);
    expect(fault?.message).toContain(message);
    expect(() => JSON.parse(text)).toThrow();
});

describe('as the browser reads', () => {
    it('what is JSON has no fault', () => {
        for (const text of ['{}', ' [ ] ', '"\\u00e9\\n\\/"', '-0.5e+10', 'null', '{"a":[1,{"b":"c"}],"":true}', '[[[[1]]]]\n']) {
            expect(jsonFault(text)).toBeUndefined();
            JSON.parse(text);
        }
    });

    it('a spoilt text has a fault for both or for none', () => {
        const whole = JSON.stringify({ title: 'a "b" \\ é', panels: [{ id: 1, x: -1.5e-3, ok: true, none: null }], tags: [] }, null, 2);
        let state = 7;
        const random = (below: number): number => {
            state = (state * 1103515245 + 12345) & 0x7fffffff;
            return state % below;
        };
        const signs = '{}[]",:\\ \n0eE-+.tnx\u0000';
        for (let i = 0; i < 3000; i++) {
            const at = random(whole.length);
            const text = whole.slice(0, at) + (random(2) ? signs[random(signs.length)] : '') + whole.slice(at + random(3));
            let reads = true;
            try {
                JSON.parse(text);
            } catch {
                reads = false;
            }
            expect([text, jsonFault(text) === undefined]).toEqual([text, reads]);
        }
    });

    it('what is nested without end is refused', () => expect(jsonFault('['.repeat(100_000))?.message).toContain('nested'));
});

test('a record, or why it is none', () => {
    expect(parseRecord('{"a": 1}', 'A dashboard is').json).toEqual({ a: 1 });
    expect(parseRecord('[1]', 'A dashboard is').fault?.message).toBe('A dashboard is a JSON object');
    const text = '{\n  "a": 1,\n  b: 2\n}';
    expect(faultText(text, parseRecord(text, '').fault!)).toBe('line 3, column 3: a name in double quotes is wanted');
});
