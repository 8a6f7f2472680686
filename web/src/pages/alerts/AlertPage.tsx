/* AlertPage: one alert: its query drawn with the threshold and the time since it is active, labels, annotations, what to do. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { queryRange } from '../../api/prometheus';
import type { Rule } from '../../api/types';
import { formatTime, stepFor, zoomOut } from '../../grafana/time';
import { tintOf, writeView } from '../../grafana/walk';
import { type GraphResult, SeriesGraph } from '../../draw/SeriesGraph';
import {
    Ago, Button, Empty, exploreLink, Fault, fingerprint, Icon, isMuted, LabelSet, Link, Loading, Page, quoteLabel, Section, silenceLink, State, TimePicker, useClock, useParams,
} from '../../ui';
import { AckButton } from './Ack';
import { type ActiveAlert, comparisonOf, titleOf, valueText } from './model';
import { SourceLink } from './SourceLink';
import { useAlerts } from './useAlerts';

const POINTS = 400;
const THREE_HOURS = { from: 'now-3h', to: 'now' };
const FIRING = '#e5484d';
const PENDING = '#d9a514';
/* The newest spans of an alert that goes on and off. */
const SPANS_MAX = 20;

/* The query is run once explained, for its threshold; then what it compares is drawn, also where the alert is not active. */
async function load(expr: string, from: number, to: number, step: number, signal: AbortSignal) {
    const whole = await queryRange(expr, from, to, step, { signal, explain: true });
    const comparison = comparisonOf(whole.data.explain);
    const drawn = comparison ? await queryRange(comparison.expr, from, to, step, { signal }) : whole;
    return { comparison, data: drawn.data, expr: comparison?.expr ?? expr };
}

interface Span {
    from: number;
    to: number;
}

/* When the alert fired, in ms, as its rule has written it. */
async function firingSpans(labels: Record<string, string>, from: number, to: number, step: number, signal: AbortSignal): Promise<Span[]> {
    const matchers = Object.entries(labels).map(([name, value]) => `${/^[a-zA-Z_]\w*$/.test(name) ? name : quoteLabel(name)}=${quoteLabel(value)}`);
    const answer = await queryRange(`ALERTS{${['alertstate="firing"', ...matchers].join(', ')}}`, from, to, step, { signal });
    const spans: Span[] = [];
    for (const time of answer.data.series.flatMap((one) => [...one.times]).sort((a, b) => a - b)) {
        const last = spans.at(-1);
        if (last && time * 1000 - last.to <= step * 1500) {
            last.to = time * 1000;
        } else {
            spans.push({ from: time * 1000, to: time * 1000 });
        }
    }
    return spans.slice(-SPANS_MAX);
}

function AlertGraph({ one, rule }: { one: ActiveAlert; rule: Rule }) {
    const clock = useClock({ initial: THREE_HOURS });
    const step = stepFor(clock.to - clock.from, POINTS);
    const result = useQuery({
        queryKey: ['alert-graph', rule.query, clock.from, clock.to, step],
        queryFn: ({ signal }) => load(rule.query, clock.from / 1000, clock.to / 1000, step, signal),
        placeholderData: (before) => before,
    });
    const fired = useQuery({
        queryKey: ['alert-spans', JSON.stringify(one.alert.labels), clock.from, clock.to, step],
        queryFn: ({ signal }) => firingSpans(one.alert.labels, clock.from / 1000, clock.to / 1000, step, signal),
        placeholderData: (before) => before,
    });
    const graphs = useMemo<GraphResult[]>(
        () => (result.data ? [{ letter: 'A', expr: result.data.expr, step, data: result.data.data, exemplars: [] }] : []),
        [result.data, step],
    );
    const comparison = result.data?.comparison;
    const thresholds = useMemo(
        () => (comparison ? [{ value: comparison.threshold, color: FIRING, fill: tintOf(comparison.op) }] : []),
        [comparison],
    );
    const { activeAt } = one.alert;
    const firesFrom = one.alert.state === 'firing' ? Date.parse(activeAt) + (rule.duration ?? 0) * 1000 : Infinity;
    /* While it fires the span goes on to the end; what the rule wrote before stands as it is. */
    const spans = useMemo<Span[]>(() => {
        const before = (fired.data ?? []).filter((span) => span.to < firesFrom - step * 1000);
        return firesFrom < clock.to ? [...before, { from: Math.max(firesFrom, clock.from), to: clock.to }] : before;
    }, [fired.data, firesFrom, clock.from, clock.to, step]);
    const marks = useMemo(() => [
        { from: Date.parse(activeAt) / 1000, to: Math.min(firesFrom, clock.to) / 1000, color: PENDING, text: 'pending' },
        ...spans.map((span) => ({ from: span.from / 1000, to: span.to / 1000, color: FIRING, text: 'firing', flag: { title: 'firing', lines: [`${formatTime(span.from)} to ${formatTime(span.to)}`] } })),
    ], [activeAt, firesFrom, spans, clock.to]);
    const view = writeView({ spans, alert: fingerprint(one.alert.labels), ...(comparison ? { threshold: comparison.threshold, op: comparison.op } : {}) });
    return (
        <Section
            title={<span className="expr">{rule.query}</span>}
            aside={<span className="row"><TimePicker clock={clock} busy={result.isFetching} /><Link className="alone" href={exploreLink(result.data?.expr ?? rule.query, clock.range, 'graph', { ...view, exemplars: '1' })}>Explore</Link></span>}
        >
            {result.isPending && <Loading />}
            {result.error && <Fault error={result.error} retry={() => void result.refetch()} />}
            {graphs.length > 0 && (
                <SeriesGraph
                    results={graphs} from={clock.from / 1000} to={clock.to / 1000} draw="line" log={false} height={280} thresholds={thresholds} marks={marks}
                    onZoom={(from, to) => clock.setRange({ from: String(Math.round(from * 1000)), to: String(Math.round(to * 1000)) })}
                    onZoomOut={() => clock.setRange(zoomOut(clock.range, Date.now()))}
                />
            )}
        </Section>
    );
}

