/* Dashboards: folders, search by title and tag, import by file or paste, a new one. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { addFolder, folders, importDashboard, searchDashboards, type DashboardJson, type SearchHit } from '../../api/dashboards';
import { unwrap } from '../../grafana/migrate/core';
import { faultText, parseRecord } from '../../grafana/jsonfault';
import './dashboards.css';
import { Badge, Button, Empty, Fault, Icon, Link, Loading, Menu, Modal, Note, notify, Page, Select, Star, Textarea, TextInput, UnstyledButton, useLocation, useQueryParams, usePoll, useVisits } from '../../ui';

function groups(hits: readonly SearchHit[]): [string, SearchHit[]][] {
    const found = new Map<string, SearchHit[]>();
    for (const hit of hits.filter((h) => h.type === 'dash-db')) {
        const folder = hit.folderTitle ?? '';
        found.set(folder, [...(found.get(folder) ?? []), hit]);
    }
    return [...found].sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : a.localeCompare(b)));
}

function Row({ hit, onTag }: { hit: SearchHit; onTag: (tag: string) => void }) {
    return (
        <li className="dash-row">
            <Star uid={hit.uid} title={hit.title} />
            <Link href={`/d/${hit.uid}`}>{hit.title}</Link>
            <span className="grow truncate muted hide-narrow">{hit.description}</span>
            {hit.tags.map((tag) => <UnstyledButton key={tag} onClick={() => onTag(tag)} aria-label={`Only those tagged ${tag}`}><Badge variant="default" tt="none">{tag}</Badge></UnstyledButton>)}
        </li>
    );
}

/* What is pasted or dropped: a dashboard, or what an export has around it. */
function readJson(text: string): { json?: DashboardJson; fault?: string } {
    const parsed = parseRecord(text, 'A dashboard is');
    if (parsed.fault) {
        return { fault: faultText(text, parsed.fault) };
    }
    const json = unwrap(parsed.json);
    return typeof json.title === 'string' && json.title !== '' ? { json } : { fault: 'It has no title: is it a dashboard?' };
}

function Import({ close }: { close: () => void }) {
    const [text, setText] = useState('');
    const [folder, setFolder] = useState('');
    const [problem, setProblem] = useState<unknown>(null);
    const list = useQuery({ queryKey: ['folders'], queryFn: ({ signal }) => folders(signal) });
    const client = useQueryClient();
    const [, navigate] = useLocation();
    const { json, fault } = text.trim() === '' ? {} : readJson(text);
    async function run(overwrite: boolean): Promise<void> {
        try {
            const answer = await importDashboard({ dashboard: json!, folderUid: folder, message: 'imported', overwrite });
            await client.invalidateQueries({ queryKey: ['dashboards'] });
            close();
            navigate(`/d/${answer.uid}`);
        } catch (error) {
            setProblem(error);
        }
    }
    return (
        <Modal opened onClose={close} title="Import a dashboard" size="lg">
            <div className="stack">
                <input type="file" accept=".json,application/json" aria-label="File" onChange={(e) => void e.currentTarget.files?.[0]?.text().then(setText)} />
                <Textarea label="Or its JSON" value={text} onChange={(e) => setText(e.currentTarget.value)} autosize minRows={6} maxRows={14} error={fault} className="mono" />
                <Select label="Folder" value={folder} onChange={(v) => setFolder(v ?? '')} data={[{ value: '', label: 'General' }, ...(list.data ?? []).filter((f) => f.canSave).map((f) => ({ value: f.uid, label: f.title }))]} />
                {json && <Note>“{String(json.title)}”, {Array.isArray(json.panels) ? json.panels.length : 0} panels. Every data source in it becomes this server.</Note>}
                {problem !== null && <Fault error={problem} />}
                <div className="row">
                    <Button disabled={!json} onClick={() => void run(false)}>Import</Button>
                    {problem !== null && <Button variant="default" disabled={!json} onClick={() => void run(true)}>Overwrite the one that is there</Button>}
                </div>
            </div>
        </Modal>
    );
}

