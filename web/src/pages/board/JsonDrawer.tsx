/* JsonDrawer: the dashboard's JSON as it is in its file, to be changed and saved; and its versions. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { dashboardVersions, restoreVersion, saveDashboard, type DashboardFile } from '../../api/dashboards';
import { formatDate, FULL_DATE } from '../../grafana/datetime';
import { Button, Drawer, Fault, Note, notify, Tabs, Textarea, TextInput } from '../../ui';
import { changedLines } from './diff';

function Versions({ uid, after }: { uid: string; after: () => void }) {
    const answer = useQuery({ queryKey: ['versions', uid], queryFn: ({ signal }) => dashboardVersions(uid, signal) });
    const [problem, setProblem] = useState<unknown>(null);
    return (
        <div className="stack">
            {problem !== null && <Fault error={problem} />}
            <table className="data-table">
                <thead><tr><th>Version</th><th>Time</th><th>By</th><th>Message</th><th /></tr></thead>
                <tbody>
                    {(answer.data ?? []).map((v, i) => (
                        <tr key={v.version}>
                            <td className="num">{v.version}</td>
                            <td className="num">{formatDate(Date.parse(v.created), FULL_DATE, undefined)}</td>
                            <td>{v.createdBy}</td>
                            <td>{v.message}</td>
                            <td>{i > 0 && <Button variant="default" size="compact-xs" onClick={() => void restoreVersion(uid, v.version).then(after, setProblem)}>Restore</Button>}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

export default function JsonDrawer({ file, close }: { file: DashboardFile; close: () => void }) {
    const before = JSON.stringify(file.dashboard, null, 2);
    const [text, setText] = useState(before);
    const [message, setMessage] = useState('');
    const [problem, setProblem] = useState<unknown>(null);
    const client = useQueryClient();
    const uid = String(file.dashboard.uid);
    let fault = '';
    try {
        JSON.parse(text);
    } catch (error) {
        fault = error instanceof Error ? error.message : String(error);
    }
    const changed = fault === '' && text !== before ? changedLines(before, text) : [];
    async function done(): Promise<void> {
        await client.invalidateQueries({ queryKey: ['dashboard', uid] });
        await client.invalidateQueries({ queryKey: ['versions', uid] });
        notify('Saved');
        close();
    }
    async function save(): Promise<void> {
        try {
            await saveDashboard({ dashboard: JSON.parse(text) as Record<string, unknown>, message });
            await done();
        } catch (error) {
            setProblem(error);
        }
    }
    return (
        <Drawer opened onClose={close} position="right" size="60%" title="Dashboard">
            <Tabs defaultValue="json">
                <Tabs.List><Tabs.Tab value="json">JSON</Tabs.Tab><Tabs.Tab value="versions">Versions</Tabs.Tab></Tabs.List>
                <Tabs.Panel value="json" pt="sm">
                    <div className="stack">
                        <p className="muted">File: <code className="mono">{file.meta.provisionedExternalId}</code></p>
                        {!file.meta.canSave && <Note kind="warn">It is provisioned, and its provider does not allow changes from here.</Note>}
                        <Textarea aria-label="JSON of the dashboard" value={text} onChange={(e) => setText(e.currentTarget.value)} autosize minRows={12} maxRows={28} error={fault || undefined} className="mono" spellCheck={false} />
                        {changed.length > 0 && (
                            <pre className="mono diff" tabIndex={0} aria-label="Changes">{changed.map((c, i) => <div key={i} className={c.sign === '+' ? 'added' : 'removed'}>{c.sign} {c.line}</div>)}</pre>
                        )}
                        {problem !== null && <Fault error={problem} what="Not saved" />}
                        <div className="row">
                            <TextInput aria-label="What has changed" placeholder="What has changed" value={message} onChange={(e) => setMessage(e.currentTarget.value)} className="grow" />
                            <Button disabled={!file.meta.canSave || fault !== '' || text === before} onClick={() => void save()}>Save</Button>
                        </div>
                    </div>
                </Tabs.Panel>
                <Tabs.Panel value="versions" pt="sm"><Versions uid={uid} after={() => void done()} /></Tabs.Panel>
            </Tabs>
        </Drawer>
    );
}
