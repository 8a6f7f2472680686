import { describe, expect, it } from 'vitest';
import { activeAlerts, belongs, comparisonOf, endedWithoutData, labelNames, sectionsOf, sourceOf, titleOf, valueText } from './model';
import { isMuted } from '../../ui/known';
import { fingerprint } from '../../ui/links';

const alert = { labels: { alertname: 'A', job: 'x' }, annotations: {}, state: 'firing' as const, activeAt: '', value: '1' };
const rule = { type: 'alerting' as const, name: 'A', query: 'up == 0', health: 'ok' as const, evaluationTime: 0, lastEvaluation: '', alerts: [alert] };
const group = { name: 'g', file: 'f', rules: [rule, { ...rule, type: 'recording' as const, alerts: undefined }], interval: 5, limit: 0, evaluationTime: 0, lastEvaluation: '' };

describe('activeAlerts', () => {
    it('joins the rules with what Alertmanager knows', () => {
        expect(activeAlerts([group]).map((one) => [one.alert, one.am])).toEqual([[alert, undefined]]);
        const am = { fingerprint: fingerprint(alert.labels), status: { state: 'suppressed' as const, silencedBy: ['1'], inhibitedBy: [] } };
        const [joined] = activeAlerts([group], [am as never]);
        expect(isMuted(joined!)).toBe(true);
        expect(isMuted(activeAlerts([group])[0]!)).toBe(false);
    });

    it('lists what others posted behind them', () => {
        const theirs = { fingerprint: '1', labels: { alertname: 'A', host: 'db' }, annotations: {}, startsAt: '2026-01-05T08:00:00Z', status: { state: 'active' as const } };
        const list = activeAlerts([group], [theirs as never], 'http://here');
        expect(list.map((one) => [titleOf(one), one.rule?.name, one.alert.labels])).toEqual([['A', 'A', alert.labels], ['A', undefined, theirs.labels]]);
        expect(sectionsOf(list, 'rule').map((section) => section.name)).toEqual(['A', 'A, posted']);
    });
});

describe('sourceOf', () => {
    it.each<[string | undefined, object, object]>([
        ['https://prometheus.example:9090/graph?g0.expr=up', {}, { name: 'prometheus.example:9090', href: 'https://prometheus.example:9090/graph?g0.expr=up' }],
        ['javascript:alert(1)', {}, { name: 'the API' }],
        ['http://', {}, { name: 'the API' }],
        [undefined, {}, { name: 'the API' }],
        [undefined, { heartbeat: 'backup' }, { name: 'heartbeats', href: '/status/heartbeats' }],
    ])('%s %j', (generatorURL, labels, want) => expect(sourceOf({ generatorURL, labels } as never)).toEqual(want));
});

describe('endedWithoutData', () => {
    it('lists what ended because its series are gone, the last first', () => {
        const gone = (job: string, noDataSince: string) => ({ ...alert, labels: { job }, noDataSince });
        const noData = { rule: false, count: 2, alerts: [gone('a', '2026-01-05T08:00:00Z'), gone('b', '2026-01-05T09:00:00Z')] };
        expect(endedWithoutData([{ ...group, rules: [rule, { ...rule, noData }] }]).map((one) => one.alert.labels.job)).toEqual(['b', 'a']);
        expect(endedWithoutData([group])).toEqual([]);
    });
});

describe('comparisonOf', () => {
    const node = (expr: string, left: string, right: string) => ({ node: 'binary', expr, children: [{ node: 'x', expr: left }, { node: 'number', expr: right }] });
    it.each([
        ['rate(a[5m]) > 0.5', 'rate(a[5m])', '0.5', { expr: 'rate(a[5m])', op: '>', threshold: 0.5 }],
        ['up == 0', 'up', '0', { expr: 'up', op: '==', threshold: 0 }],
        ['a / b >= 1e3', 'a / b', '1e3', { expr: 'a / b', op: '>=', threshold: 1000 }],
        ['a < -5', 'a', '-5', { expr: 'a', op: '<', threshold: -5 }],
        ['a > b', 'a', 'b', null],
        ['a + 5', 'a', '5', null],
    ])('%s', (expr, left, right, want) => expect(comparisonOf(node(expr, left, right))).toEqual(want));

    it('takes no other node', () => {
        expect(comparisonOf(undefined)).toBeNull();
        expect(comparisonOf({ node: 'call', expr: 'absent(up)' })).toBeNull();
    });
});

it('a value has the unit of what is compared', () => {
    expect(valueText({ ...alert, value: '1e+02' }, rule)).toBe('100');
    expect(valueText({ ...alert, value: '2.5' }, { ...rule, query: 'job:latency_seconds > 2' })).toBe('2.5 s');
});

describe('belongs', () => {
    it('compares the labels that both have', () => {
        expect(belongs({ __name__: 'up', job: 'x', instance: 'i' }, { alertname: 'A', job: 'x' })).toBe(true);
        expect(belongs({ job: 'y' }, { job: 'x' })).toBe(false);
        expect(belongs({}, { job: 'x' })).toBe(true);
    });
});

describe('sectionsOf', () => {
    const one = (alertname: string, activeAt: string, more: object = {}, am?: object) => ({
        rule: { ...rule, name: alertname }, group, alert: { ...alert, activeAt, labels: { alertname, team: 'db', ...more } }, am: am as never,
    });
    const muted = { receivers: [{ name: 'mail' }, { name: 'pager' }], status: { state: 'suppressed', silencedBy: [], inhibitedBy: [] } };
    const list = [one('A', '1', {}, muted), one('A', '2'), one('B', '1'), one('B', '3', { team: 'web' }), one('A', '1')];
    const shape = (by: string) => sectionsOf(list, by).map((section) => [section.name, section.firing, section.list.map((found) => `${found.rule?.name} ${found.alert.activeAt}`)]);

    it('what fires most stands first, what is muted last', () => expect(shape('rule')).toEqual([['A', 2, ['A 2', 'A 1', 'A 1']], ['B', 2, ['B 3', 'B 1']]]));
    it('by receiver an alert is in each of its receivers', () => expect(shape('receiver').map(([name, firing]) => [name, firing])).toEqual([['no receiver', 4], ['mail', 0], ['pager', 0]]));
    it('by label', () => {
        expect(shape('label.team').map(([name]) => name)).toEqual(['team="db"', 'team="web"']);
        expect(shape('label.none').map(([name]) => name)).toEqual(['no none']);
        expect(labelNames(list)).toEqual(['team']);
    });
});
