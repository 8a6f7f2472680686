/* Targets: what is scraped, when and how fast, and why it is not; errors first. */
import { useQuery } from '@tanstack/react-query';
import { memo, useMemo } from 'react';
import { targets } from '../../api/prometheus';
import type { ActiveTarget } from '../../api/types';
import {
    Ago, cutSections, Empty, exploreLink, Fault, FilterBar, formatQuantity, hasWords, LabelSet, Link, Loading, More, Page, quoteLabel, ScrapeExample, Section, Select, State, type StateKind, useFilter,
    usePick, usePoll, useQueryParams, useShown,
} from '../../ui';

const REFETCH_MS = 5_000;
/* Of more pools those are listed that what is typed finds first. */
const POOLS_LISTED = 100;

const kinds: Record<ActiveTarget['health'], StateKind> = { up: 'ok', down: 'bad', unknown: 'none' };
const order: Record<ActiveTarget['health'], number> = { down: 0, unknown: 1, up: 2 };

function textOf(target: ActiveTarget): string {
    return `${target.scrapeUrl} ${target.scrapePool} ${target.lastError} ${Object.entries(target.labels).map(([name, value]) => `${name}=${value}`).join(' ')}`;
}

type Pick = ReturnType<typeof usePick>;

const Row = memo(function Row({ target, pick }: { target: ActiveTarget; pick: Pick }) {
    const series = `{${['job', 'instance'].filter((name) => target.labels[name]).map((name) => `${name}=${quoteLabel(target.labels[name]!)}`).join(', ')}}`;
    return (
        <tr>
            <td>
                <a href={/^https?:/.test(target.globalUrl) ? target.globalUrl : undefined} target="_blank" rel="noreferrer" className="mono" style={{ overflowWrap: 'anywhere' }}>
                    {target.scrapeUrl}
                </a>
                {target.lastError && <div className="cell-error">{target.lastError}</div>}
            </td>
            <td><State kind={kinds[target.health]}>{target.health}</State></td>
            <td className="hide-narrow"><LabelSet labels={target.labels} pick={pick} /></td>
            <td className="right"><Ago at={target.lastScrape} /></td>
            <td className="right hide-narrow">{formatQuantity(target.lastScrapeDuration, 'seconds', 3)}</td>
            <td className="right hide-narrow">{target.scrapeInterval}</td>
            <td className="right hide-narrow"><Link className="alone" href={exploreLink(series, undefined, 'table')} aria-label={`Series of ${target.scrapeUrl}`}>series</Link></td>
        </tr>
    );
});

interface PoolRows {
    name: string;
    list: ActiveTarget[];
    size: number;
    down: number;
    up: number;
}

/* What is neither up nor down has not been scraped yet. */
function PoolState({ size, down, up }: PoolRows) {
    if (down > 0) {
        return <State kind="bad">{down} of {size} down</State>;
    }
    return up === size ? <State kind="ok">{size} up</State> : <State kind="none">{up} of {size} up</State>;
}

function Pool({ pool, pick }: { pool: PoolRows; pick: Pick }) {
    return (
        <Section title={pool.name} aside={<PoolState {...pool} />}>
            <div className="table-wrap">
                <table className="table">
                    <thead>
                        <tr>
                            <th>Endpoint</th>
                            <th style={{ width: 90 }}>State</th>
                            <th className="hide-narrow" style={{ width: '34%' }}>Labels</th>
                            <th className="right" style={{ width: 100 }}>Last scrape</th>
                            <th className="right hide-narrow" style={{ width: 80 }}>Took</th>
                            <th className="right hide-narrow" style={{ width: 70 }}>Every</th>
                            <th className="hide-narrow" style={{ width: 60 }}><span className="muted" /></th>
                        </tr>
                    </thead>
                    <tbody>{pool.list.map((target) => <Row key={target.scrapeUrl + JSON.stringify(target.labels)} target={target} pick={pick} />)}</tbody>
                </table>
            </div>
        </Section>
    );
}

/* poolsOf groups targets by pool: those with the worst health first, and in each the worst targets. Sizes are those of whole pools. */
export function poolsOf(active: readonly ActiveTarget[], wanted: (target: ActiveTarget) => boolean): PoolRows[] {
    const pools = new Map<string, PoolRows>();
    for (const target of active) {
        const pool = pools.get(target.scrapePool) ?? { name: target.scrapePool, list: [], size: 0, down: 0, up: 0 };
        pool.size++;
        pool.down += target.health === 'down' ? 1 : 0;
        pool.up += target.health === 'up' ? 1 : 0;
        if (wanted(target)) {
            pool.list.push(target);
        }
        pools.set(target.scrapePool, pool);
    }
    const found = [...pools.values()].filter((pool) => pool.list.length > 0);
    found.forEach((pool) => pool.list.sort((a, b) => order[a.health] - order[b.health] || (a.scrapeUrl < b.scrapeUrl ? -1 : a.scrapeUrl > b.scrapeUrl ? 1 : 0)));
    return found.sort((a, b) => order[a.list[0]!.health] - order[b.list[0]!.health] || a.name.localeCompare(b.name));
}

export default function Targets() {
    const filter = useFilter({ labels: true });
    const pick = usePick();
    const [params, change] = useQueryParams();
    const only = params.get('pool');
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: usePoll(REFETCH_MS) });
    const active = useMemo(() => list.data?.activeTargets ?? [], [list.data]);
    const names = useMemo(() => [...new Set(active.map((target) => target.scrapePool))].sort((a, b) => a.localeCompare(b)), [active]);
    const pools = useMemo(
        () => poolsOf(active, (target) => (filter.choice === 'all' || target.health === filter.choice) && (only === null || target.scrapePool === only) && filter.fits(target.labels) && hasWords(target, () => textOf(target), filter.text)),
        [active, filter, only],
    );
    const [rows, more] = useShown(`${filter.key} ${only}`);
    const { cut, total } = cutSections(pools, rows);
    const count = (health: ActiveTarget['health']) => active.filter((target) => target.health === health).length;

    return (
        <Page title="Targets">
            <FilterBar
                what="targets"
                labels
                choices={[
                    { value: 'all', label: 'All', count: active.length },
                    { value: 'down', label: 'Down', count: count('down') },
                    { value: 'unknown', label: 'Unknown', count: count('unknown') },
                    { value: 'up', label: 'Up', count: count('up') },
                ]}
            >
                {names.length > 1 && (
                    <Select w={190} aria-label="Scrape pool" placeholder={`All ${names.length} scrape pools`} searchable clearable value={only} data={names} limit={POOLS_LISTED} onChange={(pool) => change({ pool }, { replace: true })} />
                )}
            </FilterBar>
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Targets" retry={() => void list.refetch()} />}
            {cut.map((pool) => <Pool key={pool.name} pool={pool} pick={pick} />)}
            <More shown={rows} total={total} more={more} />
            {list.data && pools.length === 0 && (
                <Empty title={active.length === 0 ? 'Nothing is scraped yet' : 'No target is so'} icon="target">
                    {active.length === 0 ? <ScrapeExample /> : 'Another search, pool or state finds more.'}
                </Empty>
            )}
        </Page>
    );
}
