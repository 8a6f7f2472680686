import { describe, expect, it, test } from 'vitest';
import { barAt, isLabelled, placeBars, valueAxis } from './bars';

const beside = { isStacked: false, groupWidth: 0.5, barWidth: 1 };
const stacked = { ...beside, isStacked: true };
const short = (bars: ReturnType<typeof placeBars>): string[] => bars.map((b) => `${b.group}.${b.bar} ${b.at}+${b.thick} ${b.from}..${b.to}`);

describe('bars', () => {
    it('stand side by side', () => expect(short(placeBars([[1, 2], [3, NaN]], 80, beside))).toEqual(['0.0 10+10 0..1', '0.1 20+10 0..2', '1.0 50+10 0..3', '1.1 60+10 0..0']));
    it('or on each other, negative ones downwards', () => expect(short(placeBars([[1, -2, 3, -1]], 40, stacked))).toEqual(['0.0 10+20 0..1', '0.1 10+20 0..-2', '0.2 10+20 1..4', '0.3 10+20 -2..-3']));
    it('fill a share of their room', () => expect(short(placeBars([[5]], 40, { isStacked: false, groupWidth: 1, barWidth: 0.5 }))).toEqual(['0.0 10+20 0..5']));
    it('none', () => expect(placeBars([], 40, beside)).toEqual([]));
});

describe('the axis of values', () => {
    const axis = (values: number[], limits = {}) => valueAxis(placeBars([values], 40, beside), 4, limits);
    it.each<[string, number[], Record<string, number>, [number, number, number[]]]>([
        ['from zero', [1, 38.5], {}, [0, 40, [0, 10, 20, 30, 40]]],
        ['over zero', [-12, 38.5], {}, [-20, 40, [-20, -10, 0, 10, 20, 30, 40]]],
        ['to zero', [-4, -1], {}, [-4, 0, [-4, -3, -2, -1, 0]]],
        ['within limits', [1, 38.5], { max: 35 }, [0, 35, [0, 10, 20, 30]]],
        ['with a lower end', [12, 18], { min: 10, max: 20 }, [10, 20, [10, 15, 20]]],
        ['of nothing', [], {}, [0, 1, [0, 1]]],
        ['of limits that make no sense', [5], { min: 10, max: 5 }, [10, 11, [10]]],
    ])('%s', (_name, values, limits, want) => {
        const { low, high, ticks } = axis(values, limits);
        expect([low, high, ticks]).toEqual(want);
    });
});

test.each<[number, number, number[]]>([[20, 0, [0, 1, 2, 3, 4]], [20, 30, [0, 2, 4]], [20, -50, [1, 4]], [20, 20, [0, 1, 2, 3, 4]]])('labels %d px apart that want %d', (slot, wanted, want) => {
    expect([0, 1, 2, 3, 4].filter((i) => isLabelled(i, 5, slot, wanted))).toEqual(want);
});

describe('the bar that is pointed at', () => {
    const at = (along: number, value: number, options: typeof beside) => {
        const bar = barAt(placeBars([[1, 2, -1], [3, 4, 5]], 80, options), along, value, 40);
        return bar && `${bar.group}.${bar.bar}`;
    };
    it.each<[string, number, number, typeof beside, string | undefined]>([
        ['in a stack', 20, 0.5, stacked, '0.0'], ['above it', 20, 2.5, stacked, '0.1'], ['below zero', 20, -0.5, stacked, '0.2'], ['of the next category', 60, 8, stacked, '1.2'],
        ['beside others', 11, 0.1, beside, '0.0'], ['however high it is', 29, 9, beside, '0.2'], ['none', 200, 1, beside, undefined],
    ])('%s', (_name, along, value, options, want) => expect(at(along, value, options)).toBe(want));
});
