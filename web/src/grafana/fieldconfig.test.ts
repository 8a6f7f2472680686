import { describe, expect, test } from 'vitest';
import {
    activeThreshold, applyFieldConfig, displayProcessor, displayText, fieldColor, fieldLimits, fieldMatcher, isByValue, panelDefaults, seriesColor, type FieldConfig, type Override, type ThresholdsConfig,
} from './fieldconfig';
import { makeField, makeFrame, type Field, type FieldType, type Frame } from './frame';
import type { Labels } from './names';

const frame = (name: string, values: unknown[], rest: { labels?: Labels; refId?: string; type?: FieldType } = {}): Frame =>
    makeFrame([makeField('Time', 'time', values.map((_, i) => i)), makeField(name, rest.type ?? 'number', values, {}, rest.labels)], { refId: rest.refId ?? 'A' });

describe('matchers', () => {
    const frames = [frame('cpu', [1, 9]), frame('Value', [2, 3], { labels: { host: 'web-1' }, refId: 'B' }), frame('log', ['x'], { type: 'string', refId: 'C' })];
    /* Which value fields they hit: cpu, the one shown as {host="web-1"}, the text. */
    const hits = (id: string, options: unknown) => frames.map((f) => Number(fieldMatcher(id, options)(f.fields[1]!, f, frames))).join('');
    test.each<[string, unknown, string]>([
        ['byName', 'cpu', '100'],
        ['byName', 'Value', '010'],
        ['byName', 'CPU', '000'],
        ['byName', '', '000'],
        ['byName', undefined, '000'],
        ['byName', { id: 'cpu' }, '000'],
        ['byRegexp', '/^c/', '100'],
        ['byRegexp', '/WEB/i', '010'],
        ['byRegexp', 'cpu', '100'],
        ['byRegexp', 'cp', '000'],
        ['byRegexp', '/./g', '111'],
        ['byRegexp', '/(/', '000'],
        ['byRegexp', 5, '000'],
        ['byRegexp', '', '000'],
        ['byNames', { names: ['cpu', 'log'] }, '101'],
        ['byNames', ['log'], '001'],
        ['byNames', { mode: 'exclude', names: ['cpu'] }, '011'],
        ['byNames', { mode: 'exclude' }, '111'],
        ['byNames', undefined, '000'],
        ['byNames', { names: [1, null] }, '000'],
        ['byNames', 'cpu', '000'],
        ['byType', 'number', '110'],
        ['byType', 'string', '001'],
        ['byType', 'time', '000'],
        ['byTypes', ['string', 'number'], '111'],
        ['byTypes', 'number', '000'],
        ['numeric', undefined, '110'],
        ['time', undefined, '000'],
        ['byFrameRefID', 'A', '100'],
        ['byFrameRefID', '/[AB]/', '110'],
        ['byFrameRefID', '/[AB]/g', '110'],
        ['byFrameRefID', 'a', '000'],
        ['byFrameRefID', undefined, '000'],
        ['byFrameRefID', '/(/', '000'],
        ['byValue', { reducer: 'max', op: 'gt', value: 5 }, '100'],
        ['byValue', { reducer: 'max', op: '>', value: 5 }, '100'],
        ['byValue', { reducer: 'min', op: '<=', value: 2 }, '110'],
        ['byValue', { reducer: 'max', op: 'eq', value: 3 }, '010'],
        ['byValue', { reducer: 'max', op: '!=', value: 3 }, '100'],
        ['byValue', { reducer: 'count', op: 'gte', value: 1 }, '111'],
        ['byValue', { reducer: 'nope', op: 'gt', value: 0 }, '000'],
        ['byValue', { reducer: 'max', op: 'constructor', value: 0 }, '000'],
        ['byValue', { reducer: 'max', op: '', value: 0 }, '000'],
        ['byValue', undefined, '000'],
        ['byValue', {}, '000'],
        ['byQuery', 'A', '000'],
        ['', 'cpu', '000'],
        ['constructor', 'cpu', '000'],
    ])('%s %j', (id, options, want) => {
        expect(hits(id, options)).toBe(want);
        expect(hits(id, options), 'the second time').toBe(want);
    });

    test('times', () => {
        const f = frames[0]!;
        expect([fieldMatcher('time', undefined)(f.fields[0]!, f, frames), fieldMatcher('byType', 'time')(f.fields[0]!, f, frames)]).toEqual([true, true]);
    });
});

