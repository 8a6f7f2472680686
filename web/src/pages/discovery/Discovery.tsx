/* Discovery: what service discovery found, and what relabelling made of it. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { targets } from '../../api/prometheus';
import type { Labels } from '../../api/types';
import { Button, Empty, Fault, FilterBar, LabelSet, Loading, matchesWords, Note, Page, ScrapeExample, Section, State, useFilter, usePoll } from '../../ui';

const ROWS_SHOWN = 50;

interface Found {
    discovered: Labels;
    /* null: dropped. */
    labels: Labels | null;
}

function Pool({ name, list, total, dropped }: { name: string; list: Found[]; total: number; dropped: number }) {
    const [all, setAll] = useState(false);
    const shown = all ? list : list.slice(0, ROWS_SHOWN);
    return (
        <Section title={name} aside={<span className="muted num">{total} active, {dropped} dropped</span>}>
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th style={{ width: '50%' }}>Discovered labels</th><th>Target labels</th></tr></thead>
                    <tbody>
                        {shown.map((one, i) => (
                            <tr key={i}>
                                <td><LabelSet labels={one.discovered} /></td>
                                <td>{one.labels ? <LabelSet labels={one.labels} /> : <State kind="none">dropped by relabelling</State>}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {list.length > shown.length && <div className="panel-body"><Button variant="subtle" onClick={() => setAll(true)}>Show all {list.length}</Button></div>}
        </Section>
    );
}

export default function Discovery() {
    const filter = useFilter();
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: usePoll(15_000) });
    const pools = useMemo(() => {
        const out = new Map<string, Found[]>();
        const add = (pool: string, one: Found) => out.set(pool, [...(out.get(pool) ?? []), one]);
        list.data?.activeTargets.forEach((target) => add(target.scrapePool, { discovered: target.discoveredLabels, labels: target.labels }));
        list.data?.droppedTargets.forEach((target) => add(target.scrapePool ?? target.discoveredLabels.job ?? '', { discovered: target.discoveredLabels, labels: null }));
        return [...out].sort(([a], [b]) => a.localeCompare(b));
    }, [list.data]);
    const counts = list.data?.droppedTargetCounts ?? {};
    const droppedAll = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const droppedShown = list.data?.droppedTargets.length ?? 0;

    const visible = pools.flatMap(([name, members]) => {
        const found = members.filter(
            (one) =>
                (filter.choice === 'all' || (filter.choice === 'dropped') === (one.labels === null)) &&
                matchesWords(`${name} ${JSON.stringify(one.discovered)} ${JSON.stringify(one.labels)}`, filter.text),
        );
        return found.length > 0 ? [{ name, found, members }] : [];
    });
    return (
        <Page title="Service discovery">
            <FilterBar
                what="labels"
                choices={[
                    { value: 'all', label: 'All' },
                    { value: 'active', label: 'Active', count: list.data?.activeTargets.length },
                    { value: 'dropped', label: 'Dropped', count: droppedAll },
                ]}
            />
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Targets" retry={() => void list.refetch()} />}
            {droppedAll > droppedShown && (
                <div style={{ marginBottom: 8 }}><Note>{droppedAll} targets were dropped; the labels of {droppedShown} are kept (keep_dropped_targets).</Note></div>
            )}
            {visible.map(({ name, found, members }) => (
                <Pool key={name} name={name} list={found} total={members.filter((one) => one.labels).length} dropped={counts[name] ?? members.filter((one) => !one.labels).length} />
            ))}
            {list.data && visible.length === 0 && <Empty title={pools.length === 0 ? 'Nothing is scraped yet' : 'Nothing found'} icon="discovery">{pools.length === 0 ? <ScrapeExample /> : 'No scrape pool has such labels.'}</Empty>}
        </Page>
    );
}
