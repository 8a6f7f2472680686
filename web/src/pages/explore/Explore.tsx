/* Explore: expressions in editors, their results as graph, table or tree. */
import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { type ReactNode, Suspense, lazy, useCallback, useMemo, useState } from 'react';
import { type Answer, formatQuery, query, queryExemplars, queryRange } from '../../api/prometheus';
import type { Exemplars, QueryResult } from '../../api/types';
import { formatTime, parseDuration, stepFor, zoomOut } from '../../grafana/time';
import { readView, tintOf } from '../../grafana/walk';
import { NearestData } from '../../dashboard/NearestData';
import { type DrawStyle, SeriesGraph } from '../../draw/SeriesGraph';
import {
    ActionIcon, Button, copyText, Empty, Fault, Icon, type IconName, Link, Loading, Note, notify, Page, ParamsScope, plural, SegmentedControl, Select, Switch, TextInput, TimePicker,
    Tooltip, useClock, useQueryParams, useShortcuts,
} from '../../ui';
import './explore.css';
import { addTo, loadHistory, saveHistory } from './history';
import { HistoryDrawer } from './HistoryDrawer';
import { MetricBrowser } from './MetricBrowser';
import { ResultTable } from './ResultTable';
import { type ExploreState, letterOf, QUERIES_MAX, readState, type Tab, writeState } from './state';
import { Tree } from './Tree';

const Editor = lazy(() => import('../../promql/Editor'));

/* About one point for every other pixel of a wide screen. */
const POINTS = 600;
/* The table and the graph are for looking at, not for exporting the store. */
const TABLE_LIMIT = 10_000;
const FIRING = '#e5484d';

interface Ran {
    answer: Answer<QueryResult>;
    /* Of the range before, moved onto this one. */
    earlier?: QueryResult;
    exemplars: Exemplars[];
    ms: number;
}

interface Window {
    from: number;
    to: number;
    step: number;
}

/* The same query one width of the range earlier, its times moved onto the range. */
async function runEarlier(expr: string, at: Window, signal: AbortSignal): Promise<QueryResult> {
    const width = at.to - at.from;
    const { data } = await queryRange(expr, at.from - width, at.to - width, at.step, { signal });
    return { ...data, series: data.series.map((one) => ({ ...one, times: one.times.map((t) => t + width) })) };
}

async function run(expr: string, tab: Tab, at: Window, exemplars: boolean, before: boolean, signal: AbortSignal): Promise<Ran> {
    const begin = performance.now();
    const found = exemplars && tab === 'graph' ? queryExemplars(expr, at.from, at.to, signal).catch(() => []) : Promise.resolve([]);
    const earlier = before && tab === 'graph' ? runEarlier(expr, at, signal) : Promise.resolve(undefined);
    earlier.catch(() => undefined); /* awaited below: the fault of the answer goes first */
    const answer =
        tab === 'table'
            ? await query(expr, at.to, { signal, limit: TABLE_LIMIT, stats: true })
            : await queryRange(expr, at.from, at.to, at.step, { signal, explain: tab === 'tree', stats: true });
    const moved = await earlier;
    return { answer, exemplars: await found, ...(moved ? { earlier: moved } : {}), ms: performance.now() - begin };
}

const samplesOf = (ran: Ran) => {
    const count = ran.answer.data.stats?.samples?.totalQueryableSamples;
    return typeof count === 'number' ? count : null;
};

interface RowProps {
    letter: string;
    draft: string;
    hidden: boolean;
    alone: boolean;
    error: unknown;
    ran: Ran | undefined;
    busy: boolean;
    autoFocus: boolean;
    /* What was run before, the newest first. */
    history: readonly string[];
    act: (action: 'run' | 'hide' | 'copy' | 'remove' | 'format' | 'browse' | 'history') => void;
    onDraft: (text: string) => void;
}

function RowButton({ name, icon, onClick, pressed }: { name: string; icon: IconName; onClick: () => void; pressed?: boolean }) {
    return (
        <Tooltip label={name}>
            <ActionIcon aria-label={name} aria-pressed={pressed} onClick={onClick}><Icon name={icon} size={15} /></ActionIcon>
        </Tooltip>
    );
}

