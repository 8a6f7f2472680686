// @vitest-environment jsdom
/* Reducers, mappings, colours, names, matchers and display of values: ours against Grafana's own library. */
import { expect, test } from 'vitest';
import { CLASSIC_PALETTE, interpolateColors, namedColor, paletteColor, parseColor, scaleColors, type Look } from '../../src/grafana/color';
import { activeThreshold, applyFieldConfig, displayProcessor, displayText, fieldMatcher, type FieldConfig } from '../../src/grafana/fieldconfig';
import { makeField, makeFrame, type Field, type Frame } from '../../src/grafana/frame';
import { mapValue, type ValueMapping } from '../../src/grafana/mappings';
import { fieldName, frameName } from '../../src/grafana/names';
import { findReducer, reduceField, reducers } from '../../src/grafana/reduce';
import { singleValues } from '../../src/grafana/single';
import { generator, grafana, pick } from './grafana';

const LOOKS: readonly Look[] = ['dark', 'light'];

function theme(look: Look): { visualization: { palette: string[]; getColorByName: (name: string) => string } } {
    return grafana.createTheme({ colors: { mode: look } });
}

function values(random: () => number): (number | null)[] {
    const size = Math.floor(random() * 30);
    const whole = random() < 0.5;
    return Array.from({ length: size }, () => {
        const n = (random() - 0.3) * 100;
        return random() < 0.15 ? null : random() < 0.1 ? 0 : whole ? Math.round(n) : n;
    });
}

test('reducers', () => {
    const random = generator(1);
    const ids = reducers().map((r) => r.id);
    expect(reducers().map((r) => r.name)).toEqual(grafana.fieldReducers.list().map((r: { name: string }) => r.name));
    expect(ids).toEqual(grafana.fieldReducers.list().map((r: { id: string }) => r.id));
    expect(['avg', 'current', 'total'].map((id) => findReducer(id)?.id)).toEqual(['avg', 'current', 'total'].map((id) => grafana.fieldReducers.getIfExists(id).id));
    for (let i = 0; i < 300; i++) {
        const data = values(random);
        if (data.every((v) => v === null)) {
            continue; // nothing there is undefined in Grafana, null or 0 here
        }
        for (const id of ids.filter((id) => !/^p\d+$/.test(id) || random() < 0.05)) {
            const theirs = grafana.reduceField({ field: { name: 'x', type: 'number', values: [...data], config: {} }, reducers: [id] })[id];
            const ours = reduceField(makeField('x', 'number', [...data]), [id])[id];
            /* Nothing above zero is the largest number there. */
            const isNothing = (v: unknown): boolean => v === null || v === undefined || v === Number.MAX_VALUE || (typeof v === 'number' && Number.isNaN(v));
            if (typeof ours === 'number' && typeof theirs === 'number' && !isNothing(ours)) {
                expect([id, data, ours]).toEqual([id, data, expect.closeTo(theirs, 9)]);
            } else if (!isNothing(ours) || !isNothing(theirs)) {
                expect([id, data, ours]).toEqual([id, data, theirs]);
            }
        }
    }
});

test('value mappings', () => {
    const maps: ValueMapping[] = [
        { type: 'value', options: { '1': { text: 'one' }, a: { text: 'A', color: 'red' } } },
        { type: 'range', options: { from: 10, to: 20, result: { text: 'teens' } } },
        { type: 'range', options: { from: null, to: -5, result: { text: 'low' } } },
        { type: 'regex', options: { pattern: '/^web-(\\d+)$/', result: { text: 'host $1' } } },
        { type: 'regex', options: { pattern: 'b.*', result: { color: 'blue' } } },
        { type: 'special', options: { match: 'null', result: { text: 'N/A' } } },
        { type: 'special', options: { match: 'nan', result: { text: 'nan' } } },
        { type: 'special', options: { match: 'true', result: { text: 'yes' } } },
        { type: 'special', options: { match: 'empty', result: { text: 'empty' } } },
    ];
    for (const value of [1, '1', 'a', 'b', 'bcd', 'web-7', 'web-x', 15, '15', 20.5, -7, null, undefined, NaN, true, 'true', false, '', 'toString', 5]) {
        const show = grafana.getDisplayProcessor({ field: { name: 'v', type: 'string', values: [], config: { mappings: maps } }, theme: theme('dark') });
        const { text, color } = show(value);
        const ours = mapValue(maps, value);
        expect([value, ours?.text ?? String(value ?? ''), ours?.color ? namedColor(ours.color, 'dark') : '#808080']).toEqual([value, text, color]);
    }
});

