/* Targets: what is scraped, when and how fast, and why it is not; errors first. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { targets } from '../../api/prometheus';
import type { ActiveTarget } from '../../api/types';
import { since } from '../../grafana/time';
import {
    Button, Empty, exploreLink, Fault, FilterBar, formatQuantity, LabelSet, Link, Loading, matchesWords, Page, quoteLabel, ScrapeExample, Section, State, type StateKind, useFilter, useNow,
    usePoll,
} from '../../ui';

const REFETCH_MS = 5_000;
/* Rows of a pool that are drawn at once. */
const ROWS_SHOWN = 100;

const kinds: Record<ActiveTarget['health'], StateKind> = { up: 'ok', down: 'bad', unknown: 'none' };
const order: Record<ActiveTarget['health'], number> = { down: 0, unknown: 1, up: 2 };

function textOf(target: ActiveTarget): string {
    return `${target.scrapeUrl} ${target.scrapePool} ${target.lastError} ${Object.entries(target.labels).map(([name, value]) => `${name}=${value}`).join(' ')}`;
}

function Row({ target, now }: { target: ActiveTarget; now: number }) {
    const last = Date.parse(target.lastScrape);
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
            <td className="hide-narrow"><LabelSet labels={target.labels} /></td>
            <td className="right">{last > 0 ? since(last, now) : 'never'}</td>
            <td className="right hide-narrow">{formatQuantity(target.lastScrapeDuration, 'seconds', 3)}</td>
            <td className="right hide-narrow">{target.scrapeInterval}</td>
            <td className="right hide-narrow"><Link className="alone" href={exploreLink(series, undefined, 'table')} aria-label={`Series of ${target.scrapeUrl}`}>series</Link></td>
        </tr>
    );
}

function Pool({ name, list, now }: { name: string; list: ActiveTarget[]; now: number }) {
    const [all, setAll] = useState(false);
    const down = list.filter((target) => target.health === 'down').length;
    const shown = all ? list : list.slice(0, ROWS_SHOWN);
    return (
        <Section
            title={name}
            aside={down > 0 ? <State kind="bad">{down} of {list.length} down</State> : <State kind="ok">{list.length} up</State>}
        >
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
                    <tbody>{shown.map((target) => <Row key={target.scrapeUrl + JSON.stringify(target.labels)} target={target} now={now} />)}</tbody>
                </table>
            </div>
            {list.length > shown.length && <div className="panel-body"><Button variant="subtle" onClick={() => setAll(true)}>Show all {list.length}</Button></div>}
        </Section>
    );
}

export default function Targets() {
    const filter = useFilter();
    const now = useNow();
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: usePoll(REFETCH_MS) });
    const active = useMemo(() => list.data?.activeTargets ?? [], [list.data]);
    const pools = useMemo(() => {
        const found = active.filter((target) => (filter.choice === 'all' || target.health === filter.choice) && matchesWords(textOf(target), filter.text));
        const byPool = new Map<string, ActiveTarget[]>();
        found.forEach((target) => byPool.set(target.scrapePool, [...(byPool.get(target.scrapePool) ?? []), target]));
        return [...byPool]
            .map(([name, members]) => ({ name, members: members.sort((a, b) => order[a.health] - order[b.health] || a.scrapeUrl.localeCompare(b.scrapeUrl)) }))
            .sort((a, b) => order[a.members[0]!.health] - order[b.members[0]!.health] || a.name.localeCompare(b.name));
    }, [active, filter.choice, filter.text]);
    const count = (health: ActiveTarget['health']) => active.filter((target) => target.health === health).length;

    return (
        <Page title="Targets">
            <FilterBar
                what="targets"
                choices={[
                    { value: 'all', label: 'All', count: active.length },
                    { value: 'down', label: 'Down', count: count('down') },
                    { value: 'unknown', label: 'Unknown', count: count('unknown') },
                    { value: 'up', label: 'Up', count: count('up') },
                ]}
            />
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Targets" retry={() => void list.refetch()} />}
            {pools.map(({ name, members }) => <Pool key={name} name={name} list={members} now={now} />)}
            {list.data && pools.length === 0 && (
                <Empty title={active.length === 0 ? 'Nothing is scraped yet' : 'No target is so'} icon="target">
                    {active.length === 0 ? <ScrapeExample /> : 'Another search or another state finds more.'}
                </Empty>
            )}
        </Page>
    );
}
