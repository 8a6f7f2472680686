import { describe, expect, it } from 'vitest';
import { makeField } from '../../grafana/frame';
import { statesAt, stretchesOf, type StateRow } from './states';

const TIMES = [0, 10_000, 20_000, 30_000];
const show = (value: unknown): { text: string; color: string } => ({ text: value === 1 ? 'up' : 'down', color: value === 1 ? 'green' : 'red' });
const stretches = (values: (number | null)[], joins: boolean) => stretchesOf(TIMES, makeField('Value', 'number', values), show, 35_000, joins);

describe('stretches', () => {
    it('neighbours of one state are one', () => expect(stretches([1, 1, 0, 1], true).map((s) => [s.from, s.to, s.text])).toEqual([[0, 20_000, 'up'], [20_000, 30_000, 'down'], [30_000, 35_000, 'up']]));
    it('or each sample has its own', () => expect(stretches([1, 1, null, 1], false).map((s) => [s.from, s.to])).toEqual([[0, 10_000], [10_000, 20_000], [30_000, 35_000]]));
});

describe('states at a time', () => {
    const rows: StateRow[] = [{ name: 'a', stretches: stretches([1, 1, 0, 1], true) }, { name: 'b', stretches: stretches([0, null, 0, 0], true) }];
    it('of one row, with how long it lasts', () => {
        expect(statesAt(rows, 5000, 0, 'utc')).toEqual({ head: '1970-01-01 00:00:05', rows: [{ color: 'green', name: 'a', text: 'up', near: false }, { name: '00:00:00 to 00:00:20', text: '20 seconds' }] });
        expect(statesAt(rows, 15_000, 1, 'utc')).toBeNull();
        expect(statesAt(rows, 5000, 7, 'utc')).toBeNull();
    });
    it('of all', () => {
        expect(statesAt(rows, 25_000, undefined, 'utc')?.rows.map((r) => `${r.name} ${r.text}`)).toEqual(['a down', 'b down']);
        expect(statesAt(rows, 15_000, undefined, 'utc')?.rows.map((r) => r.name)).toEqual(['a']);
        expect(statesAt(rows, 99_000, undefined, 'utc')).toBeNull();
    });
});
