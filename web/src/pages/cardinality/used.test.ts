import { describe, expect, it } from 'vitest';
import { addExpressions, addNames } from './used';

describe('what is used', () => {
    it('finds names in expressions', () => {
        const names = new Set<string>();
        addNames('sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / job:up:sum', names);
        expect(names.has('http_requests_total')).toBe(true);
        expect(names.has('job:up:sum')).toBe(true);
    });

    it('walks dashboards, whatever they hold', () => {
        const names = new Set<string>();
        addExpressions({ panels: [{ targets: [{ expr: 'up' }, null], title: 'not_a_metric' }], templating: { list: [{ query: { query: 'label_values(node_load1, job)' } }] } }, names);
        expect(names.has('up')).toBe(true);
        expect(names.has('node_load1')).toBe(true);
        expect(names.has('not_a_metric')).toBe(false);
        const loop: Record<string, unknown> = { expr: 'deep' };
        loop.self = loop;
        addExpressions(loop, names);
        expect(names.has('deep')).toBe(true);
        addExpressions(null, names);
    });
});
