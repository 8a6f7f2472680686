import { describe, expect, it } from 'vitest';
import { exploreLink, fingerprint, silenceLink } from '../../ui/links';
import { fromPrometheusLink, letterOf, readState, writeState } from './state';

function roundTrip(search: string): string {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(writeState(readState(new URLSearchParams(search))))) {
        (value === null ? [] : [value].flat()).forEach((one) => params.append(name, one));
    }
    return params.toString();
}

describe('the state in the URL', () => {
    it.each(['expr=up', 'expr=up&expr=down&hide=B', 'expr=&tab=table', 'expr=a&draw=stacked&exemplars=1&log=1&step=15s', 'expr=a&tab=tree&draw=points'])(
        '%s is kept', (search) => expect(roundTrip(search)).toBe(search));

    it('starts with one empty editor, and takes no nonsense', () => {
        expect(readState(new URLSearchParams())).toEqual({
            queries: [{ expr: '', hidden: false }], tab: 'graph', draw: 'line', exemplars: false, log: false, before: false, step: '',
        });
        expect(readState(new URLSearchParams('tab=evil&draw=x')).tab).toBe('graph');
        expect(readState(new URLSearchParams('expr=a&'.repeat(40))).queries.length).toBe(26);
        expect(letterOf(25)).toBe('Z');
    });
});

describe("Prometheus's links", () => {
    it.each([
        ['g0.expr=up&g0.tab=1', '/explore?expr=up&tab=table'],
        ['g0.expr=up&g0.tab=0&g0.stacked=1&g0.range_input=6h&g1.expr=down', '/explore?expr=up&expr=down&draw=stacked&from=now-6h&to=now'],
        ['g0.expr=rate(a%5B5m%5D)&g0.range_input=1h&g0.end_input=2026-11-29 12:00:00', '/explore?expr=rate%28a%5B5m%5D%29&from=1795950000000&to=1795953600000'],
        ['g0.expr=up&g0.tab=table&g0.show_exemplars=1&g0.res_step=30', '/explore?expr=up&tab=table&exemplars=1&step=30s'],
        ['g0.expr=up&g0.tab=explain', '/explore?expr=up&tab=tree'],
        ['', '/explore?'],
    ])('%s', (old, want) => expect(fromPrometheusLink(old)).toBe(want));

    it('makes links of its own', () => {
        expect(exploreLink('up == 1', { from: 'now-1h', to: 'now' })).toBe('/explore?expr=up+%3D%3D+1&from=now-1h&to=now');
        expect(exploreLink('up', undefined, 'table')).toBe('/explore?expr=up&tab=table');
        expect(silenceLink({ alertname: 'A', x: '"' })).toBe('/silences/new?matcher=alertname%3D%22A%22&matcher=x%3D%22%5C%22%22');
    });

    it("has Alertmanager's fingerprints", () => {
        expect(fingerprint({})).toBe('cbf29ce484222325');
        expect(fingerprint({ alertname: 'foo' })).toHaveLength(16);
        expect(fingerprint({ a: '1', b: '2' })).toBe(fingerprint({ b: '2', a: '1' }));
    });
});
