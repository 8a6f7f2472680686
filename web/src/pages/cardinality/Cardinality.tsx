/* Cardinality: which metrics, labels and values make the series, and which of them no rule and no dashboard looks at. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { tsdbStatus } from '../../api/prometheus';
import type { TsdbCount } from '../../api/types';
import { treemap } from '../../draw/treemap';
import {
    Button, Empty, exploreLink, Fault, FilterBar, formatCount, formatQuantity, Link, Loading, matchesWords, Note, Page, plural, quoteLabel, Section, State, useElementSize, useFilter,
} from '../../ui';
import './cardinality.css';
import { loadGrown } from './growth';
import { DASHBOARDS_MAX, loadUsed } from './used';

const LIMIT = 500;
const ROWS_SHOWN = 100;
const MAP_ITEMS = 80;
const MAP_HEIGHT = 300;
/* A smaller area has no room for a name. */
const NAMED_PX = 46;
const TARGET_PX = 26;

function Counts({ title, list, link, bytes = false, mark }: {
    title: string; list: TsdbCount[]; link?: (name: string) => string; bytes?: boolean; mark?: (name: string) => boolean | undefined;
}) {
    const most = Math.max(1, ...list.map((one) => one.value));
    return (
        <Section title={title} aside={<span className="muted num">{list.length}</span>}>
            <div className="table-wrap" style={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label={title}>
                <table className="table">
                    <tbody>
                        {list.slice(0, ROWS_SHOWN).map((one) => (
                            <tr key={one.name}>
                                <td className="mono" style={{ overflowWrap: 'anywhere' }}>
                                    {link ? <Link href={link(one.name)}>{one.name}</Link> : one.name}
                                    {mark?.(one.name) === false && <span className="muted"> · unused</span>}
                                </td>
                                <td className="right bar-cell" style={{ width: 150 }}>
                                    <i style={{ width: `${(one.value / most) * 100}%` }} />
                                    <span>{bytes ? formatQuantity(one.value, 'bytes', 3) : formatCount(one.value)}</span>
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Section>
    );
}

function Map({ list, isUsed }: { list: TsdbCount[]; isUsed: (name: string) => boolean | undefined }) {
    const { ref, width } = useElementSize();
    const rects = useMemo(() => treemap(list.slice(0, MAP_ITEMS).map((one) => one.value), width, MAP_HEIGHT), [list, width]);
    return (
        <div ref={ref} className="treemap" style={{ height: MAP_HEIGHT }} role="group" aria-label="Series by metric; the table below has the figures">
            {rects.map((rect) => {
                const one = list[rect.index]!;
                const used = isUsed(one.name);
                const shape = {
                    title: `${one.name}: ${formatCount(one.value)} series${used === false ? ', unused' : ''}`,
                    className: used === false ? 'treemap-cell unused' : 'treemap-cell',
                    style: { left: rect.x, top: rect.y, width: Math.max(0, rect.width - 2), height: Math.max(0, rect.height - 2) },
                };
                /* What is too small for a finger is in the table too. */
                if (rect.width < TARGET_PX || rect.height < TARGET_PX) {
                    return <div key={one.name} {...shape} />;
                }
                return (
                    <Link key={one.name} href={exploreLink(`count by (instance) (${one.name})`)} aria-label={rect.width > NAMED_PX ? undefined : shape.title} {...shape}>
                        {rect.width > NAMED_PX && <>{one.name}{rect.height > 40 && <b>{formatCount(one.value)}</b>}</>}
                    </Link>
                );
            })}
        </div>
    );
}

const SINCE = ['1h', '1d', '7d'];

/* What has more series than some time ago. It reads the index of all series, so it is asked for by hand. */
function Growth() {
    const [since, setSince] = useState<string | null>(null);
    const grown = useQuery({ queryKey: ['growth', since], queryFn: ({ signal }) => loadGrown(since ?? '', Date.now() / 1000, signal), enabled: since !== null });
    const list = grown.data ?? [];
    return (
        <>
            <div className="row wrap" role="group" aria-label="Growth" style={{ marginBottom: 8 }}>
                <span className="muted">More series than before:</span>
                {SINCE.map((one) => <Button key={one} variant={one === since ? 'filled' : 'default'} size="compact-xs" onClick={() => setSince(one)}>{one}</Button>)}
            </div>
            {grown.isFetching && <Loading what="Counting" />}
            {grown.error && <Fault error={grown.error} what="Growth" retry={() => void grown.refetch()} />}
            {grown.data && !grown.isFetching && (list.length === 0 ? <Note>No metric has more series than {since} ago.</Note> : (
                <Counts title={`Grown within ${since}`} list={list} link={(name) => exploreLink(`count({__name__=${quoteLabel(name)}})`)} />
            ))}
        </>
    );
}

export default function Cardinality() {
    const filter = useFilter();
    const status = useQuery({ queryKey: ['tsdb', LIMIT], queryFn: ({ signal }) => tsdbStatus(LIMIT, signal) });
    const used = useQuery({ queryKey: ['used'], queryFn: ({ signal }) => loadUsed(signal), staleTime: 60_000 });
    const isUsed = (name: string) => (used.data ? used.data.names.has(name) || used.data.names.has(name.replace(/_(bucket|count|sum)$/, '')) : undefined);
    const metrics = (status.data?.seriesCountByMetricName ?? []).filter(
        (one) => matchesWords(one.name, filter.text) && (filter.choice === 'all' || isUsed(one.name) === (filter.choice === 'used')),
    );
    const pairs = (status.data?.seriesCountByLabelValuePair ?? []).filter((one) => matchesWords(one.name, filter.text));
    const all = status.data?.seriesCountByMetricName ?? [];
    const head = status.data?.headStats;
    const unusedSeries = used.data ? all.filter((one) => isUsed(one.name) === false).reduce((sum, one) => sum + one.value, 0) : null;

    function pairLink(pair: string): string {
        const at = pair.indexOf('=');
        return exploreLink(`topk(20, count by (__name__) ({${pair.slice(0, at)}=${quoteLabel(pair.slice(at + 1))}}))`, undefined, 'table');
    }

    return (
        <Page title="Cardinality">
            {status.isPending && <Loading />}
            {status.error && <Fault error={status.error} retry={() => void status.refetch()} />}
            {head && (
                <>
                    <div className="tiles">
                        <div className="panel tile"><b>{formatCount(head.numSeries)}</b><span>series in the head</span></div>
                        <div className="panel tile"><b>{formatCount(head.numLabelPairs)}</b><span>label pairs</span></div>
                        <div className="panel tile"><b>{formatCount(all.length)}{all.length === LIMIT ? '+' : ''}</b><span>metrics</span></div>
                        <div className="panel tile"><b>{unusedSeries === null ? '…' : formatCount(unusedSeries)}</b><span>series that nothing looks at</span></div>
                    </div>
                    <FilterBar
                        what="metrics"
                        choices={[{ value: 'all', label: 'All' }, { value: 'unused', label: 'Unused' }, { value: 'used', label: 'Used' }]}
                    >
                        {used.data && (
                            <span className="muted">
                                Unused: named in none of {plural(used.data.rules, 'rule')} and {plural(used.data.dashboards, 'dashboard')}{used.data.cut ? ` (the first ${DASHBOARDS_MAX})` : ''}
                            </span>
                        )}
                    </FilterBar>
                    {used.error && <Note kind="warn">What is used is not known: {used.error.message}</Note>}
                    {metrics.length > 0 ? (
                        <section className="panel" style={{ padding: 8, marginBottom: 8 }}>
                            <Map list={metrics} isUsed={isUsed} />
                            <div className="row" style={{ marginTop: 6, fontSize: 12 }}>
                                <State kind="none">hatched: unused</State><span className="muted">Area: number of series</span>
                            </div>
                        </section>
                    ) : <Empty title="No metric is so" icon="cardinality">Another search finds more.</Empty>}
                    <Growth />
                    <div className="columns">
                        <Counts title="Series by metric" list={metrics} link={(name) => exploreLink(name, undefined, 'table')} mark={isUsed} />
                        <Counts title="Series by label value" list={pairs} link={pairLink} />
                        <Counts title="Values by label" list={status.data?.labelValueCountByLabelName ?? []} />
                        <Counts title="Memory of a label's values" list={status.data?.memoryInBytesByLabelName ?? []} bytes />
                    </div>
                </>
            )}
        </Page>
    );
}