function QueryRow(props: RowProps) {
    const { ran, act } = props;
    const samples = ran ? samplesOf(ran) : null;
    return (
        <div className={props.hidden ? 'query-row off' : 'query-row'}>
            <span className="query-letter" aria-hidden="true">{props.letter}</span>
            <div className="grow">
                <div className="query-line">
                    <div className="grow">
                        <Suspense fallback={<div className="editor-wait mono">{props.draft}</div>}>
                            <Editor
                                value={props.draft} onChange={props.onDraft} onRun={() => act('run')} label={`Query ${props.letter}`} history={props.history}
                                placeholder="Expression: Enter runs it, Shift Enter is a new line" autoFocus={props.autoFocus}
                            />
                        </Suspense>
                    </div>
                    <div className="query-tools">
                        <RowButton name="Metrics" icon="table" onClick={() => act('browse')} />
                        <RowButton name="History" icon="history" onClick={() => act('history')} />
                        <RowButton name="Format" icon="edit" onClick={() => act('format')} />
                        <RowButton name={props.hidden ? 'Show' : 'Hide'} icon={props.hidden ? 'eyeOff' : 'eye'} pressed={props.hidden} onClick={() => act('hide')} />
                        <RowButton name="Duplicate" icon="copy" onClick={() => act('copy')} />
                        {!props.alone && <RowButton name="Remove" icon="trash" onClick={() => act('remove')} />}
                    </div>
                </div>
                {props.error !== null && props.error !== undefined && <div style={{ marginTop: 6 }}><Fault error={props.error} /></div>}
                {ran && !props.error && (
                    <div className="query-info muted num">
                        {plural(ran.answer.data.series.length, 'series', 'series')}
                        {samples !== null && <> · {plural(samples, 'sample')} read</>} · {Math.round(ran.ms)} ms
                        {props.busy && ' · running…'}
                    </div>
                )}
                {ran?.answer.warnings.map((text) => <Note key={text} kind="warn">{text}</Note>)}
                {ran?.answer.infos.map((text) => <div key={text} className="query-info muted"><Icon name="info" size={12} /> {text}</div>)}
            </div>
        </div>
    );
}

interface PaneProps {
    /* Where the pane's controls stand. */
    frame: (controls: ReactNode, body: ReactNode) => ReactNode;
    /* Further buttons: split, close. */
    more: ReactNode;
    /* Of two halves one copies the link to both. */
    shares?: boolean;
}

