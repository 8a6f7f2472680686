/* Rules: groups by file, with health, times, and what the alerting rules say now. */
import { useQuery } from '@tanstack/react-query';
import { memo, useMemo } from 'react';
import { rules } from '../../api/prometheus';
import type { Rule, RuleGroup } from '../../api/types';
import { formatDuration, formatTime } from '../../grafana/time';
import {
    Ago, backtestLink, cutSections, Empty, exploreLink, Fault, FilterBar, formatQuantity, hasWords, LabelSet, Link, Loading, More, Page, RuleExample, Section, State, type StateKind, useFilter,
    usePoll, useShown,
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

const Row = memo(function Row({ rule }: { rule: Rule }) {
    const { kind, word } = stateOf(rule);
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
            <td className="right hide-narrow" style={{ width: 110 }}><Ago at={rule.lastEvaluation} /></td>
            <td className="right hide-narrow" style={{ width: 90 }}>{formatQuantity(rule.evaluationTime, 'seconds', 3)}</td>
        </tr>
    );
});

function Group({ group, list }: { group: RuleGroup; list: Rule[] }) {
    const bad = group.rules.filter((rule) => rule.health === 'err').length;
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
                        every {formatDuration(group.interval * 1000)} · last <Ago at={group.lastEvaluation} /> · took {formatQuantity(group.evaluationTime, 'seconds', 3)}
                    </span>
                </span>
            }
        >
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th>State</th><th>Rule</th><th className="right hide-narrow">Evaluated</th><th className="right hide-narrow">Took</th></tr></thead>
                    <tbody>{list.map((rule) => <Row key={group.rules.indexOf(rule)} rule={rule} />)}</tbody>
                </table>
            </div>
        </Section>
    );
}

export default function Rules() {
    const filter = useFilter();
    const list = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: usePoll(10_000) });
    const { visible, all, count } = useMemo(() => {
        const groups = list.data?.groups ?? [];
        const counts = new Map<string, number>();
        const visible = groups.map((group) => ({
            group,
            list: group.rules.filter((rule) => {
                const { word } = stateOf(rule);
                [word, rule.type].forEach((key) => counts.set(key, (counts.get(key) ?? 0) + 1));
                return (
                    (filter.choice === 'all' || filter.choice === word || filter.choice === rule.type) &&
                    hasWords(rule, () => `${rule.name} ${rule.query} ${group.name} ${group.file} ${JSON.stringify(rule.labels ?? {})}`, filter.text)
                );
            }),
        }));
        /* Errors first. */
        const rank = (group: RuleGroup) => (group.rules.some((rule) => rule.health === 'err') ? 0 : 1);
        visible.sort((a, b) => rank(a.group) - rank(b.group));
        return { visible, all: groups.reduce((sum, group) => sum + group.rules.length, 0), count: (word: string) => counts.get(word) ?? 0 };
    }, [list.data, filter]);
    const [rows, more] = useShown(filter.key);
    const { cut, total } = cutSections(visible, rows);
    return (
        <Page title="Rules">
            <FilterBar
                what="rules"
                choices={[
                    { value: 'all', label: 'All', count: all },
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
            {cut.map(({ group, list: shown }) => <Group key={`${group.file} ${group.name}`} group={group} list={shown} />)}
            <More shown={rows} total={total} more={more} />
            {list.data && total === 0 && (
                <Empty title={all === 0 ? 'No rules yet' : 'No rule is so'} icon="rules">
                    {all === 0 ? <RuleExample /> : 'Another search or another state finds more.'}
                </Empty>
            )}
        </Page>
    );
}