describe('defaults and overrides', () => {
    const applied = (properties: { id: string; value?: unknown }[], defaults: unknown = {}, own: FieldConfig = {}): FieldConfig => {
        const source = makeFrame([makeField('x', 'number', [1, 5], own)]);
        const overrides: Override[] = [{ matcher: { id: 'byName', options: 'x' }, properties }];
        return applyFieldConfig([source], { defaults: defaults as FieldConfig, overrides })[0]!.fields[0]!.config;
    };

    test('the defaults go before the data\'s own, an override before both, the last one wins', () => {
        expect(applied([], { unit: 's', decimals: 1 }, { unit: 'ms', description: 'd' })).toMatchObject({ unit: 's', decimals: 1, description: 'd' });
        expect(applied([{ id: 'unit', value: 'ms' }, { id: 'unit', value: 'h' }], { unit: 's' }).unit).toBe('h');
        expect(applied([], { unit: '', min: null, max: undefined }, { unit: 'ms', min: 1, max: 2 })).toMatchObject({ unit: 'ms', min: 1, max: 2 });
    });

    test('an override without a value takes away what the defaults say', () => {
        for (const value of [null, undefined]) {
            const config = applied([{ id: 'unit', value }, { id: 'custom.width', value }, { id: 'color', value }, { id: 'mappings', value }], { unit: 's', color: { mode: 'fixed' }, mappings: [], custom: { width: 5, align: 'left' } });
            expect(config).toEqual({ custom: { align: 'left' } });
        }
    });

    test.each<[string, unknown, unknown]>([
        ['decimals', '2', 2],
        ['min', '-0.5', -0.5],
        ['max', '', undefined],
        ['max', 'auto', undefined],
        ['decimals', {}, undefined],
        ['unit', 5, '5'],
        ['unit', {}, undefined],
        ['noValue', 0, '0'],
        ['displayName', ['x'], undefined],
        ['mappings', {}, undefined],
        ['links', 'x', undefined],
        ['thresholds', [], undefined],
        ['color', 'red', undefined],
        ['color', {}, undefined],
        ['color', { fixedColor: 'red' }, undefined],
        ['color', { mode: 'fixed' }, { mode: 'fixed' }],
    ])('%s of %j counts as %j', (id, value, want) => {
        expect(applied([{ id, value }])[id as keyof FieldConfig]).toEqual(want);
        expect(applied([], { [id]: value })[id as keyof FieldConfig]).toEqual(want);
    });

    test('members of the panel\'s own lie in records, which are copied', () => {
        const custom = { lineStyle: { fill: 'dash', dash: [1] }, width: 1 };
        expect(applied([{ id: 'custom.lineStyle.fill', value: 'solid' }, { id: 'custom.hideFrom.viz', value: true }, { id: 'custom.width.deep', value: 1 }], { custom }).custom).toEqual({ lineStyle: { fill: 'solid', dash: [1] }, hideFrom: { viz: true }, width: { deep: 1 } });
        expect(custom).toEqual({ lineStyle: { fill: 'dash', dash: [1] }, width: 1 });
        expect(applied([], { custom: 'x' }).custom).toEqual({});
    });

    test('titles of old are names', () => expect(applied([{ id: 'title', value: 'T' }])).toMatchObject({ displayName: 'T' }));

    test('dangerous names touch nothing of others', () => {
        applied([{ id: '__proto__', value: { polluted: 1 } }, { id: 'custom.__proto__.polluted', value: 1 }, { id: 'custom.constructor.prototype.polluted', value: 1 }, { id: 'constructor', value: 1 }, { id: '', value: 1 }, { id: 'custom.', value: 1 }]);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    });

    test('limits the wrong way round are turned', () => expect(applied([{ id: 'max', value: 1 }], { min: 5 })).toMatchObject({ min: 1, max: 5 }));

    test('what comes in stays as it is; numbers are counted, names worked out, the range is that of all', () => {
        const input = [frame('a', [1, 7]), frame('b', [-3, NaN]), frame('t', ['x'], { type: 'string' })];
        const before = structuredClone(input);
        const result = applyFieldConfig(input, { defaults: { max: 5 }, overrides: [] });
        expect(input).toEqual(before);
        expect(result.map((f) => f.fields.map((x) => x.state))).toEqual([
            [{ displayName: 'Time', range: { min: -3, max: 5 } }, { seriesIndex: 0, displayName: 'a', range: { min: -3, max: 5 } }],
            [{ displayName: 'Time', range: { min: -3, max: 5 } }, { seriesIndex: 1, displayName: 'b', range: { min: -3, max: 5 } }],
            [{ displayName: 'Time', range: { min: -3, max: 5 } }, { displayName: 't', range: { min: -3, max: 5 } }],
        ]);
        expect(applyFieldConfig(input, { defaults: { fieldMinMax: true }, overrides: [] })[0]!.fields[1]!.state!.range).toBeUndefined();
        expect(applyFieldConfig([frame('none', [])], { defaults: {}, overrides: [] })[0]!.fields[1]!.state!.range).toEqual({ min: 0, max: 100 });
        expect(applyFieldConfig([], { defaults: {}, overrides: [] })).toEqual([]);
    });
});