function Pane({ frame, more, shares = true }: PaneProps) {
    const [params, change] = useQueryParams();
    const state = useMemo(() => readState(params), [params]);
    const clock = useClock();
    const [drafts, setDrafts] = useState<string[]>(() => state.queries.map((one) => one.expr));
    const [seen, setSeen] = useState(state);
    const [history, setHistory] = useState(loadHistory);
    const pastExprs = useMemo(() => history.map((entry) => entry.expr), [history]);
    const [drawer, setDrawer] = useState<{ kind: 'browse' | 'history'; index: number } | null>(null);

    /* The back button changes the URL: the editors follow. */
    if (seen !== state) {
        setSeen(state);
        if (seen.queries.map((one) => one.expr).join('\0') !== state.queries.map((one) => one.expr).join('\0')) {
            setDrafts(state.queries.map((one) => one.expr));
        }
    }

    const least = parseDuration(state.step);
    const window = useMemo<Window>(() => {
        const step = stepFor(clock.to - clock.from, POINTS, least === null ? 0 : least / 1000);
        /* On the grid of the step, a refresh moves the graph by whole points. */
        const to = Math.ceil(clock.to / 1000 / step) * step;
        return { from: to - Math.ceil((clock.to - clock.from) / 1000 / step) * step, to: state.tab === 'table' ? clock.to / 1000 : to, step };
    }, [clock.from, clock.to, least, state.tab]);

    const results = useQueries({
        queries: state.queries.map((one) => ({
            queryKey: ['explore', one.expr, state.tab, window, state.exemplars, state.before, clock.tick],
            queryFn: ({ signal }: { signal: AbortSignal }) => run(one.expr, state.tab, window, state.exemplars, state.before, signal),
            enabled: one.expr.trim() !== '' && !one.hidden,
            placeholderData: keepPreviousData,
            gcTime: 30_000,
        })),
    });
    const busy = results.some((one) => one.isFetching);

    const put = useCallback(
        (next: Partial<ExploreState>, replace = false) => change(writeState({ ...state, ...next }), { replace }),
        [change, state],
    );

    const runAll = useCallback(
        (exprs: string[]) => {
            const ran = exprs.map((expr) => expr.trim());
            let entries = history;
            ran.filter(Boolean).forEach((expr) => {
                entries = addTo(entries, expr, Date.now());
            });
            setHistory(entries);
            saveHistory(entries);
            setDrafts(ran);
            put({ queries: ran.map((expr, i) => ({ expr, hidden: state.queries[i]?.hidden ?? false })) });
            clock.refreshNow();
        },
        [clock, history, put, state.queries],
    );

    function setDraft(index: number, text: string): void {
        setDrafts((before) => before.map((one, i) => (i === index ? text : one)));
    }

    function act(index: number, action: Parameters<RowProps['act']>[0]): void {
        const queries = state.queries.map((one, i) => ({ ...one, expr: drafts[i]?.trim() ?? one.expr }));
        switch (action) {
            case 'run':
                runAll(drafts);
                break;
            case 'hide':
                put({ queries: queries.map((one, i) => (i === index ? { ...one, hidden: !one.hidden } : one)) });
                break;
            case 'copy':
                put({ queries: [...queries.slice(0, index + 1), queries[index]!, ...queries.slice(index + 1)].slice(0, QUERIES_MAX) });
                break;
            case 'remove':
                put({ queries: queries.filter((_, i) => i !== index) });
                break;
            case 'format':
                formatQuery(drafts[index] ?? '').then((text) => setDraft(index, text), (error: Error) => notify(error.message, 'bad'));
                break;
            default:
                setDrawer({ kind: action, index });
        }
    }

    const share = useCallback(() => {
        const url = new URL(location.href);
        url.searchParams.set('from', String(Math.round(clock.from)));
        url.searchParams.set('to', String(Math.round(clock.to)));
        url.searchParams.delete('refresh');
        void copyText(url.href, 'The link is copied: it shows this range of time, whenever it is opened');
    }, [clock.from, clock.to]);

    const shortcuts = useMemo(() => [{ keys: 'p s', help: 'Copy a link to this view', run: share }, { keys: 'd x', help: 'Exemplars', run: () => put({ exemplars: !state.exemplars }) }],
        [put, share, state.exemplars]);
    useShortcuts(shortcuts);

    const ready = results.flatMap((one, i) => {
        const asked = state.queries[i]!;
        return one.data && !one.error && !asked.hidden && asked.expr.trim() !== '' ? [{ letter: letterOf(i), expr: asked.expr, ran: one.data }] : [];
    });
    const graphed = useMemo(
        () => ready.filter((one) => one.ran.answer.data.type === 'matrix').map((one) => ({
            letter: one.letter, expr: one.expr, step: window.step, data: one.ran.answer.data, exemplars: one.ran.exemplars, ...(one.ran.earlier ? { earlier: one.ran.earlier } : {}),
        })),
        // eslint-disable-next-line react-hooks/exhaustive-deps -- `ready` is made anew each time; its answers are not
        [ready.map((one) => `${one.letter}${one.expr}`).join('\0'), ...ready.map((one) => one.ran)],
    );
    const seenFrom = params.get('threshold') ?? '';
    const seenSpans = params.get('spans') ?? '';
    const view = useMemo(() => readView(new URLSearchParams({ threshold: seenFrom, spans: seenSpans, alert: params.get('alert') ?? '' })), [seenFrom, seenSpans, params]);
    const thresholds = useMemo(() => (view.threshold === undefined ? [] : [{ value: view.threshold, color: FIRING, fill: tintOf(view.op) }]), [view]);
    const marks = useMemo(() => view.spans.map(({ from, to }) => ({
        from: from / 1000, to: to / 1000, color: FIRING, text: 'firing', flag: { title: 'firing', lines: [`${formatTime(from)} to ${formatTime(to)}`] },
    })), [view]);
    const nothing = state.queries.every((one) => one.expr.trim() === '');

    return frame(
        <>
            {more}
            <TimePicker clock={clock} busy={busy} />
            {shares && <Tooltip label="Copy a link (p s)"><ActionIcon aria-label="Copy a link" onClick={share}><Icon name="share" /></ActionIcon></Tooltip>}
        </>,
        <>
            <div className="panel query-box">
                {state.queries.map((one, i) => (
                    <QueryRow
                        key={i} letter={letterOf(i)} draft={drafts[i] ?? one.expr} hidden={one.hidden} alone={state.queries.length === 1}
                        error={results[i]?.error} ran={one.expr.trim() === '' ? undefined : results[i]?.data} busy={results[i]?.isFetching ?? false}
                        autoFocus={i === state.queries.length - 1} history={pastExprs} act={(action) => act(i, action)} onDraft={(text) => setDraft(i, text)}
                    />
                ))}
                <div className="row wrap query-actions">
                    <Button leftSection={<Icon name="play" size={12} />} onClick={() => runAll(drafts)}>Run</Button>
                    <Button
                        variant="default" leftSection={<Icon name="plus" size={12} />} disabled={state.queries.length >= QUERIES_MAX}
                        onClick={() => put({ queries: [...state.queries.map((one, i) => ({ ...one, expr: drafts[i] ?? one.expr })), { expr: '', hidden: false }] })}
                    >
                        Add query
                    </Button>
                    <div className="grow" />
                    <TextInput
                        w={120} aria-label="Least step" placeholder={`step ${window.step}s`} defaultValue={state.step} error={state.step !== '' && least === null}
                        onBlur={(event) => put({ step: event.currentTarget.value.trim() })}
                        onKeyDown={(event) => event.key === 'Enter' && put({ step: event.currentTarget.value.trim() })}
                    />
                </div>
            </div>
            <div className="panel result-box">
                {busy && <div className="busy-bar" />}
                <div className="panel-head wrap" style={{ flexWrap: 'wrap' }}>
                    <SegmentedControl
                        aria-label="Result as" value={state.tab} onChange={(tab) => put({ tab: tab as Tab })}
                        data={[{ value: 'graph', label: 'Graph' }, { value: 'table', label: 'Table' }, { value: 'tree', label: 'Query tree' }]}
                    />
                    {view.alert && (
                        <span className="row">
                            <Link className="alone" href={`/alerts/${view.alert}?${new URLSearchParams({ ...clock.range }).toString()}`}>back to the alert</Link>
                            <ActionIcon aria-label="Leave threshold and firing span out" onClick={() => change({ threshold: null, spans: null, alert: null })}><Icon name="close" size={13} /></ActionIcon>
                        </span>
                    )}
                    <div className="grow" />
                    {state.tab === 'graph' && (
                        <>
                            <Switch label="Exemplars" checked={state.exemplars} onChange={(event) => put({ exemplars: event.currentTarget.checked }, true)} />
                            <Switch label="Before" title="The same range one width earlier, dashed" checked={state.before} onChange={(event) => put({ before: event.currentTarget.checked }, true)} />
                            <Switch label="Log scale" checked={state.log} onChange={(event) => put({ log: event.currentTarget.checked }, true)} />
                            <Select
                                aria-label="Draw as" w={110} value={state.draw} onChange={(draw) => put({ draw: draw as DrawStyle }, true)}
                                data={[{ value: 'line', label: 'Lines' }, { value: 'stacked', label: 'Stacked' }, { value: 'bars', label: 'Bars' }, { value: 'points', label: 'Points' }]}
                            />
                        </>
                    )}
                </div>
                {nothing ? (
                    <Empty title="Write an expression" icon="explore">
                        <p>The editor completes metrics, labels and functions as you type.</p>
                        <div className="row" style={{ justifyContent: 'center' }}>
                            <Button variant="default" onClick={() => act(0, 'browse')}>Browse metrics</Button>
                            <Button variant="default" onClick={() => runAll(['up'])}>Show what is up</Button>
                        </div>
                    </Empty>
                ) : ready.length === 0 ? (
                    busy ? <Loading what="Running" /> : <Empty title="No result" icon="graph">{results.some((one) => one.error) ? 'The server refused the expression; its words stand above.' : 'Run an expression.'}</Empty>
                ) : state.tab === 'graph' ? (
                    <SeriesGraph
                        results={graphed} from={clock.from / 1000} to={clock.to / 1000} draw={state.draw} log={state.log} range={clock.range} thresholds={thresholds} marks={marks}
                        onZoom={(from, to) => clock.setRange({ from: String(Math.round(from * 1000)), to: String(Math.round(to * 1000)) })}
                        onZoomOut={() => clock.setRange(zoomOut(clock.range, Date.now()))}
                        whenEmpty={graphed[0] && <NearestData key={`${graphed[0].expr} ${clock.from}`} expr={graphed[0].expr} from={clock.from} to={clock.to} onZoom={(from, to) => clock.setRange({ from: String(Math.round(from)), to: String(Math.round(to)) })} />}
                    />
                ) : state.tab === 'table' ? (
                    <ResultTable results={ready.map((one) => ({ letter: one.letter, expr: one.expr, data: one.ran.answer.data }))} />
                ) : (
                    <Tree roots={ready.map((one) => ({ letter: one.letter, root: one.ran.answer.data.explain }))} />
                )}
            </div>
            <MetricBrowser opened={drawer?.kind === 'browse'} onClose={() => setDrawer(null)}
                onUse={(expr) => runAll(drafts.map((one, i) => (i === drawer?.index ? expr : one)))} />
            <HistoryDrawer
                opened={drawer?.kind === 'history'} onClose={() => setDrawer(null)} entries={history}
                onChange={(entries) => { setHistory(entries); saveHistory(entries); }}
                onUse={(expr) => runAll(drafts.map((one, i) => (i === drawer?.index ? expr : one)))}
            />
        </>,
    );
}

