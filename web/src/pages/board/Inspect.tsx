/* Inspect: what is behind a panel: its data as a table and CSV, its queries and what they cost, its JSON. */
import { lazy, Suspense, useMemo, useState } from 'react';
import type { PanelData } from '../../dashboard/data';
import { csvLine } from '../../grafana/csv';
import { displayProcessor, displayText } from '../../grafana/fieldconfig';
import { valueAt, type Frame } from '../../grafana/frame';
import type { PanelModel } from '../../grafana/model';
import { frameName } from '../../grafana/names';
import { Button, Drawer, exploreLink, Link, saveFile, Select, Tabs } from '../../ui';

const InspectStats = lazy(() => import('./InspectStats'));
const ROWS_SHOWN = 500;

/** toCsv writes a frame: formatted as shown, or raw numbers and RFC 3339 times. */
export function toCsv(frame: Frame, formatted: boolean): string {
    const displays = frame.fields.map((f) => displayProcessor(f, 'dark'));
    const head = csvLine(frame.fields.map((f) => f.state?.displayName ?? f.name));
    const rows = Array.from({ length: frame.length }, (_, i) => csvLine(frame.fields.map((f, k) => {
        const value = valueAt(f, i);
        return formatted ? displayText(displays[k]!(value)) : value === null ? '' : f.type === 'time' ? new Date(value as number).toISOString() : String(value);
    })));
    return [head, ...rows].join('\n') + '\n';
}

function Data({ panel, data }: { panel: PanelModel; data: PanelData }) {
    const [chosen, setChosen] = useState(0);
    const frame = data.frames[Math.min(chosen, data.frames.length - 1)];
    const displays = useMemo(() => (frame?.fields ?? []).map((f) => displayProcessor(f, 'dark')), [frame]);
    if (!frame) {
        return <p className="muted">No data.</p>;
    }
    return (
        <div className="stack">
            <div className="row">
                {data.frames.length > 1 && <Select aria-label="Frame" value={String(chosen)} onChange={(v) => setChosen(Number(v ?? 0))} data={data.frames.slice(0, 500).map((f, i) => ({ value: String(i), label: frameName(f, i) }))} />}
                <Button variant="default" onClick={() => saveFile(`${panel.title || 'panel'}.csv`, toCsv(frame, false), 'text/csv')}>CSV</Button>
                <Button variant="default" onClick={() => saveFile(`${panel.title || 'panel'}.csv`, toCsv(frame, true), 'text/csv')}>CSV as shown</Button>
            </div>
            <div className="table-box" style={{ maxHeight: '60vh' }} tabIndex={0} role="region" aria-label="Data">
                <table className="data-table">
                    <thead><tr>{frame.fields.map((f, i) => <th key={i}>{f.state?.displayName ?? f.name}</th>)}</tr></thead>
                    <tbody>
                        {Array.from({ length: Math.min(frame.length, ROWS_SHOWN) }, (_, i) => (
                            <tr key={i}>{frame.fields.map((f, k) => <td key={k} className="num">{displayText(displays[k]!(valueAt(f, i)))}</td>)}</tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {frame.length > ROWS_SHOWN && <p className="muted">{frame.length - ROWS_SHOWN} more rows are in the CSV.</p>}
        </div>
    );
}

export default function Inspect({ panel, data, range, close }: { panel: PanelModel; data: PanelData; range: { from: string; to: string }; close: () => void }) {
    return (
        <Drawer opened onClose={close} position="right" size="50%" title={`Inspect: ${panel.title}`}>
            <Tabs defaultValue="data" keepMounted={false}>
                <Tabs.List>
                    <Tabs.Tab value="data">Data</Tabs.Tab>
                    <Tabs.Tab value="query">Queries</Tabs.Tab>
                    <Tabs.Tab value="stats">Stats</Tabs.Tab>
                    <Tabs.Tab value="json">JSON</Tabs.Tab>
                </Tabs.List>
                <Tabs.Panel value="data" pt="sm"><Data panel={panel} data={data} /></Tabs.Panel>
                <Tabs.Panel value="query" pt="sm">
                    {data.asked.map((q) => (
                        <div key={q.refId} className="stack" style={{ marginBottom: 12 }}>
                            <b>{q.refId}{q.stepMs > 0 ? `, every ${q.stepMs / 1000} s` : ', at the end of the range'}</b>
                            <pre className="mono">{q.expr}</pre>
                            <Link href={exploreLink(q.expr, range)}>Explore</Link>
                        </div>
                    ))}
                    {data.error && <p style={{ color: 'var(--bad)' }}>{data.error.message}</p>}
                    {data.warnings.map((w, i) => <p key={i} className="muted">{w}</p>)}
                    <p className="muted">{data.frames.length} frames, {data.frames.reduce((n, f) => n + f.length * f.fields.length, 0)} values</p>
                </Tabs.Panel>
                <Tabs.Panel value="stats" pt="sm"><Suspense fallback={null}><InspectStats data={data} /></Suspense></Tabs.Panel>
                <Tabs.Panel value="json" pt="sm"><pre className="mono" tabIndex={0}>{JSON.stringify(panel.raw, null, 2)}</pre></Tabs.Panel>
            </Tabs>
        </Drawer>
    );
}
