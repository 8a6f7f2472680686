import { describe, expect, test } from 'vitest';
import {
    CLASSIC_PALETTE, contrast, FALLBACK_COLOR, interpolateColors, namedColor, paletteColor, parseColor, readableColor, scaleColors, shadeColor, textOn, withAlpha, type Look, type Rgb,
} from './color';

const HOSTILE = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];

describe('names', () => {
    test.each<[string, Look, string]>([
        ['green', 'dark', '#73BF69'],
        ['green', 'light', '#56A64B'],
        ['dark-red', 'dark', '#C4162A'],
        ['dark-red', 'light', '#AD0317'],
        ['super-light-blue', 'dark', '#C0D8FF'],
        ['super-light-blue', 'light', '#8AB8FF'],
        ['semi-dark-yellow', 'dark', '#F2CC0C'],
        ['light-purple', 'dark', '#CA95E5'],
        ['text', 'dark', 'rgb(204, 204, 220)'],
        ['text', 'light', 'rgba(36, 41, 46, 1)'],
        ['transparent', 'dark', 'rgba(0,0,0,0)'],
        ['panel-bg', 'light', '#ffffff'],
        ['gray', 'dark', '#808080'],
        ['white', 'light', '#ffffff'],
        ['black', 'dark', '#000000'],
        ['#abc', 'dark', '#abc'],
        ['rgb(1,2,3)', 'dark', 'rgb(1,2,3)'],
        ['pale-green', 'dark', 'pale-green'],
        ['evergreen', 'dark', 'evergreen'],
        ['Green', 'dark', 'Green'],
    ])('%s in the %s look is %s', (name, look, want) => expect(namedColor(name, look)).toBe(want));

    test('none is grey', () => expect([undefined, '', null, 5, {}].map((name) => namedColor(name as string, 'dark'))).toEqual(Array(5).fill(FALLBACK_COLOR)));

    test('of what every object has are texts as others', () => {
        for (const name of HOSTILE) {
            expect(namedColor(name, 'dark')).toBe(name);
            expect(scaleColors(name, 'dark')).toBeUndefined();
            expect(paletteColor(name, 0, '', 'dark')).toBeUndefined();
        }
    });
});

describe('CSS', () => {
    test.each<[string, Rgb | undefined]>([
        ['#fff', { r: 255, g: 255, b: 255, a: 1 }],
        ['#1a2b3c', { r: 26, g: 43, b: 60, a: 1 }],
        ['#1A2B3C', { r: 26, g: 43, b: 60, a: 1 }],
        ['#00000080', { r: 0, g: 0, b: 0, a: 128 / 255 }],
        ['#0f08', { r: 0, g: 255, b: 0, a: 0x88 / 255 }],
        ['rgb(1, 2, 3)', { r: 1, g: 2, b: 3, a: 1 }],
        ['rgba(1,2,3,.5)', { r: 1, g: 2, b: 3, a: 0.5 }],
        ['rgb(1 2 3 / 50%)', { r: 1, g: 2, b: 3, a: 0.5 }],
        [' RGB(1,2,3) ', { r: 1, g: 2, b: 3, a: 1 }],
        ['#12', undefined],
        ['#12345', undefined],
        ['#ggg', undefined],
        ['red', undefined],
        ['', undefined],
        ['rgb(1,2)', undefined],
        ['hsl(1,2%,3%)', undefined],
        ['url(javascript:x)', undefined],
        ['rgb(1,2,3);x', undefined],
    ])('%s', (css, want) => expect(parseColor(css)).toEqual(want));

    test('with another opacity', () => {
        expect([withAlpha('#ff0000', 0.5), withAlpha('rgba(1,2,3,1)', 1 / 3), withAlpha('tomato', 0.5)]).toEqual(['rgba(255, 0, 0, 0.5)', 'rgba(1, 2, 3, 0.333)', 'tomato']);
    });

    test('contrast is WCAG\'s', () => {
        expect(contrast('#000', '#fff')).toBeCloseTo(21, 6);
        expect(contrast('#fff', '#000')).toBeCloseTo(21, 6);
        expect(contrast('#777', '#fff')).toBeCloseTo(4.48, 2);
        expect(contrast('#123456', '#123456')).toBe(1);
        expect(contrast('tomato', '#fff')).toBe(1);
    });

    test.each([
        ['#000', '#ffffff'],
        ['#fff', '#000000'],
        ['#F2CC0C', '#000000'],
        ['#1250B0', '#ffffff'],
        ['nonsense', '#ffffff'],
    ])('on %s stands %s', (css, want) => expect(textOn(css)).toBe(want));

    test('a colour that cannot be read becomes that of text', () => {
        expect([readableColor('#FADE2A', 'dark'), readableColor('#FADE2A', 'light'), readableColor('#000', 'dark'), readableColor('#000', 'light')]).toEqual(['#FADE2A', 'rgba(36, 41, 46, 1)', 'rgb(204, 204, 220)', '#000']);
    });
});

