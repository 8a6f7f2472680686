/* Alerts: what fires and what is about to, of the rules here and of others, grouped by rule, by receiver or by a label. */
import { memo, useMemo } from 'react';
import type { AmAlert } from '../../api/alertmanager';
import type { Rule, RuleAlert } from '../../api/types';
import {
    Ago, Button, cutSections, Empty, exploreLink, Fault, FilterBar, fingerprint, formatMatcher, hasWords, Icon, isMuted, LabelSet, Link, Loading, More, mutedHow, nameOf, Page, plural, RuleExample, Section, Select,
    silenceLink, State, useFilter, useNow, usePick, useQueryParams, useShown,
} from '../../ui';
import { rangeSince } from '../../grafana/walk';
import { type ActiveAlert, type AlertSection, type EndedAlert, endedWithoutData, labelNames, sectionsOf, titleOf, valueText } from './model';
import { SourceLink } from './SourceLink';
import { useAlerts } from './useAlerts';

interface RowProps {
    alert: RuleAlert;
    /* Undefined: others posted it. */
    rule: Rule | undefined;
    am: AmAlert | undefined;
    amKnown: boolean;
    /* To the minute: the ranges of links depend on it. */
    now: number;
    pick: (name: string, value: string) => void;
}

const Row = memo(function Row({ alert, rule, am, amKnown, now, pick }: RowProps) {
    const muted = mutedHow(am);
    const runbook = alert.annotations.runbook_url;
    const range = rangeSince(Date.parse(alert.activeAt), now);
    const panel = `/alerts/${fingerprint(alert.labels)}?${new URLSearchParams({ ...range }).toString()}`;
    const told = alert.annotations.summary ?? alert.annotations.description ?? alert.annotations.message;
    return (
        <tr>
            <td style={{ width: 110 }}>
                <State kind={alert.state === 'firing' ? 'bad' : 'warn'}>{alert.state}</State>
                {muted && <div style={{ marginTop: 4 }}><State kind="none">{muted}</State></div>}
                {alert.noDataSince && <div style={{ marginTop: 4 }}><State kind="none">no data <Ago at={alert.noDataSince} /></State></div>}
                {!muted && am?.acknowledgement && <div style={{ marginTop: 4 }} title={am.acknowledgement.comment}><State kind="ok">seen{am.acknowledgement.createdBy ? ` by ${am.acknowledgement.createdBy}` : ''}</State></div>}
            </td>
            <td>
                <Link href={panel} style={{ fontWeight: 600 }}>{told ?? nameOf(alert)}</Link>
                <div style={{ marginTop: 6 }}><LabelSet labels={alert.labels} without={['alertname']} pick={pick} /></div>
                {am && (!rule || am.receivers.length > 0) && (
                    <div className="muted" style={{ marginTop: 6, fontSize: 12 }}>{!rule && <>from <SourceLink am={am} /> </>}{am.receivers.length > 0 && `to ${am.receivers.map((receiver) => receiver.name).join(', ')}`}</div>
                )}
            </td>
            <td className="right hide-narrow" style={{ width: 120 }}>{rule && valueText(alert, rule)}</td>
            <td className="right" style={{ width: 110 }}><Ago at={alert.activeAt} /></td>
            <td className="right hide-narrow" style={{ width: 240 }}>
                <span className="row" style={{ justifyContent: 'flex-end' }}>
                    {runbook && /^https?:\/\//.test(runbook) && <a href={runbook} target="_blank" rel="noreferrer" className="alone">runbook</a>}
                    {rule && <Link className="alone" href={panel}>show panel</Link>}
                    {rule && <Link className="alone" href={exploreLink(rule.query, range)}>explore</Link>}
                    {amKnown && <Link className="alone" href={silenceLink(alert.labels)}>silence</Link>}
                </span>
            </td>
        </tr>
    );
});

function Group({ section, whole, aside, ...more }: { section: AlertSection; whole: number; aside: string | undefined } & Pick<RowProps, 'amKnown' | 'now' | 'pick'>) {
    return (
        <Section title={section.name} aside={<span className="row">{aside && <span className="label">{aside}</span>}<span className="muted num">{plural(whole, 'alert')}</span></span>}>
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th>State</th><th>Alert</th><th className="right hide-narrow">Value</th><th className="right">Since</th><th className="hide-narrow" /></tr></thead>
                    <tbody>{section.list.map(({ alert, rule, group, am }) => <Row key={`${fingerprint(alert.labels)} ${group?.file} ${group?.name}`} alert={alert} rule={rule} am={am} {...more} />)}</tbody>
                </table>
            </div>
        </Section>
    );
}

/* Nobody knows whether these are well: what they were computed from is gone. */
function Ended({ list }: { list: readonly EndedAlert[] }) {
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
                                    <div style={{ marginTop: 6 }}><LabelSet labels={alert.labels} without={['alertname']} /></div>
                                </td>
                                <td className="right" style={{ width: 110 }}><Ago at={alert.noDataSince} never="" /></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Section>
    );
}

