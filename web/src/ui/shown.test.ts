import { describe, expect, it } from 'vitest';
import { agoText } from './Ago';
import { cutSections } from './Shown';

describe('cutSections', () => {
    const sections = [{ name: 'a', list: [1, 2, 3] }, { name: 'b', list: [] }, { name: 'c', list: [4, 5] }];
    it.each([[0, []], [2, [[1, 2]]], [3, [[1, 2, 3]]], [4, [[1, 2, 3], [4]]], [9, [[1, 2, 3], [4, 5]]]])('%i rows', (rows, want) => {
        const { cut, total } = cutSections(sections, rows);
        expect(cut.map((one) => one.list)).toEqual(want);
        expect(total).toBe(5);
    });
});

describe('agoText', () => {
    it.each([[97_000, '3.0s ago'], [101_500, '0ms ago'], [160_000, 'in 1m 0s'], [NaN, 'never'], [-5, 'never']])('%d', (ms, want) => expect(agoText(ms, 100_000, 'never')).toBe(want));
});
