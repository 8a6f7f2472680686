import { describe, expect, it } from 'vitest';
import { alpha, colorsFor, hashText, mix, SERIES_COLORS } from './colors';

describe('colorsFor', () => {
    it('gives eight keys eight colours, whatever their order', () => {
        const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
        const got = colorsFor(keys, 'dark');
        expect(new Set(got).size).toBe(8);
        expect(colorsFor([...keys].reverse(), 'dark')).toEqual([...got].reverse());
        got.forEach((color) => expect(SERIES_COLORS.dark).toContain(color));
    });

    it('keeps a lone series its colour', () => {
        expect(colorsFor(['up{job="a"}'], 'light')).toEqual(colorsFor(['up{job="a"}'], 'light'));
        expect(colorsFor([], 'dark')).toEqual([]);
    });

    it('has colours for many', () => {
        const keys = Array.from({ length: 200 }, (_, i) => `s${i}`);
        const got = colorsFor(keys, 'dark');
        expect(got.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true);
        expect(new Set(got).size).toBe(24);
    });
});

describe('mix and alpha', () => {
    it('blends', () => {
        expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080');
        expect(mix('#112233', '#ffffff', 0)).toBe('#112233');
        expect(alpha('#102030', 0.5)).toBe('rgba(16, 32, 48, 0.5)');
        expect(hashText('')).toBe(0x811c9dc5);
    });
});
