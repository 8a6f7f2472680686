/* Alerts: what fires and what is about to, grouped by rule or by receiver. */
import { SegmentedControl, useQueryParams, Button, Empty, exploreLink, Fault, FilterBar, Icon, LabelSet, Link, Loading, matchesWords, Page, plural, RuleExample, Section, silenceLink, State, useFilter, useNow, formatQuantity, guessQuantity } from '../../ui';
import { since } from '../../grafana/time';
import { rangeSince } from '../../grafana/walk';
import { type ActiveAlert, type EndedAlert, endedWithoutData, isMuted } from './model';
import { useAlerts } from './useAlerts';

function Row({ one, now, amKnown }: { one: ActiveAlert; now: number; amKnown: boolean }) {
    const { alert } = one;
    const firing = alert.state === 'firing';
    const muted = isMuted(one);
    const runbook = alert.annotations.runbook_url;
    const range = rangeSince(Date.parse(alert.activeAt), now);
    const panel = `/alerts/${one.id}?${new URLSearchParams({ ...range }).toString()}`;
    const told = alert.annotations.summary ?? alert.annotations.description ?? alert.annotations.message;
    return (
        <tr>
            <td style={{ width: 110 }}>
                <State kind={firing ? 'bad' : 'warn'}>{alert.state}</State>
                {muted && (
                    <div style={{ marginTop: 4 }}>
                        <State kind="none">{one.am?.status.silencedBy.length ? 'silenced' : one.am?.status.inhibitedBy.length ? 'inhibited' : 'muted'}</State>
                    </div>
                )}
                {alert.noDataSince && <div style={{ marginTop: 4 }}><State kind="none">no data {since(Date.parse(alert.noDataSince), now)}</State></div>}
                {!muted && one.am?.acknowledgement && <div style={{ marginTop: 4 }} title={one.am.acknowledgement.comment}><State kind="ok">seen{one.am.acknowledgement.createdBy ? ` by ${one.am.acknowledgement.createdBy}` : ''}</State></div>}
            </td>
            <td>
                <Link href={panel} style={{ fontWeight: 600 }}>{told ?? alert.labels.alertname ?? one.rule.name}</Link>
                <div style={{ marginTop: 4 }}><LabelSet labels={alert.labels} without={['alertname']} /></div>
                {amKnown && one.am && one.am.receivers.length > 0 && (
                    <div className="muted" style={{ marginTop: 3, fontSize: 12 }}>to {one.am.receivers.map((receiver) => receiver.name).join(', ')}</div>
                )}
            </td>
            <td className="right hide-narrow" style={{ width: 120 }}>{formatQuantity(Number(alert.value), guessQuantity(one.rule.query.replace(/[<>=!]+.*$/, '')))}</td>
            <td className="right" style={{ width: 110 }}>{since(Date.parse(alert.activeAt), now)}</td>
            <td className="right hide-narrow" style={{ width: 240 }}>
                <span className="row" style={{ justifyContent: 'flex-end' }}>
                    {runbook && /^https?:\/\//.test(runbook) && <a href={runbook} target="_blank" rel="noreferrer" className="alone">runbook</a>}
                    <Link className="alone" href={panel}>show panel</Link>
                    <Link className="alone" href={exploreLink(one.rule.query, range)}>explore</Link>
                    {amKnown && <Link className="alone" href={silenceLink(alert.labels)}>silence</Link>}
                </span>
            </td>
        </tr>
    );
}

/* Nobody knows whether these are well: what they were computed from is gone. */
function Ended({ list, now }: { list: readonly EndedAlert[]; now: number }) {
    return list.length === 0 ? null : (
        <Section title="Ended because their data are gone" aside={<span className="muted num">{plural(list.length, 'alert')}</span>}>
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th>State</th><th>Alert</th><th className="right">Gone</th></tr></thead>
                    <tbody>
                        {list.map(({ alert, rule }) => (
                            <tr key={JSON.stringify(alert.labels)}>
                                <td style={{ width: 110 }}><State kind="none">no data</State></td>
                                <td>
                                    <Link href={exploreLink(rule.query)} style={{ fontWeight: 600 }}>{rule.name}</Link> <span className="muted">was {alert.state === 'pending' ? 'pending' : 'firing'}</span>
                                    <div style={{ marginTop: 4 }}><LabelSet labels={alert.labels} without={['alertname']} /></div>
                                </td>
                                <td className="right" style={{ width: 110 }}>{alert.noDataSince ? since(Date.parse(alert.noDataSince), now) : ''}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Section>
    );
}

function keyOf(one: ActiveAlert, by: string): string[] {
    return by === 'receiver' ? (one.am?.receivers.map((receiver) => receiver.name) ?? ['no receiver']) : [one.rule.name];
}

export default function Alerts() {
    const filter = useFilter();
    const now = useNow();
    const [params, change] = useQueryParams();
    const by = params.get('by') === 'receiver' ? 'receiver' : 'rule';
    const { groups, active, hasAlertmanager } = useAlerts();
    const found = active.filter(
        (one) =>
            (filter.choice === 'all' || (filter.choice === 'muted' ? isMuted(one) : one.alert.state === filter.choice && !isMuted(one))) &&
            matchesWords(`${one.rule.name} ${one.group.name} ${JSON.stringify(one.alert.labels)} ${JSON.stringify(one.alert.annotations)}`, filter.text),
    );
    const ended = endedWithoutData(groups.data?.groups ?? []).filter(({ alert, rule }) => matchesWords(`${rule.name} ${JSON.stringify(alert.labels)}`, filter.text));
    const sections = new Map<string, ActiveAlert[]>();
    found.forEach((one) => keyOf(one, by).forEach((key) => sections.set(key, [...(sections.get(key) ?? []), one])));
    const firingIn = (list: ActiveAlert[]) => list.filter((one) => one.alert.state === 'firing' && !isMuted(one)).length;
    const sorted = [...sections].sort(([a, x], [b, y]) => firingIn(y) - firingIn(x) || a.localeCompare(b));
    const rules = groups.data?.groups.flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting') ?? [];
    const count = (state: string) => active.filter((one) => one.alert.state === state && !isMuted(one)).length;

    return (
        <Page title="Alerts" actions={hasAlertmanager && <Link href="/silences/new"><Button variant="default" leftSection={<Icon name="silence" size={14} />}>New silence</Button></Link>}>
            <FilterBar
                what="alerts"
                choices={[
                    { value: 'all', label: 'All', count: active.length },
                    { value: 'firing', label: 'Firing', count: count('firing') },
                    { value: 'pending', label: 'Pending', count: count('pending') },
                    ...(hasAlertmanager ? [{ value: 'muted', label: 'Muted', count: active.filter(isMuted).length }] : []),
                ]}
            >
                {hasAlertmanager && (
                    <SegmentedControl aria-label="Group by" value={by} onChange={(next) => change({ by: next === 'rule' ? null : next }, { replace: true })}
                        data={[{ value: 'rule', label: 'By rule' }, { value: 'receiver', label: 'By receiver' }]} />
                )}
            </FilterBar>
            {groups.isPending && <Loading />}
            {groups.error && <Fault error={groups.error} what="Rules" retry={() => void groups.refetch()} />}
            {sorted.map(([name, list]) => (
                <Section key={name} title={name} aside={<span className="row">{list[0]!.alert.labels.severity && by === 'rule' && <span className="label">{list[0]!.alert.labels.severity}</span>}<span className="muted num">{plural(list.length, 'alert')}</span></span>}>
                    <div className="table-wrap">
                        <table className="table">
                            <thead><tr><th>State</th><th>Alert</th><th className="right hide-narrow">Value</th><th className="right">Since</th><th className="hide-narrow" /></tr></thead>
                            <tbody>{list.map((one) => <Row key={one.id} one={one} now={now} amKnown={hasAlertmanager} />)}</tbody>
                        </table>
                    </div>
                </Section>
            ))}
            {filter.choice === 'all' && <Ended list={ended} now={now} />}
            {groups.data && sorted.length === 0 && ended.length === 0 && (
                <Empty title={active.length > 0 ? 'No alert is so' : rules.length === 0 ? 'No alerting rules yet' : 'All is quiet'} icon={rules.length === 0 ? 'rules' : 'check'}>
                    {active.length > 0 ? 'Another search or another state finds more.' : rules.length === 0 ? <RuleExample /> : <>{rules.length} alerting <Link href="/rules?show=alerting">rules</Link> are watched; none is pending or firing.</>}
                </Empty>
            )}
        </Page>
    );
}
