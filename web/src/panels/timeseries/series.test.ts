import { describe, expect, it, test } from 'vitest';
import { applyFieldConfig } from '../../grafana/fieldconfig';
import { makeField, makeFrame, type Frame } from '../../grafana/frame';
import type { Json } from '../../grafana/json';
import { plotted } from './series';

const TIMES = [0, 10_000, 20_000, 30_000, 40_000];

/* A frame for each name with the config that the panel gives it. */
function framesOf(configs: Readonly<Record<string, Json>>, defaults: Json = {}, values: number[] = [1, 2, 3, 4, 5]): Frame[] {
    const frames = Object.keys(configs).map((name) => makeFrame([makeField('Time', 'time', Float64Array.from(TIMES)), makeField('Value', 'number', Float64Array.from(values), { displayNameFromDS: name })], { refId: 'A' }));
    return applyFieldConfig(frames, {
        defaults,
        overrides: Object.entries(configs).map(([name, config]) => ({ matcher: { id: 'byName', options: name }, properties: Object.entries(config).map(([id, value]) => ({ id, value })) })),
    });
}

const axes = (configs: Readonly<Record<string, Json>>, defaults: Json = {}): string => {
    const data = plotted(framesOf(configs, defaults), 'dark');
    return `${data.rows.map((r) => r.style.axis).join()} ${data.axes.map((a) => (a.hidden ? 'hidden' : a.side)).join()}`;
};

describe('axes', () => {
    it.each<[string, Record<string, Json>, string]>([
        ['one unit, one axis', { a: {}, b: {} }, '0,0 left'],
        ['a second unit stands at the right', { a: { unit: 'bytes' }, b: { unit: 'percent' }, c: { unit: 'bytes' } }, '0,1,0 left,right'],
        ['and so does a third', { a: { unit: 'bytes' }, b: { unit: 'percent' }, c: { unit: 's' } }, '0,1,2 left,right,right'],
        ['where it is wanted', { a: { 'custom.axisPlacement': 'right' }, b: {} }, '0,1 right,left'],
        ['other limits are another scale', { a: {}, b: { max: 100 } }, '0,1 left,right'],
        ['a hidden axis has its scale', { a: { unit: 's', 'custom.axisPlacement': 'hidden' }, b: {} }, '0,1 hidden,left'],
        ['left twice', { a: { unit: 's', 'custom.axisPlacement': 'left' }, b: { unit: 'm', 'custom.axisPlacement': 'left' } }, '0,1 left,left'],
        ['none', {}, ' undefined'],
    ])('%s', (_name, configs, want) => expect(axes(configs).replace(/ $/, ' undefined')).toBe(want));

    it('shares of a sum have one axis', () => expect(axes({ a: { unit: 's' }, b: { unit: 'm' } }, { custom: { stacking: { mode: 'percent' } } })).toBe('0,0 left'));

    it('each value has the unit of its own', () => {
        const data = plotted(framesOf({ a: { unit: 'bytes' }, b: { unit: 'percent' } }), 'dark');
        expect(data.axes.map((axis) => axis.format(5))).toEqual(['5 B', '5%']);
    });
});

test.each<[unknown, string]>([
    [false, '1,null,3,null,null'], [true, '1,undefined,3,undefined,undefined'], [20_000, '1,undefined,3,null,null'], [15_000, '1,null,3,null,null'],
])('gaps connected: %j', (spanNulls, want) => {
    const data = plotted(framesOf({ a: {} }, { custom: { spanNulls } }, [1, NaN, 3, NaN, NaN]), 'dark');
    expect(data.values[0]!.map(String).join()).toBe(want);
});

