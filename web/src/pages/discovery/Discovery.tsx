/* Discovery: what service discovery found, and what relabelling made of it. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { targets } from '../../api/prometheus';
import type { Labels } from '../../api/types';
import { cutSections, Empty, Fault, FilterBar, hasWords, LabelSet, Loading, More, Note, Page, ScrapeExample, Section, State, useFilter, usePick, usePoll, useShown } from '../../ui';

interface Found {
    discovered: Labels;
    /* null: dropped. */
    labels: Labels | null;
}

interface PoolRows {
    name: string;
    list: Found[];
    active: number;
    dropped: number;
}

function Pool({ pool, pick }: { pool: PoolRows; pick: (name: string, value: string) => void }) {
    return (
        <Section title={pool.name} aside={<span className="muted num">{pool.active} active, {pool.dropped} dropped</span>}>
            <div className="table-wrap">
                <table className="table">
                    <thead><tr><th style={{ width: '50%' }}>Discovered labels</th><th>Target labels</th></tr></thead>
                    <tbody>
                        {pool.list.map((one, i) => (
                            <tr key={i}>
                                <td><LabelSet labels={one.discovered} pick={pick} /></td>
                                <td>{one.labels ? <LabelSet labels={one.labels} pick={pick} /> : <State kind="none">dropped by relabelling</State>}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Section>
    );
}

export default function Discovery() {
    const filter = useFilter({ labels: true });
    const pick = usePick();
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: usePoll(15_000) });
    const counts = useMemo(() => list.data?.droppedTargetCounts ?? {}, [list.data]);
    const droppedAll = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const droppedShown = list.data?.droppedTargets.length ?? 0;
    const pools = useMemo(() => {
        const out = new Map<string, PoolRows>();
        const add = (name: string, one: Found) => {
            const pool = out.get(name) ?? { name, list: [], active: 0, dropped: counts[name] ?? 0 };
            pool.active += one.labels ? 1 : 0;
            pool.list.push(one);
            out.set(name, pool);
        };
        list.data?.activeTargets.forEach((target) => add(target.scrapePool, { discovered: target.discoveredLabels, labels: target.labels }));
        list.data?.droppedTargets.forEach((target) => add(target.scrapePool ?? target.discoveredLabels.job ?? '', { discovered: target.discoveredLabels, labels: null }));
        return [...out.values()].sort((a, b) => a.name.localeCompare(b.name));
    }, [list.data, counts]);
    const visible = useMemo(() => pools.map((pool) => ({
        ...pool,
        list: pool.list.filter(
            (one) =>
                (filter.choice === 'all' || (filter.choice === 'dropped') === (one.labels === null)) && filter.fits({ ...one.discovered, ...one.labels }) &&
                hasWords(one, () => `${pool.name} ${JSON.stringify(one.discovered)} ${JSON.stringify(one.labels)}`, filter.text),
        ),
    })), [pools, filter]);
    const [rows, more] = useShown(filter.key);
    const { cut, total } = cutSections(visible, rows);
    return (
        <Page title="Service discovery">
            <FilterBar
                what="labels"
                labels
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
            {cut.map((pool) => <Pool key={pool.name} pool={pool} pick={pick} />)}
            <More shown={rows} total={total} more={more} />
            {list.data && total === 0 && <Empty title={pools.length === 0 ? 'Nothing is scraped yet' : 'Nothing found'} icon="discovery">{pools.length === 0 ? <ScrapeExample /> : 'No scrape pool has such labels.'}</Empty>}
        </Page>
    );
}