test('where nothing is said, series have a palette and values thresholds', () => {
    const of = (type: string, defaults: FieldConfig = {}) => panelDefaults(type, { defaults, overrides: [] }).defaults;
    expect(['timeseries', 'piechart', 'stat', 'table', 'nobody-knows'].map((type) => of(type).color!.mode)).toEqual(['palette-classic', 'palette-classic', 'thresholds', 'thresholds', 'thresholds']);
    expect(of('stat').thresholds).toEqual({ mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }] });
    expect(of('stat', { color: { mode: 'fixed' }, thresholds: { mode: 'percentage', steps: [] }, unit: 's' })).toEqual({ color: { mode: 'fixed' }, thresholds: { mode: 'percentage', steps: [] }, unit: 's' });
});

test.each<[FieldConfig, number[], { min: number; max: number }]>([
    [{}, [3, 9], { min: 3, max: 9 }],
    [{ min: 0 }, [3, 9], { min: 0, max: 9 }],
    [{ max: 20 }, [3, 9], { min: 3, max: 20 }],
    [{ min: 1, max: 2 }, [3, 9], { min: 1, max: 2 }],
    [{}, [], { min: 0, max: 100 }],
    [{}, [NaN], { min: 0, max: 100 }],
    [{ min: null, max: null }, [5], { min: 5, max: 5 }],
])('limits of %j over %j', (config, values, want) => {
    expect(fieldLimits(makeField('x', 'number', values, config))).toEqual(want);
    const range = { min: -1, max: 1 };
    expect(fieldLimits({ ...makeField('x', 'number', values, config), state: { range } })).toEqual(typeof config.min === 'number' && typeof config.max === 'number' ? want : range);
});

const STEPS: ThresholdsConfig = { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 10, color: 'yellow' }, { value: 50, color: 'red' }] };

test.each<[ThresholdsConfig | undefined, number, number, string]>([
    [STEPS, 0, 0, 'green'],
    [STEPS, 9.99, 0, 'green'],
    [STEPS, 10, 0, 'yellow'],
    [STEPS, 50, 0, 'red'],
    [STEPS, Infinity, 0, 'red'],
    [STEPS, -Infinity, 0, 'green'],
    [STEPS, NaN, 0, 'green'],
    [{ ...STEPS, mode: 'percentage' }, 1000, 0.1, 'yellow'],
    [{ ...STEPS, mode: 'percentage' }, 1000, 0.099, 'green'],
    [{ ...STEPS, mode: 'percentage' }, 0, 1, 'red'],
    [{ mode: 'absolute', steps: [{ value: 5, color: 'red' }] }, 1, 0, 'red'],
    [{ mode: 'absolute', steps: [] }, 1, 0, '#808080'],
    [undefined, 1, 0, '#808080'],
])('threshold of %j at %d (%d of the range): %s', (config, value, share, want) => expect(activeThreshold(config, value, share).color).toBe(want));