/* "By severity": whatever labels the alerts have. */
function GroupBy({ by, names, receivers, change }: { by: string; names: string[]; receivers: boolean; change: (by: string | null) => void }) {
    const data = [
        { value: 'rule', label: 'By rule' }, ...(receivers ? [{ value: 'receiver', label: 'By receiver' }] : []),
        ...names.map((name) => ({ value: `label.${name}`, label: `By ${name}` })),
    ];
    return <Select w={150} aria-label="Group by" searchable={names.length > 10} allowDeselect={false} value={by} data={data} onChange={(next) => change(next === 'rule' ? null : next)} />;
}

/* What is muted neither fires nor waits. */
function isChosen(one: ActiveAlert, choice: string): boolean {
    switch (choice) {
        case 'all':
            return true;
        case 'muted':
            return isMuted(one);
        case 'posted':
            return !one.rule;
        default:
            return one.alert.state === choice && !isMuted(one);
    }
}

export default function Alerts() {
    const filter = useFilter({ labels: true });
    const pick = usePick();
    const now = useNow(60_000);
    const [params, change] = useQueryParams();
    const by = params.get('by') ?? 'rule';
    const { groups, known, active, hasAlertmanager } = useAlerts();
    const { sections, names, rules, counts, ended } = useMemo(() => {
        const found = active.filter(
            (one) =>
                isChosen(one, filter.choice) &&
                filter.fits(one.alert.labels) &&
                hasWords(one.alert, () => `${titleOf(one)} ${one.group?.name ?? 'posted'} ${JSON.stringify(one.alert.labels)} ${JSON.stringify(one.alert.annotations)}`, filter.text),
        );
        const count = (state: string) => active.filter((one) => one.alert.state === state && !isMuted(one)).length;
        return {
            sections: sectionsOf(found, by),
            names: labelNames(active),
            rules: groups.data?.groups.flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting').length ?? 0,
            counts: { firing: count('firing'), pending: count('pending'), muted: active.filter(isMuted).length, posted: active.filter((one) => !one.rule).length },
            ended: endedWithoutData(groups.data?.groups ?? []).filter(({ alert, rule }) => filter.fits(alert.labels) && hasWords(alert, () => `${rule.name} ${JSON.stringify(alert.labels)}`, filter.text)),
        };
    }, [active, groups.data, filter, by]);
    const [rows, more] = useShown(`${filter.key} ${by}`);
    const { cut, total } = cutSections(sections, rows);
    const silenced = new URLSearchParams(filter.matchers.map((matcher) => ['matcher', formatMatcher(matcher)]));

    return (
        <Page
            title="Alerts"
            actions={hasAlertmanager && (
                <Link href={`/silences/new?${silenced.toString()}`}>
                    <Button variant="default" leftSection={<Icon name="silence" size={14} />}>{filter.matchers.length > 0 ? 'Silence these' : 'New silence'}</Button>
                </Link>
            )}
        >
            <FilterBar
                what="alerts"
                labels
                choices={[
                    { value: 'all', label: 'All', count: active.length },
                    { value: 'firing', label: 'Firing', count: counts.firing },
                    { value: 'pending', label: 'Pending', count: counts.pending },
                    ...(hasAlertmanager ? [{ value: 'muted', label: 'Muted', count: counts.muted }] : []),
                    ...(counts.posted > 0 || filter.choice === 'posted' ? [{ value: 'posted', label: 'Posted', count: counts.posted }] : []),
                ]}
            >
                {active.length > 0 && <GroupBy by={by} names={names} receivers={hasAlertmanager} change={(next) => change({ by: next }, { replace: true })} />}
            </FilterBar>
            {groups.isPending && <Loading />}
            {groups.error && <Fault error={groups.error} what="Rules" retry={() => void groups.refetch()} />}
            {known.error && <Fault error={known.error} what="Receivers and silences" retry={() => void known.refetch()} />}
            {cut.map((section, i) => (
                <Group key={section.name} section={section} whole={sections[i]!.list.length} aside={by === 'rule' ? section.list[0]!.alert.labels.severity : undefined} amKnown={hasAlertmanager} now={now} pick={pick} />
            ))}
            <More shown={rows} total={total} more={more} />
            {filter.choice === 'all' && <Ended list={ended} />}
            {groups.data && sections.length === 0 && ended.length === 0 && (
                <Empty title={active.length > 0 ? 'No alert is so' : rules === 0 ? 'No alerting rules yet' : 'All is quiet'} icon={rules === 0 ? 'rules' : 'check'}>
                    {active.length > 0 ? 'Another search or another state finds more.' : rules === 0 ? <RuleExample /> : (
                        <>{plural(rules, 'alerting rule')} <Link href="/rules?show=alerting">watched</Link>, last <Ago at={lastEvaluation(groups.data.groups)} />; none is pending or firing.</>
                    )}
                </Empty>
            )}
        </Page>
    );
}

/* In ms; quiet means nothing when nobody looks. */
function lastEvaluation(groups: readonly { lastEvaluation: string }[]): number {
    return Math.max(...groups.map((group) => Date.parse(group.lastEvaluation)));
}
