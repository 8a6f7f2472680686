/* Status: runtime, configuration, flags, features and the store, as tabs. */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { ApiError } from '../../api/http';
import { alertmanagers, buildInfo, config, features, flags, heartbeats, runtimeInfo, tsdbBlocks, tsdbStatus } from '../../api/prometheus';
import type { Heartbeats } from '../../api/types';
import { buildRows } from './build';
import { formatDuration, formatTime, since } from '../../grafana/time';
import {
    Button, copyText, Empty, Example, Fault, formatCount, formatQuantity, Icon, Loading, Page, Section, State, type StateKind, Tabs, TextInput, useLocation, useNow, useParams,
} from '../../ui';

function Values({ rows }: { rows: [string, ReactNode][] }) {
    return (
        <dl className="kv" style={{ margin: 0 }}>
            {rows.map(([name, value]) => (
                <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd className="num">{value}</dd></div>
            ))}
        </dl>
    );
}

/* The limit of Go's memory when there is none. */
const NO_LIMIT = 2 ** 62;

function shown(name: string, value: unknown): ReactNode {
    if (typeof value === 'boolean') {
        return <State kind={value ? 'ok' : 'bad'}>{value ? 'yes' : 'no'}</State>;
    }
    if (typeof value === 'number') {
        return value > NO_LIMIT ? 'none' : formatCount(value);
    }
    return /Time$/.test(name) && typeof value === 'string' ? `${formatTime(Date.parse(value))} (${since(Date.parse(value), Date.now())})` : String(value) || <span className="muted">not set</span>;
}

/* Only where prometheus.yml names some: alerts are else told by this server itself. */
function Alertmanagers() {
    const list = useQuery({ queryKey: ['alertmanagers'], queryFn: ({ signal }) => alertmanagers(signal), refetchInterval: 10_000 });
    const rows = [
        ...(list.data?.activeAlertmanagers ?? []).map(({ url }): [string, ReactNode] => [url, <State key={url} kind="ok">active</State>]),
        ...(list.data?.droppedAlertmanagers ?? []).map(({ url }): [string, ReactNode] => [url, <State key={url} kind="none">dropped</State>]),
    ];
    return rows.length === 0 ? null : <Section title="Alertmanagers"><Values rows={rows} /></Section>;
}

function Runtime() {
    const build = useQuery({ queryKey: ['build'], queryFn: ({ signal }) => buildInfo(signal), staleTime: Infinity });
    const run = useQuery({ queryKey: ['runtime'], queryFn: ({ signal }) => runtimeInfo(signal), refetchInterval: 10_000 });
    return (
        <div className="columns">
            <Section title="Runtime">
                {run.error ? <Fault error={run.error} /> : run.data ? <Values rows={Object.entries(run.data).filter(([name]) => !/^GO|goroutine/.test(name)).map(([name, value]) => [name, shown(name, value)])} /> : <Loading />}
            </Section>
            <Section title="Build">
                {build.error ? <Fault error={build.error} /> : build.data ? <Values rows={buildRows(build.data).map(([name, value]) => [name, shown(name, value)])} /> : <Loading />}
            </Section>
            <Alertmanagers />
        </div>
    );
}

function Config() {
    const text = useQuery({ queryKey: ['config'], queryFn: ({ signal }) => config(signal) });
    return (
        <Section title="Running configuration" aside={
            <Button variant="default" size="compact-xs" leftSection={<Icon name="copy" size={12} />} disabled={!text.data}
                onClick={() => void copyText(text.data?.yaml ?? '', 'The configuration is copied')}>Copy</Button>
        }>
            {text.error ? <Fault error={text.error} /> : text.data ? <pre className="code" tabIndex={0} aria-label="Configuration">{text.data.yaml}</pre> : <Loading />}
        </Section>
    );
}

