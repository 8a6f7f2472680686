import { describe, expect, it } from 'vitest';
import { type BacktestAlert, linesOf, ruleFile } from './model';

const at = (s: number) => new Date(s * 1000).toISOString();
const alert = (pending: number | null, firing: number | null, resolved: number | null, job = 'a'): BacktestAlert => ({
    group: 'g', rule: 'r', labels: { job }, annotations: {}, value: '1',
    pendingAt: pending === null ? null : at(pending), firingAt: firing === null ? null : at(firing), resolvedAt: resolved === null ? null : at(resolved),
});

describe('linesOf', () => {
    it('makes spans of lives, a line for each label set', () => {
        const got = linesOf([alert(10, 20, 30), alert(40, null, 45), alert(50, 60, null), alert(null, 5, 6, 'b')], 100_000);
        expect(got.map((line) => [line.labels.job, line.times, line.firingMs])).toEqual([['a', 2, 50_000], ['b', 1, 1000]]);
        expect(got[0]!.spans).toEqual([
            { from: 10_000, to: 20_000, state: 'pending' }, { from: 20_000, to: 30_000, state: 'firing' }, { from: 40_000, to: 45_000, state: 'pending' },
            { from: 50_000, to: 60_000, state: 'pending' }, { from: 60_000, to: 100_000, state: 'firing' },
        ]);
        expect(linesOf([], 1)).toEqual([]);
    });
});

describe('ruleFile', () => {
    it('is a rule file, whatever the expression holds', () => {
        const rule = { name: '', expr: 'up{a="x: #\\n"} == 0', for: '5m', keep: '' };
        expect(JSON.parse(ruleFile(rule, '30s'))).toEqual({
            groups: [{ name: 'backtest', interval: '30s', rules: [{ alert: 'Tried', expr: rule.expr, for: '5m' }] }],
        });
        expect(JSON.parse(ruleFile({ ...rule, name: 'N', for: '', keep: '1m' }, '1m')).groups[0].rules[0]).toEqual({ alert: 'N', expr: rule.expr, keep_firing_for: '1m' });
    });
});