function NewFolder({ close }: { close: () => void }) {
    const [title, setTitle] = useState('');
    const [problem, setProblem] = useState<unknown>(null);
    const client = useQueryClient();
    async function add(): Promise<void> {
        try {
            await addFolder(title.trim());
            await client.invalidateQueries({ queryKey: ['folders'] });
            notify(`The folder “${title.trim()}” is there: dashboards are saved and imported into it`, 'ok');
            close();
        } catch (error) {
            setProblem(error);
        }
    }
    return (
        <Modal opened onClose={close} title="New folder" size={420}>
            <form className="stack" onSubmit={(event) => { event.preventDefault(); void add(); }}>
                <TextInput label="Name" description="It becomes a directory beside the dashboards." value={title} onChange={(e) => setTitle(e.currentTarget.value)} data-autofocus />
                {problem !== null && <Fault error={problem} what="Not made" />}
                <div className="row"><Button type="submit" disabled={title.trim() === ''}>Make it</Button><Button variant="default" onClick={close}>Cancel</Button></div>
            </form>
        </Modal>
    );
}

export default function Dashboards() {
    const answer = useQuery({ queryKey: ['dashboards'], queryFn: ({ signal }) => searchDashboards(signal), refetchInterval: usePoll(15_000) });
    const [params, change] = useQueryParams();
    const [, navigate] = useLocation();
    const [folding, setFolding] = useState(false);
    const find = params.get('query') ?? '';
    const tags = params.getAll('tag');
    const importing = params.get('import') !== null;
    const hits = useMemo(() => {
        const words = find.toLowerCase().split(/\s+/).filter(Boolean);
        return (answer.data ?? []).filter((h) => words.every((w) => `${h.title} ${h.folderTitle ?? ''}`.toLowerCase().includes(w)) && tags.every((t) => h.tags.includes(t)));
    }, [answer.data, find, tags]);
    const starred = useVisits((v) => v.starred);
    const marked = hits.filter((h) => h.type === 'dash-db' && starred.includes(h.uid));
    const list = groups(hits);
    return (
        <Page
            title="Dashboards"
            actions={
                <>
                    <Menu position="bottom-end">
                        <Menu.Target><Button leftSection={<Icon name="plus" size={14} />}>New</Button></Menu.Target>
                        <Menu.Dropdown>
                            <Menu.Item onClick={() => navigate('/dashboard/new')}>New dashboard</Menu.Item>
                            <Menu.Item onClick={() => setFolding(true)}>New folder</Menu.Item>
                            <Menu.Item onClick={() => change({ import: '' })}>Import</Menu.Item>
                        </Menu.Dropdown>
                    </Menu>
                </>
            }
        >
            <div className="row wrap" style={{ marginBottom: 12 }}>
                <TextInput aria-label="Find dashboards" placeholder="Find by title or folder" value={find} onChange={(e) => change({ query: e.currentTarget.value || null }, { replace: true })} leftSection={<Icon name="search" size={14} />} style={{ width: 320 }} />
                {tags.map((tag) => (
                    <Button key={tag} variant="default" size="compact-xs" rightSection={<Icon name="close" size={11} />} aria-label={`Without the tag ${tag}`} onClick={() => change({ tag: tags.filter((t) => t !== tag) })}>{tag}</Button>
                ))}
            </div>
            {answer.isPending && <Loading what="Looking for dashboards" />}
            {answer.error && <Fault error={answer.error} what="Dashboards" retry={() => void answer.refetch()} />}
            {answer.data && list.length === 0 && (
                <Empty icon="dashboards" title={find || tags.length > 0 ? 'No dashboard fits' : 'No dashboards yet'}>
                    {find || tags.length > 0 ? 'Try fewer words, or take a tag away.' : <>
                        <p>Import one of Grafana’s, make a new one, or start the server with <code className="mono">--dashboards.path=DIR</code>.</p>
                        <div className="row" style={{ justifyContent: 'center' }}><Button onClick={() => change({ import: '' })}>Import</Button><Button variant="default" onClick={() => navigate('/dashboard/new')}>New dashboard</Button></div>
                    </>}
                </Empty>
            )}
            {marked.length > 0 && find === '' && tags.length === 0 && (
                <section className="dash-folder" aria-label="Starred">
                    <h2>Starred</h2>
                    <ul>{marked.map((hit) => <Row key={hit.uid} hit={hit} onTag={(tag) => change({ tag: [tag] })} />)}</ul>
                </section>
            )}
            {list.map(([folder, rows]) => (
                <section key={folder} className="dash-folder" aria-label={folder || 'General'}>
                    {(folder !== '' || list.length > 1 || marked.length > 0) && <h2>{folder || 'General'}</h2>}
                    <ul>{rows.map((hit) => <Row key={hit.uid} hit={hit} onTag={(tag) => change({ tag: [...new Set([...tags, tag])] })} />)}</ul>
                </section>
            ))}
            {folding && <NewFolder close={() => setFolding(false)} />}
            {importing && <Import close={() => change({ import: null }, { replace: true })} />}
        </Page>
    );
}