function Flags() {
    const list = useQuery({ queryKey: ['flags'], queryFn: ({ signal }) => flags(signal) });
    const [typed, setTyped] = useState('');
    const rows = Object.entries(list.data ?? {}).filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(typed.toLowerCase()));
    return (
        <Section title="Flags" aside={<TextInput aria-label="Search flags" placeholder="Search" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />}>
            {list.error ? <Fault error={list.error} /> : list.data ? <Values rows={rows.map(([name, value]) => [`--${name}`, <span key={name} className="mono">{value || <span className="muted">(empty)</span>}</span>])} /> : <Loading />}
        </Section>
    );
}

function Features() {
    const list = useQuery({ queryKey: ['features'], queryFn: ({ signal }) => features(signal) });
    if (list.error) {
        return <Fault error={list.error} />;
    }
    return list.data ? (
        <div className="columns">
            {Object.entries(list.data).map(([group, members]) => (
                <Section key={group} title={group} aside={<span className="muted num">{Object.values(members).filter(Boolean).length} of {Object.keys(members).length} on</span>}>
                    <Values rows={Object.entries(members).map(([name, on]) => [name, <State key={name} kind={on ? 'ok' : 'none'}>{on ? 'on' : 'off'}</State>])} />
                </Section>
            ))}
        </div>
    ) : <Loading />;
}

