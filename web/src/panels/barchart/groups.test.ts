import { expect, it, test } from 'vitest';
import { applyFieldConfig } from '../../grafana/fieldconfig';
import { makeField, makeFrame, type Frame } from '../../grafana/frame';
import type { Json } from '../../grafana/json';
import { asShares, groupsOf } from './groups';

function frame(defaults: Json = {}, overrides: { matcher: { id: string; options: unknown }; properties: { id: string; value: unknown }[] }[] = []): Frame {
    const made = makeFrame([makeField('host', 'string', ['a', 'b']), makeField('zone', 'string', ['x', 'y']), makeField('in', 'number', [1, -3]), makeField('out', 'number', [3, 1])], { refId: 'A' });
    return applyFieldConfig([made], { defaults: { color: { mode: 'palette-classic' }, ...defaults }, overrides })[0]!;
}

it('a category is a row', () => {
    const [a, b] = groupsOf(frame({ unit: 'bytes' }), {}, 'dark', 'utc');
    expect([a!.label, ...a!.bars.map((x) => `${x.name} ${x.text} ${x.color} ${x.opacity} ${x.linePx}`)]).toEqual(['a', 'in 1 B #73BF69 0.8 1', 'out 3 B #F2CC0C 0.8 1']);
    expect(b!.bars.map((x) => x.value)).toEqual([-3, 1]);
});

it('of another field, coloured by a third', () => {
    const mapped = frame({}, [{ matcher: { id: 'byName', options: 'host' }, properties: [{ id: 'mappings', value: [{ type: 'value', options: { a: { color: 'red', index: 0 }, b: { color: 'blue', index: 1 } } }] }] }]);
    const groups = groupsOf(mapped, { xField: 'zone', colorByField: 'host' }, 'dark', 'utc');
    expect(groups.map((g) => `${g.label} ${g.bars[0]!.color}`)).toEqual(['x #F2495C', 'y #5794F2']);
});

it('a hidden field has no bar, a threshold colours by value', () => {
    const hidden = frame({ color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 2, color: 'red' }] }, custom: { fillOpacity: 10, lineWidth: 3 } }, [{ matcher: { id: 'byName', options: 'in' }, properties: [{ id: 'custom.hideFrom', value: { viz: true } }] }]);
    expect(groupsOf(hidden, {}, 'dark', 'utc').map((g) => g.bars.map((b) => `${b.name} ${b.color} ${b.opacity} ${b.linePx}`))).toEqual([['out #F2495C 0.1 3'], ['out #73BF69 0.1 3']]);
});

test.each<[string, string, unknown]>([
    ['none', 'palette-classic', undefined], ['opacity', 'palette-classic', 'opacity'], ['hue', 'palette-classic', 'hue'], ['scheme', 'palette-classic', undefined],
    ['scheme', 'thresholds', { hard: true, stops: [{ at: -Infinity, color: '#73bf69' }, { at: 2, color: '#f2495c' }] }],
])('gradient %s of %s', (gradientMode, mode, want) => {
    const colored = frame({ color: { mode }, thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 2, color: 'red' }] }, custom: { gradientMode } });
    expect(groupsOf(colored, {}, 'dark', 'utc')[0]!.bars[0]!.gradient).toEqual(want);
    /* What another field colours has its colour alone. */
    expect(groupsOf(colored, { colorByField: 'host' }, 'dark', 'utc')[0]!.bars[0]!.gradient).toBeUndefined();
});

test('times are as short as tells them apart', () => {
    const times = (values: number[], unit?: string) => groupsOf(makeFrame([makeField('Time', 'time', values, unit ? { unit } : {}), makeField('v', 'number', values.map(() => 1))], { refId: 'A' }), {}, 'dark', 'utc').map((g) => g.label);
    expect(times([0, 5000])).toEqual(['00:00:00', '00:00:05']);
    expect(times([0, 5000], 'bytes')).toEqual(['00:00:00', '00:00:05']);
    expect(times([0, 5000], 'dateTimeAsIso')[0]).toBe('1970-01-01 00:00:00');
    expect(times([0, 2 * 86_400_000])).toEqual(['01-01 00:00', '01-03 00:00']);
});

test('shares of a category', () => expect(asShares(groupsOf(frame(), {}, 'dark', 'utc')).map((g) => g.bars.map((b) => b.value))).toEqual([[25, 75], [-75, 25]]));
test('nothing', () => expect(groupsOf(undefined, {}, 'dark', 'utc')).toEqual([]));
