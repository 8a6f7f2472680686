import { describe, expect, it } from 'vitest';
import type { AmAlert } from '../api/alertmanager';
import type { Labels } from '../api/types';
import { joinKnown } from './known';
import { fingerprint } from './links';

const am = (labels: Labels, state: AmAlert['status']['state'] = 'suppressed') => ({ labels, fingerprint: fingerprint(labels), status: { state, silencedBy: [], inhibitedBy: [] } }) as unknown as AmAlert;
const names = (alerts: Labels[], known: AmAlert[]) => {
    const found = joinKnown(alerts, known);
    return alerts.map((labels) => found.get(fingerprint(labels))?.labels ?? null);
};

describe('joinKnown', () => {
    const [a, b] = [{ alertname: 'A', job: 'x' }, { alertname: 'B' }];

    it('joins what has the same labels', () => {
        expect(names([a, b], [am(b)])).toEqual([null, b]);
        expect(names([a], [])).toEqual([null]);
        expect(joinKnown([], [am(a)]).size).toBe(0);
    });

    it('finds those that have more labels', () => {
        const [outA, outB] = [{ ...a, site: 'lab', replica: '1' }, { ...b, site: 'lab', replica: '1' }];
        expect(names([a, b], [am(outB), am(outA)])).toEqual([outA, outB]);
        expect(names([a, { alertname: 'A', job: 'y' }], [am(outA)])).toEqual([outA, null]);
    });

    it('takes the one with most labels where one alert holds several', () => {
        const wide = { alertname: 'A' };
        expect(names([wide, a], [am({ ...a, site: 'lab' }), am({ ...wide, site: 'lab' })])).toEqual([{ ...wide, site: 'lab' }, { ...a, site: 'lab' }]);
    });

    it('leaves those of others alone', () => {
        expect(joinKnown([a], [am({ alertname: 'A', job: 'y', site: 'lab' }), am({ alertname: 'C' })]).size).toBe(0);
    });

    it('is told when one of two is', () => {
        const [one, two] = [{ ...a, replica: '1' }, { ...a, replica: '2' }];
        expect(names([a], [am(one, 'active'), am(two)])).toEqual([one]);
        expect(names([a], [am(one), am(two, 'active')])).toEqual([two]);
    });

    it('finds thousands of one name', () => {
        const many = Array.from({ length: 5000 }, (_, i) => ({ alertname: 'A', instance: String(i) }));
        const known = many.map((labels) => am({ ...labels, site: 'lab' })).reverse();
        expect(joinKnown(many, known).size).toBe(5000);
    });
});
