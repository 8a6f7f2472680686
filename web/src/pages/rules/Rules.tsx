/* Rules: groups by file, with health, times, and what the alerting rules say now. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { rules } from '../../api/prometheus';
import type { Rule, RuleGroup } from '../../api/types';
import { formatDuration, formatTime, since } from '../../grafana/time';
import {
    backtestLink, Empty, exploreLink, Fault, FilterBar, formatQuantity, LabelSet, Link, Loading, matchesWords, Page, RuleExample, Section, State, type StateKind, useFilter, useNow,
    usePoll,
} from '../../ui';

function stateOf(rule: Rule): { kind: StateKind; word: string } {
    if (rule.health === 'err') {
        return { kind: 'bad', word: 'error' };
    }
    if (rule.type === 'alerting' && (rule.state === 'firing' || rule.state === 'pending')) {
        return { kind: rule.state === 'firing' ? 'bad' : 'warn', word: rule.state };
    }
    if (rule.noData?.rule) {
        return { kind: 'none', word: 'no data' };
    }
    return rule.health === 'unknown' ? { kind: 'none', word: 'not yet run' } : { kind: 'ok', word: rule.type === 'alerting' ? 'inactive' : 'ok' };
}

/* An annotation is text; a link only when it is one of the web. */
export function Annotation({ name, value }: { name: string; value: string }) {
    return (
        <div className="muted" style={{ fontSize: 12, overflowWrap: 'anywhere' }}>
            {name}: {/^https?:\/\//.test(value) ? <a href={value} target="_blank" rel="noreferrer">{value}</a> : value}
        </div>
    );
}

function Row({ rule, now }: { rule: Rule; now: number }) {
    const { kind, word } = stateOf(rule);
    const last = Date.parse(rule.lastEvaluation);
    return (
        <tr>
            <td style={{ width: 110 }}>
                <State kind={kind}>{word}</State>
                {rule.noData && !rule.noData.rule && <div style={{ marginTop: 4 }}><State kind="none">{rule.noData.count} without data</State></div>}
            </td>
            <td>
                <div className="row wrap" style={{ gap: 6 }}>
                    <b style={{ fontWeight: 600 }}>{rule.name}</b>
                    {rule.type === 'recording' && <span className="label">record</span>}
                    {!!rule.duration && <span className="muted">for {formatDuration(rule.duration * 1000)}</span>}
                    {!!rule.keepFiringFor && <span className="muted">keep firing {formatDuration(rule.keepFiringFor * 1000)}</span>}
                    {!!rule.alerts?.length && <Link className="alone" href={`/alerts?search=${encodeURIComponent(rule.name)}`}>{rule.alerts.length} active</Link>}
                    {rule.type === 'alerting' && <Link className="alone" href={backtestLink(rule)}>backtest</Link>}
                </div>
                <Link className="expr" href={exploreLink(rule.query)} title="Open in Explore">{rule.query}</Link>
                {rule.labels && Object.keys(rule.labels).length > 0 && <div style={{ marginTop: 4 }}><LabelSet labels={rule.labels} /></div>}
                {Object.entries(rule.annotations ?? {}).map(([name, value]) => <Annotation key={name} name={name} value={value} />)}
                {rule.noData?.rule && <div className="muted" style={{ fontSize: 12 }}>Its query reads no series at all{rule.noData.since ? `, since ${formatTime(Date.parse(rule.noData.since))}` : ': a name is wrong, or nobody exports them'}.</div>}
                {rule.lastError && <div className="cell-error">{rule.lastError}</div>}
            </td>
            <td className="right hide-narrow" style={{ width: 110 }}>{last > 0 ? since(last, now) : 'never'}</td>
            <td className="right hide-narrow" style={{ width: 90 }}>{formatQuantity(rule.evaluationTime, 'seconds', 3)}</td>
        </tr>
    );
}

function Group({ group, list, now }: { group: RuleGroup; list: Rule[]; now: number }) {
    const bad = group.rules.filter((rule) => rule.health === 'err').length;
    const last = Date.parse(group.lastEvaluation);
    /* A group that takes most of its interval will soon miss evaluations. */
    const slow = group.evaluationTime > group.interval * 0.8;
    return (
        <Section
            title={<>{group.name} <span className="muted" style={{ fontWeight: 400 }}>{group.file}</span></>}
            aside={
                <span className="row">
                    {bad > 0 && <State kind="bad">{bad} failing</State>}
                    {slow && <State kind="warn">slow</State>}
                    <span className="muted num hide-narrow">
                        every {formatDuration(group.interval * 1000)} · last {last > 0 ? since(last, now) : 'never'} · took {formatQuantity(group.evaluationTime, 'seconds', 3)}
                    </span>
                </span>
            }
        >
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th>State</th><th>Rule</th><th className="right hide-narrow">Evaluated</th><th className="right hide-narrow">Took</th></tr></thead>
                    <tbody>{list.map((rule, i) => <Row key={`${i} ${rule.name}`} rule={rule} now={now} />)}</tbody>
                </table>
            </div>
        </Section>
    );
}

export default function Rules() {
    const filter = useFilter();
    const now = useNow();
    const list = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: usePoll(10_000) });
    const groups = useMemo(() => list.data?.groups ?? [], [list.data]);
    const all = groups.flatMap((group) => group.rules);
    const visible = groups.flatMap((group) => {
        const found = group.rules.filter((rule) => {
            const word = stateOf(rule).word;
            return (
                (filter.choice === 'all' || filter.choice === word || filter.choice === rule.type) &&
                matchesWords(`${rule.name} ${rule.query} ${group.name} ${group.file} ${JSON.stringify(rule.labels ?? {})}`, filter.text)
            );
        });
        return found.length > 0 ? [{ group, found }] : [];
    });
    /* Errors first, then what fires. */
    const rank = (group: RuleGroup) => (group.rules.some((rule) => rule.health === 'err') ? 0 : 1);
    visible.sort((a, b) => rank(a.group) - rank(b.group));
    const count = (word: string) => all.filter((rule) => stateOf(rule).word === word || rule.type === word).length;
    return (
        <Page title="Rules">
            <FilterBar
                what="rules"
                choices={[
                    { value: 'all', label: 'All', count: all.length },
                    { value: 'error', label: 'Failing', count: count('error') },
                    { value: 'firing', label: 'Firing', count: count('firing') },
                    { value: 'pending', label: 'Pending', count: count('pending') },
                    ...(count('no data') > 0 ? [{ value: 'no data', label: 'No data', count: count('no data') }] : []),
                    { value: 'alerting', label: 'Alerting', count: count('alerting') },
                    { value: 'recording', label: 'Recording', count: count('recording') },
                ]}
            />
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Rules" retry={() => void list.refetch()} />}
            {visible.map(({ group, found }) => <Group key={`${group.file} ${group.name}`} group={group} list={found} now={now} />)}
            {list.data && visible.length === 0 && (
                <Empty title={all.length === 0 ? 'No rules yet' : 'No rule is so'} icon="rules">
                    {all.length === 0 ? <RuleExample /> : 'Another search or another state finds more.'}
                </Empty>
            )}
        </Page>
    );
}
