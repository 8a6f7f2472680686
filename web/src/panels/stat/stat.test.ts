import { expect, test } from 'vitest';
import { makeField } from '../../grafana/frame';
import { changeText, gridFor } from './Panel';

test.each<[number[], { text: string; sign: number } | undefined]>([
    [[10, 5, 12.5], { text: '25%', sign: 1 }], [[8, 2], { text: '75%', sign: -1 }], [[3, 3], { text: '0%', sign: 0 }], [[0, 5], undefined], [[], undefined],
])('%j has changed by %j', (values, want) => {
    expect(changeText(makeField('Value', 'number', Float64Array.from(values)))).toEqual(want);
});

test.each<[string, { columns: number; rows: number }]>([['horizontal', { columns: 1, rows: 4 }], ['vertical', { columns: 4, rows: 1 }], ['auto', { columns: 2, rows: 2 }]])('four values, %s', (orientation, want) => {
    expect(gridFor(4, 400, 200, orientation)).toEqual(want);
});
