import { describe, expect, it } from 'vitest';
import type { AmAlert } from '../api/alertmanager';
import type { Labels } from '../api/types';
import { joinKnown, listOther, mutedHow, nameOf } from './known';
import { fingerprint } from './links';

const am = (labels: Labels, state: AmAlert['status']['state'] = 'suppressed') => ({ labels, fingerprint: fingerprint(labels), status: { state, silencedBy: [], inhibitedBy: [] } }) as unknown as AmAlert;
const names = (alerts: Labels[], known: AmAlert[]) => {
    const { amOf } = joinKnown(alerts, known);
    return alerts.map((labels) => amOf(labels)?.labels ?? null);
};

describe('joinKnown', () => {
    const [a, b] = [{ alertname: 'A', job: 'x' }, { alertname: 'B' }];

    it('joins what has the same labels', () => {
        expect(names([a, b], [am(b)])).toEqual([null, b]);
        expect(names([a], [])).toEqual([null]);
        expect(joinKnown([], [am(a)]).amOf(a)).toBeUndefined();
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
        expect(names([a], [am({ alertname: 'A', job: 'y', site: 'lab' }), am({ alertname: 'C' })])).toEqual([null]);
    });

    it('is told when one of two is', () => {
        const [one, two] = [{ ...a, replica: '1' }, { ...a, replica: '2' }];
        expect(names([a], [am(one, 'active'), am(two)])).toEqual([one]);
        expect(names([a], [am(one), am(two, 'active')])).toEqual([two]);
    });

    it('finds thousands of one name', () => {
        const many = Array.from({ length: 5000 }, (_, i) => ({ alertname: 'A', instance: String(i) }));
        const known = many.map((labels) => am({ ...labels, site: 'lab' })).reverse();
        expect(names(many, known).filter(Boolean).length).toBe(5000);
    });

    describe('what no rule here has made', () => {
        const url = 'http://here:9090/a';
        const from = (labels: Labels, generatorURL?: string) => ({ ...am(labels), generatorURL });
        const others = (known: AmAlert[], ownUrl?: string) => joinKnown([a], known, ownUrl).others.map((one) => one.labels.alertname);

        it.each<[string, string | undefined, string[]]>([
            ['another server', 'http://there:9090/graph?g0.expr=up&g0.tab=1', ['C']],
            ['another server whose name begins alike', 'http://here:9090/abc/graph?g0.expr=up', ['C']],
            ['nobody says where', undefined, ['C']],
            ['this server: it has just ended here, or its labels were changed', 'http://here:9090/a/graph?g0.expr=up&g0.tab=1', []],
        ])('%s', (_name, generatorURL, want) => expect(others([from({ alertname: 'C' }, generatorURL)], url)).toEqual(want));

        it('is nothing that one of ours is joined with', () => expect(others([from({ ...a, site: 'lab' }, 'http://there/graph?g0.expr=up')], url)).toEqual([]));
        it('is not guessed while the own address is not known', () => expect(others([from({ alertname: 'C' })])).toEqual([]));
    });
});

describe('lists', () => {
    it('show what others post as an alert that fires, the same object each time', () => {
        const one = { ...am({ job: 'x' }), annotations: { summary: 's' }, startsAt: '2026-01-05T08:00:00Z' };
        expect(listOther(one)).toEqual({ am: one, alert: { labels: { job: 'x' }, annotations: { summary: 's' }, state: 'firing', activeAt: '2026-01-05T08:00:00Z', value: '' } });
        expect(listOther(one).alert).toBe(listOther(one).alert);
        expect([nameOf(one), nameOf({ labels: { alertname: 'A' } })]).toEqual(['unnamed', 'A']);
    });

    it.each<[string | null, Partial<AmAlert['status']>]>([
        [null, { state: 'active' }], ['silenced', { silencedBy: ['1'], inhibitedBy: ['2'] }], ['inhibited', { inhibitedBy: ['2'] }], ['muted', { mutedBy: ['night'] }],
    ])('say how it is muted: %s', (want, status) => {
        const one = am({ alertname: 'A' });
        expect(mutedHow({ ...one, status: { ...one.status, ...status } })).toBe(want);
    });
});