describe('colours by value', () => {
    const thresholds = { mode: 'absolute', steps: [{ value: null, color: '#00ff00' }, { value: 2, color: '#ffff00' }, { value: 4, color: '#ff0000' }] };

    it.each<[string, unknown[]]>([
        ['off', []],
        ['line', [[2, 'solid', undefined, undefined], [4, 'solid', undefined, undefined]]],
        ['dashed', [[2, 'dashed', undefined, undefined], [4, 'dashed', undefined, undefined]]],
        ['area', [[-Infinity, 'none', 'region', 2], [2, 'none', 'region', 4], [4, 'none', 'region', Infinity]]],
    ])('thresholds as %s', (mode, want) => {
        const data = plotted(framesOf({ a: {} }, { thresholds, custom: { thresholdsStyle: { mode } } }), 'dark');
        expect(data.thresholds.map((t) => [t.value, t.line, t.fill, t.until])).toEqual(want);
    });

    it('steps in percent are shares of the limits', () => {
        const data = plotted(framesOf({ a: {} }, { min: 100, max: 300, thresholds: { mode: 'percentage', steps: [{ value: null, color: 'green' }, { value: 50, color: 'red' }] }, custom: { thresholdsStyle: { mode: 'line' } } }), 'dark');
        expect(data.thresholds.map((t) => t.value)).toEqual([200]);
    });

    it('a scheme is that of thresholds, or of a scale', () => {
        const style = (config: Json) => plotted(framesOf({ a: {} }, { ...config, custom: { gradientMode: 'scheme' } }), 'dark').rows[0]!.style.gradient;
        expect(style({ color: { mode: 'thresholds' }, thresholds })).toEqual({ hard: true, stops: [{ at: -Infinity, color: '#00ff00' }, { at: 2, color: '#ffff00' }, { at: 4, color: '#ff0000' }] });
        const scale = style({ color: { mode: 'continuous-GrYlRd' }, min: 0, max: 8 });
        expect(typeof scale === 'object' && !scale.hard && scale.stops.map((s) => s.at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
        expect(style({ color: { mode: 'palette-classic' } })).toBeUndefined();
    });
});

test('an area ends at the series that is named', () => {
    const data = plotted(framesOf({ max: { 'custom.fillBelowTo': 'min' }, min: {}, odd: { 'custom.fillBelowTo': 'odd' } }), 'dark');
    expect(data.rows.map((r) => r.style.fillTo)).toEqual([1, undefined, undefined]);
    expect(data.rows.map((r) => r.style.fill)).toEqual([0.35, 0, 0]);
});

test.each<[Json, [number[] | undefined, boolean | undefined]]>([
    [{ fill: 'solid' }, [undefined, undefined]], [{ fill: 'dash' }, [[10, 10], false]], [{ fill: 'dash', dash: [2, 6] }, [[2, 6], false]], [{ fill: 'dot' }, [[0, 10], true]], [{ fill: 'dot', dash: [0, 4] }, [[0, 4], true]],
])('a line of style %j', (lineStyle, want) => {
    const { style } = plotted(framesOf({ a: {} }, { custom: { lineStyle } }), 'dark').rows[0]!;
    expect([style.dash, style.round]).toEqual(want);
});

test('one colour for all, or its shades', () => {
    const colors = (color: Json): string[] => plotted(framesOf({ a: {}, b: {}, c: {} }, { color }), 'dark').rows.map((r) => r.style.color);
    expect(colors({ mode: 'fixed', fixedColor: 'purple' })).toEqual(['#b877d9', '#b877d9', '#b877d9']);
    const shades = colors({ mode: 'shades', fixedColor: 'blue' });
    expect([shades[0], new Set(shades).size]).toEqual(['#5794f2', 3]);
});

test('a colour by name is the same in every place, and a fixed one goes first', () => {
    const colors = (names: string[]): string[] => plotted(framesOf(Object.fromEntries(names.map((name) => [name, name === 'fixed' ? { color: { mode: 'fixed', fixedColor: '#123456' } } : {}])), { color: { mode: 'palette-classic-by-name' } }), 'dark').rows.map((r) => r.style.color);
    const [a, , fixed] = colors(['a', 'b', 'fixed']);
    expect(colors(['x', 'y', 'a'])[2]).toBe(a);
    expect(fixed).toBe('#123456');
});

test('names that no option has are as nothing said', () => {
    for (const name of ['nope', 'constructor', 'toString', '__proto__']) {
        const custom = { lineInterpolation: name, showPoints: name, drawStyle: name, axisPlacement: name, thresholdsStyle: { mode: name } };
        const odd = plotted(framesOf({ a: {} }, { color: { mode: name }, custom }), 'dark');
        const plain = plotted(framesOf({ a: {} }, { color: { mode: 'nope' } }), 'dark');
        expect([odd.rows.map((r) => r.style), odd.thresholds]).toEqual([plain.rows.map((r) => r.style), []]);
    }
});