describe('colours', () => {
    const field = (config: FieldConfig, rest: Partial<Field> = {}): Field => ({ ...makeField('x', 'number', [0, 100], config), ...rest });
    const RED = '#F2495C';
    const GREEN = '#73BF69';

    test.each<[string, FieldConfig, number, string]>([
        ['thresholds', { thresholds: STEPS }, 60, RED],
        ['no mode', { thresholds: STEPS, color: undefined }, 5, GREEN],
        ['thresholds without any', {}, 5, '#808080'],
        ['a step without a colour', { thresholds: { mode: 'absolute', steps: [{ value: null } as never] } }, 5, '#808080'],
        ['fixed', { color: { mode: 'fixed', fixedColor: 'red' } }, 5, RED],
        ['fixed without a colour', { color: { mode: 'fixed' } }, 5, '#808080'],
        ['shades', { color: { mode: 'shades', fixedColor: 'red' } }, 5, RED],
        ['palette', { color: { mode: 'palette-classic' } }, 5, GREEN],
        ['a mode of the future', { color: { mode: 'rainbow' }, thresholds: STEPS }, 60, RED],
        ['a hostile mode', { color: { mode: 'constructor' }, thresholds: STEPS }, 60, RED],
        ['a scale', { color: { mode: 'continuous-GrYlRd' } }, 100, 'rgb(242, 73, 92)'],
        ['a scale where nothing is', { color: { mode: 'continuous-GrYlRd' } }, NaN, 'rgb(115, 191, 105)'],
        ['a scale without width', { color: { mode: 'continuous-GrYlRd' }, min: 5, max: 5 }, 7, 'rgb(115, 191, 105)'],
    ])('%s', (_, config, value, want) => expect(fieldColor(field(config), value, 'dark')).toBe(want));

    test('true and false', () => {
        const flag = (mode?: string) => field(mode ? { color: { mode } } : {}, { type: 'boolean', values: [true, false] });
        expect([fieldColor(flag(), 1, 'dark'), fieldColor(flag(), 0, 'dark')]).toEqual([GREEN, RED]);
        expect([fieldColor(flag('continuous-RdYlGr'), 1, 'dark'), fieldColor(flag('continuous-RdYlGr'), 0, 'dark')]).toEqual([GREEN, RED]);
    });

    test('of a series: by its last, least or greatest value', () => {
        const of = (seriesBy?: 'last' | 'min' | 'max') => seriesColor({ ...makeField('x', 'number', [60, 0, 20], { thresholds: STEPS, color: { mode: 'thresholds', ...(seriesBy ? { seriesBy } : {}) } }) }, 'dark');
        expect([of(), of('last'), of('min'), of('max')]).toEqual(['#FADE2A', '#FADE2A', GREEN, RED]);
        expect(seriesColor(makeField('x', 'number', [], { thresholds: STEPS }), 'dark')).toBe(GREEN);
        expect(seriesColor(field({ color: { mode: 'fixed', fixedColor: 'red' } }), 'dark')).toBe(RED);
    });

    test('which modes colour values', () => expect([undefined, 'thresholds', 'continuous-reds', 'fixed', 'palette-classic', 'shades'].map(isByValue)).toEqual([true, true, true, false, false, false]));
});

