import { describe, expect, it } from 'vitest';
import { SERIES_COLORS } from '../draw/colors';
import { makeField, makeFrame, type Frame } from '../grafana/frame';
import { withOwnColors } from './ownColors';

function series(labels: Record<string, string>, color: { mode: string; fixedColor?: string } = { mode: 'palette-classic' }): Frame {
    return makeFrame([makeField('Time', 'time', [0]), { ...makeField('Value', 'number', [1], { color }), labels }], { refId: 'A' });
}
const colors = (frames: Frame[]): (string | undefined)[] => withOwnColors(frames, 'dark').map((f) => f.fields[1]!.config.color?.fixedColor);

describe('own colours', () => {
    const [a, b, c] = [{ job: 'a', __name__: 'x' }, { job: 'b', __name__: 'x' }, { job: 'c', __name__: 'x' }];
    it('are three of ours', () => {
        const found = colors([series(a), series(b), series(c)]);
        expect(new Set(found).size).toBe(3);
        expect(found.every((one) => SERIES_COLORS.dark.includes(one!))).toBe(true);
    });
    it('stay with a series when its place and its metric change', () => {
        const [first] = colors([series(a)]);
        expect(colors([series({ ...a, __name__: 'y' })])[0]).toBe(first);
        expect(colors([series(a)])[0]).toBe(first);
    });
    it('leave what was chosen', () => {
        expect(colors([series(a, { mode: 'fixed', fixedColor: 'red' }), series(b, { mode: 'thresholds' })])).toEqual(['red', undefined]);
    });
    it('differ where labels do not', () => {
        const twins = [series(a), series({ ...a, __name__: 'y' })].map((frame, i) => ({ ...frame, fields: [frame.fields[0]!, { ...frame.fields[1]!, state: { displayName: `series ${i}` } }] }));
        expect(new Set(colors(twins)).size).toBe(2);
    });
});