describe('scales', () => {
    test('begin and end with their colours', () => {
        for (const mode of ['continuous-GrYlRd', 'continuous-viridis', 'continuous-BlPu', 'continuous-greens']) {
            const colors = scaleColors(mode, 'dark')!;
            const at = (share: number) => parseColor(interpolateColors(colors, share));
            expect([mode, at(0), at(1)]).toEqual([mode, parseColor(colors[0]!), parseColor(colors[colors.length - 1]!)]);
            expect([at(-5), at(7), at(NaN), at(-Infinity), at(Infinity)]).toEqual([at(0), at(1), at(0), at(0), at(1)]);
        }
    });

    test('the middle of two is between them', () => expect(interpolateColors(['#000000', '#ffffff'], 0.5)).toBe('rgb(128, 128, 128)'));

    test('of one colour, of none, of what is none', () => {
        expect([interpolateColors(['#abc'], 0.5), interpolateColors([], 0.5), interpolateColors(['nonsense', 'nonsense'], 0.5)]).toEqual(['#abc', FALLBACK_COLOR, 'rgb(128, 128, 128)']);
    });

    test('go by the look', () => {
        expect(scaleColors('continuous-GrYlRd', 'light')).toEqual(['green', 'yellow', 'red'].map((c) => namedColor(c, 'light')));
        expect(scaleColors('continuous-nope', 'dark')).toBeUndefined();
        expect(scaleColors('', 'dark')).toBeUndefined();
    });
});

describe('palettes', () => {
    test('go round', () => {
        const size = CLASSIC_PALETTE.length;
        expect([0, 1, size, size + 1].map((i) => paletteColor('palette-classic', i, '', 'dark'))).toEqual(['#73BF69', '#F2CC0C', '#73BF69', '#F2CC0C']);
        expect(paletteColor('palette-colorblind', 1000, '', 'dark')).toMatch(/^#/);
    });

    test('by name do not go by place', () => {
        const of = (name: string, index: number) => paletteColor('palette-classic-by-name', index, name, 'dark');
        expect(of('web', 0)).toBe(of('web', 7));
        expect(new Set(['a', 'b', 'c', 'd', 'e', 'f', 'é', ''].map((name) => of(name, 0))).size).toBeGreaterThan(4);
    });

    test('can be read on the panel', () => {
        for (const [look, panel] of [['dark', '#181b1f'], ['light', '#ffffff']] as const) {
            for (let i = 0; i < 12; i++) {
                expect(contrast(paletteColor('palette-colorblind', i, '', look)!, panel)).toBeGreaterThanOrEqual(3);
                expect(contrast(paletteColor('palette-classic-by-name', i, `n${i}`, look)!, panel)).toBeGreaterThanOrEqual(3);
            }
        }
    });

    test('other modes have none', () => expect(['thresholds', 'fixed', '', 'palette-x'].map((mode) => paletteColor(mode, 0, '', 'dark'))).toEqual(Array(4).fill(undefined)));
});

describe('shades', () => {
    test('the first is the colour itself, and they repeat', () => {
        expect(shadeColor('#5794F2', 0)).toBe('#5794F2');
        expect(shadeColor('#5794F2', 11)).toBe('#5794F2');
        expect(new Set(Array.from({ length: 11 }, (_, i) => shadeColor('#5794F2', i))).size).toBe(11);
    });

    test('are lighter and darker in turn', () => {
        const light = (css: string) => contrast(css, '#000000');
        for (const css of ['#5794F2', '#808080', '#73BF69']) {
            for (let i = 1; i < 11; i++) {
                expect([css, i, light(shadeColor(css, i)) > light(css)]).toEqual([css, i, i % 2 === 1]);
            }
        }
    });

    test('of black, white and what is none are colours', () => {
        expect(shadeColor('#ffffff', 1)).toBe('#ffffff');
        expect(shadeColor('#000000', 2)).toBe('#000000');
        expect(shadeColor('tomato', 3)).toBe('tomato');
    });
});