function Store() {
    const status = useQuery({ queryKey: ['tsdb', 10], queryFn: ({ signal }) => tsdbStatus(10, signal), refetchInterval: 30_000 });
    const blocks = useQuery({ queryKey: ['blocks'], queryFn: ({ signal }) => tsdbBlocks(signal), refetchInterval: 30_000 });
    const head = status.data?.headStats;
    const list = useMemo(() => [...(blocks.data?.blocks ?? [])].sort((a, b) => b.minTime - a.minTime), [blocks.data]);
    return (
        <>
            {status.error && <Fault error={status.error} />}
            {head && (
                <div className="tiles">
                    <div className="panel tile"><b>{formatCount(head.numSeries)}</b><span>series in the head</span></div>
                    <div className="panel tile"><b>{formatCount(head.numLabelPairs)}</b><span>label pairs</span></div>
                    <div className="panel tile"><b>{formatCount(head.chunkCount)}</b><span>chunks in the head</span></div>
                    <div className="panel tile"><b>{formatQuantity((head.maxTime - head.minTime) / 1000, 'seconds', 3)}</b><span>held by the head</span></div>
                    <div className="panel tile"><b>{formatCount(list.length)}</b><span>blocks on the disk</span></div>
                </div>
            )}
            <Section title="Blocks">
                {blocks.error ? <Fault error={blocks.error} /> : !blocks.data ? <Loading /> : list.length === 0 ? (
                    <Empty title="No blocks yet" icon="status">The head is written to a block every two hours.</Empty>
                ) : (
                    <div className="table-wrap">
                        <table className="table">
                            <thead><tr><th>Block</th><th>From</th><th>To</th><th className="right">Series</th><th className="right">Samples</th><th className="right">Chunks</th><th className="right">Level</th></tr></thead>
                            <tbody>
                                {list.map((block) => (
                                    <tr key={block.ulid}>
                                        <td className="mono">{block.ulid}</td>
                                        <td className="num">{formatTime(block.minTime)}</td>
                                        <td className="num">{formatTime(block.maxTime)}</td>
                                        <td className="right">{formatCount(block.stats?.numSeries ?? 0)}</td>
                                        <td className="right">{formatCount(block.stats?.numSamples ?? 0)}</td>
                                        <td className="right">{formatCount(block.stats?.numChunks ?? 0)}</td>
                                        <td className="right">{block.compaction?.level ?? ''}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                )}
            </Section>
        </>
    );
}

const beatKinds: Record<string, StateKind> = { ok: 'ok', new: 'none', failed: 'bad', withheld: 'warn', missing: 'bad' };

function Beats({ list }: { list: Heartbeats }) {
    const now = useNow();
    const when = (text: string | undefined) => (text && Date.parse(text) > 0 ? since(Date.parse(text), now) : 'never');
    return (
        <>
            {!!list.expect?.length && (
                <Section title="Expected" aside={<span className="muted">of others, who report</span>}>
                    <div className="table-wrap">
                        <table className="table">
                            <thead><tr><th>State</th><th>Heartbeat</th><th className="right">Every</th><th className="right">Heard</th><th className="right hide-narrow">Due</th></tr></thead>
                            <tbody>
                                {list.expect.map((one) => (
                                    <tr key={one.name}>
                                        <td style={{ width: 110 }}><State kind={beatKinds[one.state] ?? 'none'}>{one.state}</State></td>
                                        <td><b style={{ fontWeight: 600 }}>{one.name}</b></td>
                                        <td className="right">{formatDuration(one.periodSeconds * 1000)}{one.graceSeconds > 0 && <span className="muted"> + {formatDuration(one.graceSeconds * 1000)}</span>}</td>
                                        <td className="right">{when(one.heardAt)}</td>
                                        <td className="right hide-narrow num">{one.dueAt ? formatTime(Date.parse(one.dueAt)) : ''}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                </Section>
            )}
            {!!list.send?.length && (
                <Section title="Sent" aside={<span className="muted">while this server is well</span>}>
                    <div className="table-wrap">
                        <table className="table">
                            <thead><tr><th>State</th><th>Heartbeat</th><th className="right">Every</th><th className="right">Sent</th></tr></thead>
                            <tbody>
                                {list.send.map((one) => (
                                    <tr key={one.name}>
                                        <td style={{ width: 110 }}><State kind={beatKinds[one.state] ?? 'none'}>{one.state}</State></td>
                                        <td><b style={{ fontWeight: 600 }}>{one.name}</b>{one.why && <div className="cell-error">{one.why}</div>}</td>
                                        <td className="right">{formatDuration(one.intervalSeconds * 1000)}</td>
                                        <td className="right">{when(one.sentAt)}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                </Section>
            )}
        </>
    );
}

function Hearts() {
    const list = useQuery({
        queryKey: ['heartbeats'],
        /* A server without a file of heartbeats has none to tell of. */
        queryFn: ({ signal }) => heartbeats(signal).catch((error: unknown): Heartbeats => {
            if (error instanceof ApiError && error.status === 404) {
                return {};
            }
            throw error;
        }),
        refetchInterval: 5_000,
    });
    const empty = list.data !== undefined && !list.data?.send?.length && !list.data?.expect?.length;
    return (
        <>
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} />}
            {list.data && !empty && <Beats list={list.data} />}
            {empty && <Empty title="No heartbeats yet" icon="status">
                <p><code className="mono">--alerting.heartbeat-file=heartbeats.yml</code> names those that this server sends while it is well, and those that it expects of others: who is silent too long raises an alert.</p>
                <Example label="Heartbeats" text={`send:\n- name: outside\n  url: https://hc.example/ping/SECRET\n  interval: 1m\nexpect:\n- name: backup\n  period: 24h\n  grace: 1h`} />
            </Empty>}
        </>
    );
}

const tabs: { value: string; title: string; body: () => ReactNode }[] = [
    { value: 'runtime', title: 'Runtime', body: () => <Runtime /> },
    { value: 'tsdb', title: 'Storage', body: () => <Store /> },
    { value: 'heartbeats', title: 'Heartbeats', body: () => <Hearts /> },
    { value: 'config', title: 'Configuration', body: () => <Config /> },
    { value: 'flags', title: 'Flags', body: () => <Flags /> },
    { value: 'features', title: 'Features', body: () => <Features /> },
];

export default function Status() {
    const { tab } = useParams();
    const [, navigate] = useLocation();
    const here = tabs.find((one) => one.value === tab) ?? tabs[0]!;
    return (
        <Page title={here.title} crumbs={[{ title: 'Status' }]}>
            <Tabs value={here.value} onChange={(value) => navigate(`/status/${value}`)} mb={10} keepMounted={false}>
                <Tabs.List aria-label="Status">
                    {tabs.map((one) => <Tabs.Tab key={one.value} value={one.value}>{one.title}</Tabs.Tab>)}
                </Tabs.List>
                <Tabs.Panel value={here.value} pt={10}>{here.body()}</Tabs.Panel>
            </Tabs>
        </Page>
    );
}