const inPage = (controls: ReactNode, body: ReactNode) => <Page title="Explore" actions={controls}>{body}</Page>;

const inHalf = (name: string) => {
    const Half = (controls: ReactNode, body: ReactNode) => (
        <section className="explore-half" aria-label={name}>
            <div className="row wrap explore-half-bar"><h2>{name}</h2><span className="grow" />{controls}</div>
            {body}
        </section>
    );
    return Half;
};
const inLeft = inHalf('Left');
const inRight = inHalf('Right');

function PaneButton({ name, icon, onClick }: { name: string; icon: IconName; onClick: () => void }) {
    return <Tooltip label={name}><ActionIcon aria-label={name} onClick={onClick}><Icon name={icon} /></ActionIcon></Tooltip>;
}

/* Two halves side by side: the right one's view stands in the parameter `split`, whole. */
export default function Explore() {
    const [params, change] = useQueryParams();
    const right = params.get('split');
    if (right === null) {
        const split = () => {
            const copy = new URLSearchParams(window.location.search);
            copy.delete('refresh');
            change({ split: copy.toString() });
        };
        return <Pane key="alone" frame={inPage} more={<span className="hide-narrow"><PaneButton name="Split" icon="split" onClick={split} /></span>} />;
    }
    const keepRight = () => change({ ...Object.fromEntries([...params.keys()].map((name) => [name, null])), ...all(new URLSearchParams(right)) });
    return (
        <Page title="Explore">
            <div className="explore-split">
                <Pane key="left" frame={inLeft} more={<PaneButton name="Close the left half" icon="close" onClick={keepRight} />} />
                <ParamsScope name="split">
                    <Pane key="right" shares={false} frame={inRight} more={<PaneButton name="Close the right half" icon="close" onClick={() => change({ split: null })} />} />
                </ParamsScope>
            </div>
        </Page>
    );
}

function all(params: URLSearchParams): Record<string, string[]> {
    return Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name)]));
}