test('names of colours and palettes', () => {
    for (const look of LOOKS) {
        const { visualization } = theme(look);
        expect(CLASSIC_PALETTE).toEqual(visualization.palette);
        for (const hue of ['red', 'orange', 'yellow', 'green', 'blue', 'purple']) {
            for (const shade of ['super-light-', 'light-', '', 'semi-dark-', 'dark-', 'deep-']) {
                expect(namedColor(shade + hue, look)).toBe(visualization.getColorByName(shade + hue));
            }
        }
        for (const name of ['text', 'panel-bg', 'transparent', 'gray', 'white', 'black', '#abc', 'rgb(1,2,3)', 'nonsense', '']) {
            expect(namedColor(name, look)).toBe(visualization.getColorByName(name));
        }
        for (const mode of ['palette-classic', 'palette-classic-by-name', 'palette-colorblind']) {
            for (let i = 0; i < 80; i++) {
                const name = `series ${i * 7}`;
                const theirs = grafana.getFieldColorMode(mode).getCalculator({ name, config: { color: { mode } }, state: { seriesIndex: i, displayName: name } }, theme(look))(0, 0);
                expect([mode, i, paletteColor(mode, i, name, look)?.toLowerCase()]).toEqual([mode, i, visualization.getColorByName(theirs).toLowerCase()]);
            }
        }
    }
});

test('colour scales', () => {
    /* Its scales remember the colours of the look that asked first: the dark one here. */
    for (const look of ['dark'] as const) {
        for (const mode of ['GrYlRd', 'RdYlGr', 'BlYlRd', 'YlRd', 'BlPu', 'YlBl', 'blues', 'reds', 'greens', 'purples', 'viridis', 'magma', 'plasma', 'inferno', 'cividis'].map((m) => `continuous-${m}`)) {
            const calculate = grafana.getFieldColorMode(mode).getCalculator({ config: {}, state: {} }, theme(look));
            /* The perceptual ones are tables of 256 there and nine points here: to the eye the same. */
            const far = /viridis|magma|plasma|inferno|cividis/.test(mode) ? 20 : 1;
            for (let share = 0; share <= 1; share += 0.05) {
                const ours = parseColor(interpolateColors(scaleColors(mode, look)!, share))!;
                const theirs = parseColor(calculate(0, share))!;
                const apart = Math.max(Math.abs(ours.r - theirs.r), Math.abs(ours.g - theirs.g), Math.abs(ours.b - theirs.b));
                expect([mode, share, apart <= far, apart]).toEqual([mode, share, true, apart]);
            }
        }
    }
});

test('thresholds', () => {
    const steps = [{ value: null, color: 'green' }, { value: 10, color: 'yellow' }, { value: 50, color: 'red' }];
    const theirSteps = steps.map((s) => ({ ...s, value: s.value ?? -Infinity }));
    for (const mode of ['absolute', 'percentage'] as const) {
        for (const value of [-100, 0, 9.99, 10, 49, 50, 1e9, -Infinity]) {
            const share = value / 200;
            const theirs = grafana.getActiveThreshold(mode === 'percentage' ? share * 100 : value, theirSteps);
            expect(activeThreshold({ mode, steps }, value, share).color).toBe(theirs.color);
        }
    }
});

test('names of fields', () => {
    const random = generator(9);
    for (let i = 0; i < 300; i++) {
        const frames: Frame[] = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, n) => {
            const labels = pick<Record<string, string> | undefined>(random, [undefined, {}, { job: `j${n}` }, { job: 'a', instance: `i${n}` }]);
            const name = pick(random, ['Value', 'Value', 'up', 'x']);
            const config: FieldConfig = random() < 0.15 ? { displayName: 'Given' } : random() < 0.2 ? { displayNameFromDS: `ds ${n}` } : {};
            const fields = [makeField('Time', 'time', [1, 2]), makeField(name, 'number', [1, 2], config, labels)];
            if (random() < 0.2) {
                fields.push(makeField(name, 'number', [3, 4], {}, labels));
            }
            return makeFrame(fields, pick(random, [{}, { name: `frame ${n}` }, { name: 'same' }, { refId: 'A' }]));
        });
        const theirs = frames.map((f) => ({ ...f, fields: f.fields.map((field) => ({ ...field })) }));
        frames.forEach((frame, f) => {
            frame.fields.forEach((field, k) => {
                expect(fieldName(field, frame, frames)).toBe(grafana.getFieldDisplayName(theirs[f]!.fields[k], theirs[f], theirs));
            });
            expect(frameName(frame, f)).toBe(grafana.getFrameDisplayName({ ...frame, fields: frame.fields.map((x) => ({ ...x })) }, f));
        });
    }
});

test('matchers', () => {
    const frame = makeFrame([makeField('Time', 'time', [1, 2]), makeField('cpu', 'number', [5, 7]), makeField('host', 'string', ['a', 'b'])], { refId: 'B' });
    const cases: [string, unknown][] = [
        ['byName', 'cpu'], ['byName', 'nope'], ['byRegexp', '/^c/'], ['byRegexp', 'c.u'], ['byRegexp', 'c'], ['byType', 'number'], ['numeric', undefined], ['time', undefined],
        ['byFrameRefID', 'B'], ['byFrameRefID', 'A'], ['byNames', { mode: 'include', names: ['host', 'cpu'] }], ['byNames', { mode: 'exclude', names: ['host'] }],
        ['byValue', { reducer: 'max', op: 'gte', value: 7 }], ['byValue', { reducer: 'min', op: 'lt', value: 5 }], ['nobody knows', 1],
    ];
    for (const [id, options] of cases) {
        const info = grafana.fieldMatchers.getIfExists(id);
        for (const field of frame.fields) {
            const theirs = info ? info.get(options)(field, frame, [frame]) : false;
            expect([id, options, field.name, fieldMatcher(id, options)(field, frame, [frame])]).toEqual([id, options, field.name, theirs]);
        }
    }
});

