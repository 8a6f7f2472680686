import { expect, it } from 'vitest';
import type { ActiveTarget } from '../../api/types';
import { poolsOf } from './Targets';

const target = (scrapePool: string, scrapeUrl: string, health: ActiveTarget['health']) => ({ scrapePool, scrapeUrl, health }) as ActiveTarget;

it('pools with a target that is down stand first, and their worst targets; sizes are of whole pools', () => {
    const all = [target('a', '2', 'up'), target('b', '1', 'up'), target('b', '3', 'down'), target('a', '1', 'up'), target('c', '1', 'unknown')];
    const shape = poolsOf(all, (one) => one.scrapeUrl !== '2').map(({ name, list, size, up, down }) => [name, list.map((one) => one.scrapeUrl), size, up, down]);
    expect(shape).toEqual([['b', ['3', '1'], 2, 1, 1], ['c', ['1'], 1, 0, 0], ['a', ['1'], 2, 2, 0]]);
});
