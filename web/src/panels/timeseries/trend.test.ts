import { describe, expect, it } from 'vitest';
import { applyFieldConfig } from '../../grafana/fieldconfig';
import { makeField, makeFrame, type Frame } from '../../grafana/frame';
import { plotted } from './series';
import { trendOf } from './trend';

const numbers = (name: string, ...values: (number | null)[]) => makeField(name, 'number', values);
const frame = (...fields: Parameters<typeof makeFrame>[0]): Frame => applyFieldConfig([makeFrame(fields)], { defaults: {}, overrides: [] })[0]!;
const load = numbers('load', 1, 2, 3);
const latency = numbers('latency', 30, 10, 20);
const host = makeField('host', 'string', ['a', 'b', 'c']);
const time = makeField('Time', 'time', [1000, 2000, 3000]);

describe('trendOf', () => {
    it.each<[string, Frame[], string | undefined, string]>([
        ['the first of numbers', [frame(time, host, load, latency)], undefined, 'load'],
        ['the one that is named', [frame(latency, load)], 'load', 'load'],
        ['a time', [frame(time, latency)], 'Time', 'Time'],
        ['several frames', [frame(load, latency), frame(load, latency)], undefined, 'Only one frame is supported, consider adding a join transformation'],
        ['a name that nothing has', [frame(load, latency)], 'speed', 'Unable to find field: speed'],
        ['text', [frame(host, latency)], 'host', 'No numeric fields found for X axis'],
        ['no numbers', [frame(time, host)], undefined, 'No numeric fields found for X axis'],
        ['no frame', [], undefined, 'No numeric fields found for X axis'],
        ['down and up', [frame(latency, load)], undefined, 'Values must be in ascending order'],
        ['the same twice', [frame(numbers('x', 1, 1, 2), load)], undefined, 'Values must be in ascending order'],
        ['gaps are passed over', [frame(numbers('x', 1, null, 2), load)], undefined, 'x'],
        ['nothing to draw over it', [frame(host, load)], undefined, 'Data is missing a number field'],
    ])('%s', (_name, frames, name, want) => {
        const trend = trendOf(frames, name);
        expect('warning' in trend ? trend.warning : trend.x.name).toBe(want);
    });

    it('draws what has a place, in the colours that it would have without the axis', () => {
        const trend = trendOf([frame(numbers('x', 10, null, 1000), numbers('y', 1, 2, 3), numbers('z', 4, 5, null))], undefined);
        const data = 'warning' in trend ? undefined : plotted([trend.frame], 'dark', trend.x);
        expect(data?.times).toEqual([10, 1000]);
        expect(data?.values).toEqual([[1, 3], [4, null]]);
        expect(data?.rows.map((row) => [row.name, row.field.state?.seriesIndex])).toEqual([['y', 0], ['z', 1]]);
    });
});