export default function AlertPage() {
    const { fingerprint: wanted } = useParams();
    const { groups, active, hasAlertmanager } = useAlerts();
    const one = active.find((candidate) => fingerprint(candidate.alert.labels) === wanted);
    if (!one) {
        return (
            <Page title="Alert" crumbs={[{ title: 'Alerts', to: '/alerts' }]}>
                {groups.isPending ? <Loading /> : groups.error ? <Fault error={groups.error} /> : (
                    <Empty title="This alert is not active any more" icon="check"><Link href="/alerts">All alerts</Link></Empty>
                )}
            </Page>
        );
    }
    const { alert, rule } = one;
    const ack = one.am?.acknowledgement;
    return (
        <Page
            title={titleOf(one)}
            crumbs={[{ title: 'Alerts', to: '/alerts' }]}
            aside={<State kind={alert.state === 'firing' ? 'bad' : 'warn'}>{alert.state}</State>}
            actions={
                <>
                    {alert.annotations.runbook_url && /^https?:\/\//.test(alert.annotations.runbook_url) && (
                        <Button component="a" href={alert.annotations.runbook_url} target="_blank" rel="noreferrer" variant="default" leftSection={<Icon name="external" size={13} />}>Runbook</Button>
                    )}
                    {one.am && alert.state === 'firing' && <AckButton alert={one.am} />}
                    {hasAlertmanager && <Link className="alone" href={silenceLink(alert.labels)}><Button leftSection={<Icon name="silence" size={14} />}>Silence</Button></Link>}
                </>
            }
        >
            {rule && <AlertGraph one={one} rule={rule} />}
            <section className="panel">
                <dl className="kv" style={{ margin: 0 }}>
                    <dt>Labels</dt><dd><LabelSet labels={alert.labels} /></dd>
                    <dt>Active since</dt><dd className="num">{formatTime(Date.parse(alert.activeAt))}, <Ago at={alert.activeAt} /></dd>
                    {rule && <><dt>Value</dt><dd className="num">{valueText(alert, rule)}</dd></>}
                    {Object.entries(alert.annotations).map(([name, value]) => (
                        <div key={name} style={{ display: 'contents' }}>
                            <dt>{name}</dt><dd style={{ whiteSpace: 'pre-wrap' }}>{/^https?:\/\//.test(value) ? <a href={value} target="_blank" rel="noreferrer">{value}</a> : value}</dd>
                        </div>
                    ))}
                    {rule && one.group && <><dt>Rule</dt><dd><Link href={`/rules?search=${encodeURIComponent(rule.name)}`}>{one.group.name}</Link> <span className="muted">{one.group.file}</span></dd></>}
                    {!rule && one.am && <><dt>Posted from</dt><dd><SourceLink am={one.am} /></dd></>}
                    {one.am && (
                        <>
                            <dt>Goes to</dt><dd>{one.am.receivers.map((receiver) => receiver.name).join(', ') || 'nobody'} · <Link href={`/notifications?search=${encodeURIComponent(`alertname=${quoteLabel(titleOf(one))}`)}`}>what was sent</Link></dd>
                            {ack && (
                                <>
                                    <dt>Acknowledged</dt>
                                    <dd>
                                        by {ack.createdBy || 'somebody'}, {formatTime(Date.parse(ack.createdAt))}{ack.endsAt ? `, until ${formatTime(Date.parse(ack.endsAt))}` : ', until it is resolved'}
                                        {ack.comment && <div style={{ whiteSpace: 'pre-wrap' }}>{ack.comment}</div>}
                                    </dd>
                                </>
                            )}
                            {isMuted(one) && (
                                <>
                                    <dt>Muted by</dt>
                                    <dd className="row wrap">
                                        {one.am.status.silencedBy.map((id) => <Link key={id} href={`/silences?search=${id}`}>silence {id.slice(0, 8)}</Link>)}
                                        {one.am.status.inhibitedBy.map((id) => {
                                            const by = active.find((other) => other.am?.fingerprint === id);
                                            return <Link key={id} href={`/alerts/${by ? fingerprint(by.alert.labels) : id}`}>{by ? titleOf(by) : `alert ${id}`}</Link>;
                                        })}
                                        {one.am.status.mutedBy?.map((name) => <Link key={name} href="/routing">the times of {name}</Link>)}
                                    </dd>
                                </>
                            )}
                        </>
                    )}
                </dl>
            </section>
        </Page>
    );
}
