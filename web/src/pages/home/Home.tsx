/* Home: what is wrong now, what the server itself does, and where to go. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { askJson } from '../../api/http';
import { buildInfo, queryRange, rules, runtimeInfo, targets, tsdbStatus } from '../../api/prometheus';
import { since } from '../../grafana/time';
import {
    byVisits, Empty, exploreLink, Fault, fingerprint, formatCount, formatQuantity, Icon, isMuted, Link, Loading, nameOf, Page, ScrapeExample, Section, State, useNow, type Quantity, Note,
    useListedAlerts, usePoll, useVisits,
} from '../../ui';

const Small = lazy(() => import('./Small'));

const REFETCH_MS = 10_000;
const ROWS_SHOWN = 8;
const BOARDS_SHOWN = 24;
const WINDOW_S = 3600;
const STEP_S = 15;
/* A young server's graph begins with its first sample, but is never narrower. */
const LEAST_S = 300;

/* What the server says of itself, by its own metrics. */
const figures: { title: string; expr: string; quantity: Quantity }[] = [
    { title: 'Samples stored', expr: 'sum(rate(prometheus_tsdb_head_samples_appended_total[1m]))', quantity: '/s' },
    { title: 'Series in the head', expr: 'sum(prometheus_tsdb_head_series)', quantity: 'none' },
    { title: 'Memory', expr: 'sum(process_resident_memory_bytes{job="barograph"})', quantity: 'bytes' },
];

function Figure({ title, expr, quantity }: (typeof figures)[number]) {
    const now = useNow(REFETCH_MS);
    const end = Math.floor(now / 1000 / STEP_S) * STEP_S;
    const result = useQuery({
        queryKey: ['home', expr, end],
        queryFn: ({ signal }) => queryRange(expr, end - WINDOW_S, end, STEP_S, { signal }),
        placeholderData: (before) => before,
    });
    const series = result.data?.data.series[0];
    const last = series ? series.values[series.values.length - 1] : undefined;
    return (
        <section className="panel">
            <div className="panel-head">
                <h2 className="grow"><Link href={exploreLink(expr)} style={{ color: 'inherit' }}>{title}</Link></h2>
                <b className="num">{last === undefined ? '' : formatQuantity(last, quantity, 3)}</b>
            </div>
            <div style={{ height: 110 }}>
                {result.error ? <div className="panel-body muted">{result.error.message}</div> : series ? (
                    <Suspense fallback={null}><Small title={title} series={series} quantity={quantity} from={Math.max(end - WINDOW_S, Math.min(series.times[0] ?? 0, end - LEAST_S))} to={end} step={STEP_S} /></Suspense>
                ) : result.isPending ? null : <div className="panel-body muted">No samples of it yet: they come with the first scrapes of this server by itself.</div>}
            </div>
        </section>
    );
}

interface Board {
    uid: string;
    title: string;
    url?: string;
    folderTitle?: string;
    tags?: string[];
    type?: string;
}

function Boards() {
    const list = useQuery({ queryKey: ['boards'], queryFn: ({ signal }) => askJson<Board[]>('api/search', { params: { type: 'dash-db', limit: 100 }, signal }) });
    const { starred, recent } = useVisits();
    const boards = byVisits((list.data ?? []).filter((one) => one.type !== 'dash-folder'), { starred, recent });
    return (
        <Section title="Dashboards" aside={<Link href="/dashboards">all</Link>}>
            {list.error ? <Fault error={list.error} /> : list.isPending ? <Loading /> : boards.length === 0 ? (
                <Empty title="No dashboards yet" icon="dashboards"><Link href="/dashboards?import=">Import</Link> one of Grafana’s, <Link href="/dashboard/new">make one</Link>, or start the server with <code className="mono">--dashboards.path=DIR</code>.</Empty>
            ) : (
                <ul className="board-links">
                    {boards.slice(0, BOARDS_SHOWN).map((one) => (
                        <li key={one.uid}>{starred.includes(one.uid) && <Icon name="star" size={12} label="starred" />}<Link href={`/d/${encodeURIComponent(one.uid)}`}>{one.title}</Link>{one.folderTitle && <span className="muted truncate">{one.folderTitle}</span>}</li>
                    ))}
                </ul>
            )}
        </Section>
    );
}