describe('display', () => {
    const show = (value: unknown, config: FieldConfig = {}, type: FieldType = 'number', values: unknown[] = [0, 100]) => displayProcessor(makeField('x', type, values, config), 'dark', { zone: 'utc' })(value);
    const text = (...args: Parameters<typeof show>) => displayText(show(...args));

    test.each<[string, unknown, FieldConfig, FieldType, string]>([
        ['a number', 1.5, {}, 'number', '1.50'],
        ['with its unit', 1500, { unit: 'ms' }, 'number', '1.50 s'],
        ['with decimals', 1.5, { decimals: 0 }, 'number', '2'],
        ['a text that is a number', '12', { unit: 'percent' }, 'number', '12%'],
        ['a text that is none', 'up', { unit: 'ms' }, 'number', 'up'],
        ['nothing', null, {}, 'number', ''],
        ['nothing, told so', null, { noValue: 'none' }, 'number', 'none'],
        ['a gap', undefined, { noValue: '-' }, 'number', '-'],
        ['not a number', NaN, {}, 'number', 'NaN'],
        ['without end', Infinity, { unit: 's' }, 'number', '∞ years'],
        ['an empty text', '', { noValue: '-' }, 'string', '-'],
        ['a text', '007', {}, 'string', '007'],
        ['a text with a unit', '7', { unit: 's' }, 'string', '7 s'],
        ['hostile', '<img onerror=x>', {}, 'string', '<img onerror=x>'],
        ['true', true, {}, 'boolean', 'true'],
        ['true as a number', 1, {}, 'boolean', 'True'],
        ['in other words', 0, { unit: 'bool_on_off' }, 'boolean', 'Off'],
        ['a unit that suits no flag', 1, { unit: 's' }, 'boolean', 'True'],
        ['no unit at all', 1, { unit: null as never }, 'boolean', 'True'],
        ['a list', ['a', 'b'], {}, 'other', 'a, b'],
        ['a record', { a: 1 }, {}, 'other', '{"a":1}'],
        ['an empty list', [], { noValue: '-' }, 'other', '-'],
        ['a time', 0, {}, 'time', '1970-01-01 00:00:00'],
        ['a time in a form', 0, { unit: 'time:YYYY' }, 'time', '1970'],
        ['a time with another unit', 0, { unit: 's' }, 'time', '1970-01-01 00:00:00'],
        ['a number as a time', 0, { unit: 'dateTimeAsIso' }, 'number', '1970-01-01 00:00:00'],
        ['a written date', '1970-01-02T00:00:00Z', { unit: 'dateTimeAsIso' }, 'string', '1970-01-02 00:00:00'],
        ['no time', null, {}, 'time', ''],
        ['mapped', 5, { mappings: [{ type: 'value', options: { '5': { text: 'five' } } }], unit: 's' }, 'number', 'five'],
        ['mapped to nothing', 5, { mappings: [{ type: 'value', options: { '5': { text: '' } } }], noValue: '-' }, 'number', ''],
        ['a null that is mapped', null, { mappings: [{ type: 'special', options: { match: 'null', result: { text: 'N/A' } } }], noValue: '-' }, 'number', 'N/A'],
    ])('%s', (_, value, config, type, want) => expect(text(value, config, type, type === 'time' ? [0, 3_600_000] : [0, 100])).toBe(want));

    test('times that are close have milliseconds', () => {
        expect(text(1, {}, 'time', [0, 59_999])).toBe('1970-01-01 00:00:00.001');
        expect(text(1, {}, 'time', [0, 60_000])).toBe('1970-01-01 00:00:00');
        expect(text(1, {}, 'time', [0])).toBe('1970-01-01 00:00:00');
    });

    test.each<[unknown, FieldConfig, number, number]>([
        [25, {}, 25, 0.25],
        [25, { min: 0, max: 50 }, 25, 0.5],
        [200, {}, 200, 2],
        [-50, {}, -50, -0.5],
        [null, {}, NaN, 0],
        ['x', {}, NaN, 0],
        [true, {}, 1, 0.01],
        [5, { min: 5, max: 5 }, 5, 0],
        [6, { min: 5, max: 5 }, 6, 0],
        [Infinity, {}, Infinity, 0],
    ])('%j with %j: number %d, at %d of the range', (value, config, numeric, percent) => expect(show(value, config)).toMatchObject({ numeric, percent }));

    test('colours and icons of mappings', () => {
        const config: FieldConfig = { thresholds: STEPS, mappings: [{ type: 'range', options: { from: 1, to: 2, result: { color: 'dark-red', icon: 'fire' } } }] };
        expect(show(1, config)).toMatchObject({ text: '1', color: '#C4162A', icon: 'fire' });
        expect(show(60, config)).toMatchObject({ color: '#F2495C' });
        expect(show(60, config)).not.toHaveProperty('icon');
        expect(show(null, config).color).toBe('#73BF69');
    });
});
