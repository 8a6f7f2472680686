/* Backtest: what an alerting rule would have done over a chosen range, drawn on a time line. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { formatDuration, formatTime, parseDuration } from '../../grafana/time';
import {
    Button, Empty, exploreLink, Fault, formatCount, Icon, LabelSet, Link, Note, Page, plural, Section, TextInput, TimePicker, useClock, useQueryParams,
} from '../../ui';
import './backtest.css';
import { type Line, linesOf, ruleFile, runBacktest } from './model';

const Editor = lazy(() => import('../../promql/Editor'));

const LINES_SHOWN = 100;
const TICKS = 6;
const DAY = { from: 'now-24h', to: 'now' };

function Axis({ from, to }: { from: number; to: number }) {
    return (
        <div className="bt-axis num" aria-hidden="true">
            {Array.from({ length: TICKS + 1 }, (_, i) => {
                const text = formatTime(from + ((to - from) * i) / TICKS);
                return <span key={i} style={{ left: `${(100 * i) / TICKS}%` }}>{to - from > 2 * 864e5 ? text.slice(5, 10) : text.slice(11, 16)}</span>;
            })}
        </div>
    );
}

function Row({ line, from, to }: { line: Line; from: number; to: number }) {
    const percent = (ms: number) => (100 * (Math.min(Math.max(ms, from), to) - from)) / (to - from);
    return (
        <div className="bt-row">
            <div className="bt-name"><LabelSet labels={line.labels} without={['alertname']} /></div>
            <div className="bt-line" role="img" aria-label={`fired ${plural(line.times, 'time')}, ${formatDuration(Math.round(line.firingMs / 1000) * 1000)} in all`}>
                {line.spans.map((span) => (
                    <i key={`${span.from} ${span.state}`} className={span.state} title={`${span.state}: ${formatTime(span.from)} to ${formatTime(span.to)}`}
                        style={{ left: `${percent(span.from)}%`, width: `max(2px, ${percent(span.to) - percent(span.from)}%)` }} />
                ))}
            </div>
            <div className="right num">{line.times}×</div>
            <div className="right num">{formatDuration(Math.round(line.firingMs / 1000) * 1000)}</div>
        </div>
    );
}

export default function Backtest() {
    const [params, change] = useQueryParams();
    const clock = useClock({ initial: DAY });
    const expr = params.get('expr') ?? '';
    const interval = params.get('interval') ?? '1m';
    const [draft, setDraft] = useState({ expr, for: params.get('for') ?? '5m', keep: params.get('keep') ?? '', interval });
    const rule = { name: params.get('name') ?? '', expr, for: params.get('for') ?? '5m', keep: params.get('keep') ?? '' };
    const result = useQuery({
        queryKey: ['backtest', rule, interval, clock.from, clock.to],
        queryFn: ({ signal }) => runBacktest(ruleFile(rule, interval), clock.from / 1000, clock.to / 1000, interval, signal),
        enabled: expr.trim() !== '',
        placeholderData: (before) => before,
    });
    const bad = [draft.for, draft.keep].find((text) => text !== '' && text !== '0' && parseDuration(text) === null) ?? (parseDuration(draft.interval) === null ? draft.interval : undefined);
    const lines = result.data ? linesOf(result.data.alerts, clock.to) : [];
    const firing = lines.reduce((sum, line) => sum + line.times, 0);

    const run = () => {
        change({ expr: draft.expr.trim(), for: draft.for || null, keep: draft.keep || null, interval: draft.interval === '1m' ? null : draft.interval });
        clock.refreshNow();
    };
    const field = (name: 'for' | 'keep' | 'interval', label: string) => (
        <TextInput w={130} label={label} value={draft[name]} error={draft[name] !== '' && draft[name] !== '0' && parseDuration(draft[name]) === null}
            onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })} />
    );

    return (
        <Page title="Backtest" crumbs={[{ title: 'Rules', to: '/rules' }]} actions={<TimePicker clock={clock} busy={result.isFetching} />}>
            <section className="panel bt-form">
                <Suspense fallback={<div style={{ minHeight: 35 }} />}>
                    <Editor value={draft.expr} onChange={(text) => setDraft((before) => ({ ...before, expr: text }))} onRun={run} label="Expression of the alert"
                        placeholder="An alert's expression: rate(http_requests_total{code=~&quot;5..&quot;}[5m]) > 1" autoFocus={expr === ''} />
                </Suspense>
                <div className="row wrap" style={{ alignItems: 'flex-end' }}>
                    {field('for', 'For')}
                    {field('keep', 'Keep firing for')}
                    {field('interval', 'Evaluated every')}
                    <Button leftSection={<Icon name="play" size={12} />} disabled={draft.expr.trim() === '' || bad !== undefined} onClick={run}>Run</Button>
                    {expr && <Link className="alone" href={exploreLink(expr, clock.range)}>explore</Link>}
                </div>
            </section>
            {result.error && <Fault error={result.error} retry={() => void result.refetch()} />}
            {!!result.data?.droppedAlerts && <Note kind="warn">{formatCount(result.data.droppedAlerts)} more alerts are left out.</Note>}
            {result.data && !result.error && (
                <Section
                    title={firing > 0 ? `It would have fired ${plural(firing, 'time')}, for ${plural(lines.filter((line) => line.times > 0).length, 'label set')}` : 'It would not have fired'}
                    aside={<span className="muted num">{plural(result.data.evaluations, 'evaluation')}</span>}
                >
                    {lines.length > 0 ? (
                        <div className="bt">
                            <div className="bt-row bt-head muted"><div>Labels</div><Axis from={clock.from} to={clock.to} /><div className="right">Fired</div><div className="right">In all</div></div>
                            {lines.slice(0, LINES_SHOWN).map((line) => <Row key={line.key} line={line} from={clock.from} to={clock.to} />)}
                            {lines.length > LINES_SHOWN && <div className="muted">and {lines.length - LINES_SHOWN} more</div>}
                            <div className="row bt-legend"><i className="pending" /> pending <i className="firing" /> firing</div>
                        </div>
                    ) : <Empty title="Quiet all the time" icon="check">The expression was never true in this range.</Empty>}
                </Section>
            )}
            {expr === '' && <Empty title="Try a rule on the past" icon="history">Its expression is evaluated over the stored samples, with `for` and all, as the rule would have been.</Empty>}
        </Page>
    );
}