export default function Home() {
    const now = useNow();
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: usePoll(REFETCH_MS) });
    const groups = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: usePoll(REFETCH_MS) });
    const run = useQuery({ queryKey: ['runtime'], queryFn: ({ signal }) => runtimeInfo(signal), refetchInterval: REFETCH_MS });
    const build = useQuery({ queryKey: ['build'], queryFn: ({ signal }) => buildInfo(signal), staleTime: Infinity });
    const store = useQuery({ queryKey: ['tsdb', 10], queryFn: ({ signal }) => tsdbStatus(10, signal), refetchInterval: REFETCH_MS });
    const active = list.data?.activeTargets ?? [];
    const down = active.filter((target) => target.health === 'down');
    const all = useMemo(() => groups.data?.groups.flatMap((group) => group.rules) ?? [], [groups.data]);
    const ruled = useMemo(() => all.flatMap((rule) => rule.alerts ?? []), [all]);
    const alerts = useListedAlerts(groups.data && ruled, REFETCH_MS);
    /* As the page of alerts counts: what is muted is neither. */
    const told = alerts.filter((one) => !isMuted(one));
    const firing = told.filter(({ alert }) => alert.state === 'firing').sort((a, b) => Date.parse(b.alert.activeAt) - Date.parse(a.alert.activeAt));
    const mutedCount = alerts.length - told.length;
    const failing = all.filter((rule) => rule.health === 'err');

    return (
        <Page title="Home" aside={<span className="muted hide-narrow">{build.data?.barographVersion ? `barograph ${build.data.barographVersion}` : ''}{run.data?.hostname ? ` on ${String(run.data.hostname)}` : ''}</span>}>
            <div className="tiles">
                <Link href="/alerts?show=firing" className={firing.length > 0 ? 'panel tile bad' : 'panel tile ok'}><b>{groups.data ? firing.length : '…'}</b><span>alerts firing{mutedCount > 0 && `, ${formatCount(mutedCount)} muted`}</span></Link>
                <Link href="/alerts?show=pending" className="panel tile"><b>{groups.data ? told.length - firing.length : '…'}</b><span>alerts pending</span></Link>
                <Link href="/targets?show=down" className={down.length > 0 ? 'panel tile bad' : 'panel tile ok'}><b>{list.data ? down.length : '…'}</b><span>targets down of {active.length}</span></Link>
                <Link href="/rules?show=error" className={failing.length > 0 ? 'panel tile bad' : 'panel tile ok'}><b>{groups.data ? failing.length : '…'}</b><span>rules failing of {all.length}</span></Link>
                <Link href="/cardinality" className="panel tile"><b>{store.data ? formatCount(store.data.headStats.numSeries) : '…'}</b><span>series</span></Link>
                <Link href="/status/runtime" className="panel tile"><b>{run.data ? since(Date.parse(String(run.data.startTime)), now).replace(' ago', '') : '…'}</b><span>running</span></Link>
            </div>
            {list.error && <Fault error={list.error} what="Targets" retry={() => void list.refetch()} />}
            {run.data && run.data.reloadConfigSuccess === false && <Note kind="bad">The configuration on the disk is refused; the old one runs on. See the log.</Note>}
            <div className="columns" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(min(280px, 100%), 1fr))', marginBottom: 8 }}>
                {figures.map((one) => <Figure key={one.title} {...one} />)}
            </div>
            <div className="columns">
                <Section title="Firing" aside={<span className="row">{mutedCount > 0 && <Link href="/alerts?show=muted">{formatCount(mutedCount)} muted</Link>}<Link href="/alerts">all alerts</Link></span>}>
                    {firing.length === 0 ? <Empty title={mutedCount > 0 ? 'Nothing fires that is not muted' : 'Nothing fires'} icon="check">{all.some((rule) => rule.type === 'alerting') ? 'All alerting rules are quiet or pending.' : <>There are no alerting rules yet: <Link href="/rules">how to write one</Link>.</>}</Empty> : (
                        <table className="table">
                            <tbody>
                                {firing.slice(0, ROWS_SHOWN).map(({ alert }) => (
                                    <tr key={fingerprint(alert.labels)}>
                                        <td style={{ width: 80 }}><State kind="bad">firing</State></td>
                                        <td><Link href={`/alerts/${fingerprint(alert.labels)}`}>{nameOf(alert)}</Link><div className="muted" style={{ fontSize: 12 }}>{alert.annotations.summary}</div></td>
                                        <td className="right">{since(Date.parse(alert.activeAt), now)}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    )}
                </Section>
                {down.length > 0 && (
                    <Section title="Targets down" aside={<Link href="/targets?show=down">all</Link>}>
                        <table className="table">
                            <tbody>
                                {down.slice(0, ROWS_SHOWN).map((target) => (
                                    <tr key={target.scrapeUrl + target.scrapePool}>
                                        <td><b style={{ fontWeight: 500 }}>{target.scrapePool}</b> <span className="mono">{target.scrapeUrl}</span><div className="cell-error">{target.lastError}</div></td>
                                        <td className="right">{since(Date.parse(target.lastScrape), now)}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </Section>
                )}
                {list.data && active.length === 0 && (
                    <Section title="First steps">
                        <div className="panel-body">
                            <h3>Nothing is scraped yet</h3>
                            <ScrapeExample />
                            <p><Icon name="explore" size={14} /> <Link href={exploreLink('up')}>Explore</Link> shows what comes in, <Link href="/targets">Targets</Link> from whom.</p>
                        </div>
                    </Section>
                )}
            </div>
            <Boards />
        </Page>
    );
}
