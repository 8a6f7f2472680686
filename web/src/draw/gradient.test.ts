import { expect, it } from 'vitest';
import { footOf, hexColor, stopsOf } from './gradient';

const stops = [{ at: -Infinity, color: '#00ff00' }, { at: 5, color: '#ff0000' }];
const share = (value: number) => Math.min(1, Math.max(0, value / 10));

it('hard colours count up to the next, others flow into each other', () => {
    expect(stopsOf({ stops, hard: true }, share)).toEqual([{ share: 0, color: '#00ff00' }, { share: 0.5, color: '#00ff00' }, { share: 0.5, color: '#ff0000' }, { share: 1, color: '#ff0000' }]);
    expect(stopsOf({ stops, hard: false }, share)).toEqual([{ share: 0, color: '#00ff00' }, { share: 0.5, color: '#ff0000' }]);
});

it('a foot is clear, or dark', () => {
    expect(footOf('opacity', '#ff8000')).toEqual({ color: '#ff8000', opacity: 0 });
    expect(footOf('hue', '#ff8000')).toEqual({ color: '#8c4600', opacity: 1 });
});

it.each([['rgb(255, 0, 16)', '#ff0010'], ['#abc', '#aabbcc'], ['no colour', '#808080']])('%s is %s', (css, want) => expect(hexColor(css)).toBe(want));