function display(config: FieldConfig, type: Field['type'], data: unknown[], value: unknown, look: Look): [string, string] {
    const [frame] = applyFieldConfig([makeFrame([makeField('v', type, data, config)])], { defaults: {}, overrides: [] });
    const shown = displayProcessor(frame!.fields[0]!, look, { zone: 'utc' })(value);
    return [displayText(shown), shown.color];
}

test('display of values', () => {
    const random = generator(21);
    for (let i = 0; i < 1500; i++) {
        const type = pick(random, ['number', 'number', 'string', 'time', 'boolean'] as const);
        const config: FieldConfig = {
            unit: pick(random, [undefined, 'short', 'percentunit', 'bytes', 's', 'string', 'bool_yes_no', 'dateTimeAsIso', 'reqps']),
            decimals: pick(random, [undefined, null, 0, 2]),
            noValue: pick(random, [undefined, '-']),
            min: pick(random, [undefined, 0]), max: pick(random, [undefined, 100]),
            color: pick(random, [undefined, { mode: 'thresholds' }, { mode: 'fixed', fixedColor: 'dark-red' }, { mode: 'continuous-GrYlRd' }, { mode: 'palette-classic' }]),
            thresholds: { mode: pick(random, ['absolute', 'percentage'] as const), steps: [{ value: -Infinity, color: 'green' }, { value: 50, color: 'red' }] },
            mappings: pick(random, [undefined, [{ type: 'value', options: { '1': { text: 'one', color: 'blue' } } }, { type: 'special', options: { match: 'null', result: { text: 'none' } } }]] as (ValueMapping[] | undefined)[]),
        };
        const data = type === 'string' ? ['a', 'b'] : type === 'boolean' ? [true, false] : type === 'time' ? [1.6e12, 1.7e12] : [1, 30, 80];
        const value = pick(random, [...data, null, 1, '1', 'x', '', 75.5]);
        if ((type === 'time' || config.unit === 'dateTimeAsIso') && typeof value === 'string') {
            continue; // a time that is text is read by moment's guess there
        }
        for (const look of config.color?.mode === 'continuous-GrYlRd' ? (['dark'] as const) : LOOKS) {
            const theirs = grafana.getDisplayProcessor({ field: { name: 'v', type, values: data, config, state: { seriesIndex: 0 } }, theme: theme(look), timeZone: 'utc' })(value);
            expect([type, config, value, ...display(config, type, data, value, look)]).toEqual([type, config, value, grafana.formattedValueToString(theirs), theirs.color]);
        }
    }
});

test('single values', () => {
    const table = makeFrame([
        makeField('host', 'string', ['a', 'b', '', 'd'], { mappings: [{ type: 'value', options: { b: { text: 'B' } } }] }), makeField('zone', 'string', ['x', 'y', 'z', 'x']), makeField('cpu', 'number', [1, 20, 30, 4]), makeField('mem', 'number', [5, 6, 7, 8]),
    ]);
    const plain = makeFrame([makeField('Time', 'time', [1, 2]), makeField('Value', 'number', [3, 4], {}, { host: 'h' })]);
    const one = makeFrame([makeField('name', 'string', ['p', 'q']), makeField('n', 'number', [1, 2])]);
    for (const frames of [[table], [plain], [one], [plain, one]]) {
        for (const reduceOptions of [{ values: true }, { values: true, limit: 3 }, { values: true, limit: 0 }, { values: true, fields: 'cpu' }, { calcs: ['mean'] }, { calcs: ['max'], fields: '/^[cnh]/' }]) {
            const data = frames.map((f) => grafana.toDataFrame({ fields: f.fields.map((x) => ({ ...x, values: [...(x.values as unknown[])] })) }));
            data.forEach((f: { fields: { display?: unknown }[] }) => f.fields.forEach((field) => (field.display = grafana.getDisplayProcessor({ field, theme: theme('dark') }))));
            const theirs = grafana.getFieldDisplayValues({ fieldConfig: { defaults: {}, overrides: [] }, reduceOptions: { calcs: [], ...reduceOptions }, replaceVariables: (text: string) => text, theme: theme('dark'), data });
            const want = theirs.map((v: { display: { title?: string } }) => [v.display.title, grafana.formattedValueToString(v.display)]).filter(([title]: [string?]) => title !== undefined);
            expect([reduceOptions, singleValues(frames, { reduceOptions }, { look: 'dark', zone: 'utc' }).map((v) => [v.title, v.text])]).toEqual([reduceOptions, want]);
        }
    }
});
