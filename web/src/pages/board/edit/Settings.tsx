/* Settings: what a dashboard is beside its panels: names, times, variables, links, versions, and all of it as JSON. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import { dashboardVersion, dashboardVersions, deleteDashboard, restoreVersion, type DashboardMeta } from '../../../api/dashboards';
import type { PanelAnnotation } from '../../../dashboard/annotations';
import type { VariableState } from '../../../dashboard/variables';
import { formatDate, FULL_DATE, type TimeZone } from '../../../grafana/datetime';
import { addIn, moveIn, removeIn } from '../../../grafana/edit/board';
import { setIn, setMember } from '../../../grafana/edit/patch';
import { asNumber, asRecord, asRecords, asText, asTexts, isSame, type Json } from '../../../grafana/json';
import { faultText, parseRecord } from '../../../grafana/jsonfault';
import { ActionIcon, Button, copyText, Empty, Fault, Icon, Note, notify, saveFile, SegmentedControl, Select, Switch, Tabs, TagsInput, Textarea, TextInput } from '../../../ui';
import { Annotations } from './Annotations';
import { Diff } from './Diff';
import { Variables } from './Variables';
import './edit.css';

const JsonEditor = lazy(() => import('../../../promql/JsonEditor'));

export type Change = (label: string, change: (now: Json) => Json, key?: string) => void;

interface SettingsProps {
    board: Json;
    /* As it is stored. */
    base: Json;
    meta: DashboardMeta;
    uid: string;
    view: string;
    variables: readonly VariableState[];
    /* Of variables. */
    names: readonly string[];
    /* The events that are shown now. */
    annotations: readonly PanelAnnotation[];
    zone: TimeZone;
    onView: (view: string) => void;
    onChange: Change;
    onReload: () => void;
    onDeleted: () => void;
}

const ZONES = [{ value: 'browser', label: 'Browser time' }, { value: 'utc', label: 'UTC' }];
const WEEKS = [{ value: '', label: 'Locale default' }, { value: 'monday', label: 'Monday' }, { value: 'saturday', label: 'Saturday' }, { value: 'sunday', label: 'Sunday' }];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'].map((label, i) => ({ value: String(i), label }));
const CURSORS = [{ value: '0', label: 'Each its own' }, { value: '1', label: 'Shared cursor' }, { value: '2', label: 'Shared tooltip' }];

function General({ board, meta, uid, onChange, onDeleted }: SettingsProps) {
    const [sure, setSure] = useState(false);
    const [problem, setProblem] = useState<unknown>(null);
    const put = (label: string, key: string, value: unknown): void => onChange(label, (now) => setMember(now, key, value), key);
    const time = asRecord(board.time);
    const zone = asText(board.timezone) || 'browser';
    const intervals = asTexts(asRecord(board.timepicker).refresh_intervals);
    return (
        <div className="stack settings-form">
            <TextInput label="Title" value={asText(board.title) ?? ''} onChange={(e) => put('Rename', 'title', e.currentTarget.value)} error={asText(board.title) ? undefined : 'A title is needed.'} />
            <Textarea label="Description" value={asText(board.description) ?? ''} onChange={(e) => put('Change description', 'description', e.currentTarget.value || undefined)} autosize minRows={2} maxRows={8} />
            <TagsInput label="Tags" value={asTexts(board.tags)} onChange={(tags) => put('Change tags', 'tags', tags)} />
            <div className="stack tight">
                <span className="field-label">Who opens it</span>
                <SegmentedControl aria-label="Who opens it" data={[{ value: 'true', label: 'May edit' }, { value: 'false', label: 'Reads only' }]} value={String(board.editable !== false)} onChange={(v) => put('Change who may edit', 'editable', v === 'true')} />
            </div>
            <h2>Time</h2>
            <div className="option-grid">
                <TextInput label="From" value={asText(time.from) ?? 'now-6h'} onChange={(e) => onChange('Change time range', (now) => setIn(now, ['time', 'from'], e.currentTarget.value), 'from')} />
                <TextInput label="To" value={asText(time.to) ?? 'now'} onChange={(e) => onChange('Change time range', (now) => setIn(now, ['time', 'to'], e.currentTarget.value), 'to')} />
                <Select label="Time zone" data={ZONES.some((z) => z.value === zone) ? ZONES : [...ZONES, { value: zone, label: zone }]} value={zone} onChange={(v) => put('Change time zone', 'timezone', v)} />
                <Select label="Week starts on" data={WEEKS} value={asText(board.weekStart) ?? ''} onChange={(v) => put('Change start of the week', 'weekStart', v)} />
                <Select label="Fiscal year starts in" data={MONTHS} value={String(asNumber(board.fiscalYearStartMonth) ?? 0)} onChange={(v) => put('Change start of the fiscal year', 'fiscalYearStartMonth', Number(v))} />
                <TextInput label="Auto refresh" placeholder="off" value={asText(board.refresh) ?? ''} onChange={(e) => put('Change refresh', 'refresh', e.currentTarget.value)} />
                <TextInput label="Refresh intervals" placeholder="5s,10s,30s,1m" defaultValue={intervals.join(',')} onBlur={(e) => { const list = e.currentTarget.value.split(',').map((t) => t.trim()).filter(Boolean); if (list.join() !== intervals.join()) { onChange('Change refresh intervals', (now) => setIn(now, ['timepicker', 'refresh_intervals'], list.length > 0 ? list : undefined)); } }} />
            </div>
            <Switch label="Without a field for the range of time" checked={asRecord(board.timepicker).hidden === true} onChange={(e) => onChange('Change field of time', (now) => setIn(now, ['timepicker', 'hidden'], e.currentTarget.checked), 'timepicker hidden')} />
            <h2>Panels</h2>
            <SegmentedControl aria-label="Cursor" data={CURSORS} value={String(asNumber(board.graphTooltip) ?? 0)} onChange={(v) => put('Change cursor', 'graphTooltip', Number(v))} />
            {uid !== '' && (
                <>
                    <h2>File</h2>
                    <p className="muted"><code className="mono">{meta.provisionedExternalId}</code></p>
                    {!meta.canSave && <Note kind="warn">It is provisioned, and its provider does not allow changes from here: it can be saved as another one.</Note>}
                    {problem !== null && <Fault error={problem} what="Not deleted" />}
                    <div className="row">
                        {sure
                            ? <><span>The file is deleted.</span><Button color="red" onClick={() => void deleteDashboard(uid).then(onDeleted, setProblem)}>Delete it</Button><Button variant="default" onClick={() => setSure(false)}>Keep it</Button></>
                            : <Button variant="default" disabled={!meta.canSave} onClick={() => setSure(true)} leftSection={<Icon name="trash" size={13} />}>Delete dashboard</Button>}
                    </div>
                </>
            )}
        </div>
    );
}

const LINK_FLAGS = [['keepTime', 'Keep the time range'], ['includeVars', 'Keep the values of variables'], ['targetBlank', 'In a new tab']] as const;

function Links({ board, onChange }: SettingsProps) {
    const links = asRecords(board.links);
    return (
        <div className="stack settings-form">
            {links.map((link, i) => {
                const put = (key: string, value: unknown): void => onChange('Change link', (now) => setIn(now, ['links', i, key], value), `link ${i} ${key}`);
                const isLink = link.type === 'link';
                return (
                    <section key={i} className="stack boxed" aria-label={`Link ${i + 1}`}>
                        <div className="row">
                            <Select aria-label={`Type of link ${i + 1}`} data={[{ value: 'link', label: 'Link' }, { value: 'dashboards', label: 'Dashboards' }]} value={isLink ? 'link' : 'dashboards'} onChange={(v) => put('type', v)} w={130} />
                            <TextInput className="grow" aria-label={`Title of link ${i + 1}`} placeholder="Title" value={asText(link.title) ?? ''} onChange={(e) => put('title', e.currentTarget.value)} />
                            <ActionIcon aria-label={`Link ${i + 1} up`} disabled={i === 0} onClick={() => onChange('Move link', (now) => moveIn(now, ['links'], i, -1))}><Icon name="up" size={14} /></ActionIcon>
                            <ActionIcon aria-label={`Remove link ${i + 1}`} onClick={() => onChange('Remove link', (now) => removeIn(now, ['links'], i))}><Icon name="trash" size={14} /></ActionIcon>
                        </div>
                        {isLink
                            ? <TextInput label="Address" placeholder="https://… or /d/…" value={asText(link.url) ?? ''} onChange={(e) => put('url', e.currentTarget.value)} />
                            : <TagsInput label="With all these tags" value={asTexts(link.tags)} onChange={(tags) => put('tags', tags)} />}
                        {isLink ? <TextInput label="Tooltip" value={asText(link.tooltip) ?? ''} onChange={(e) => put('tooltip', e.currentTarget.value)} /> : <Switch label="As a list that opens" checked={link.asDropdown === true} onChange={(e) => put('asDropdown', e.currentTarget.checked)} />}
                        <div className="row wrap">{LINK_FLAGS.map(([key, label]) => <Switch key={key} label={label} checked={link[key] === true} onChange={(e) => put(key, e.currentTarget.checked)} />)}</div>
                    </section>
                );
            })}
            {links.length === 0 && <p className="muted">Links stand beside the title of the dashboard: to other dashboards by their tags, or to any address.</p>}
            <div className="row"><Button variant="default" leftSection={<Icon name="plus" size={13} />} onClick={() => onChange('Add link', (now) => addIn(now, ['links'], { type: 'link', title: '', url: '', tags: [], icon: 'external link', tooltip: '', asDropdown: false, includeVars: false, keepTime: false, targetBlank: false }))}>Add link</Button></div>
        </div>
    );
}

function Versions({ uid, board, base, onReload }: SettingsProps) {
    const unsaved = !isSame(board, base);
    const answer = useQuery({ queryKey: ['versions', uid], queryFn: ({ signal }) => dashboardVersions(uid, signal), enabled: uid !== '' });
    const [picked, setPicked] = useState<number | null>(null);
    const old = useQuery({ queryKey: ['version', uid, picked], queryFn: ({ signal }) => dashboardVersion(uid, picked!, signal), enabled: picked !== null, staleTime: Infinity });
    const [problem, setProblem] = useState<unknown>(null);
    return (
        <div className="stack">
            {problem !== null && <Fault error={problem} />}
            {answer.error && <Fault error={answer.error} what="Versions" />}
            {uid === '' && <p className="muted">It has not been saved yet.</p>}
            {uid !== '' && unsaved && <p className="muted">Save or discard your changes first: a version that is restored would take their place.</p>}
            <div className="table-wrap" tabIndex={0} role="region" aria-label="Versions">
                <table className="table">
                    <thead><tr><th>Version</th><th>Time</th><th>By</th><th>Message</th><th aria-label="Actions" /></tr></thead>
                    <tbody>
                        {(answer.data ?? []).map((v, i) => (
                            <tr key={v.version}>
                                <td className="num">{v.version}</td>
                                <td className="num">{formatDate(Date.parse(v.created), FULL_DATE, undefined)}</td>
                                <td>{v.createdBy}</td>
                                <td>{v.message}</td>
                                <td>
                                    <span className="row">
                                        <Button variant="default" size="compact-xs" aria-pressed={picked === v.version} onClick={() => setPicked(picked === v.version ? null : v.version)}>Compare</Button>
                                        {i > 0 && <Button variant="default" size="compact-xs" disabled={unsaved} onClick={() => void restoreVersion(uid, v.version).then(() => { notify(`Version ${v.version} is back`, 'ok'); onReload(); void answer.refetch(); }, setProblem)}>Restore</Button>}
                                    </span>
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {old.data?.data && (
                <section aria-label={`From version ${picked} to now`} className="stack">
                    <h2>From version {picked} to what is here now</h2>
                    <Diff before={old.data.data} after={board} />
                </section>
            )}
        </div>
    );
}

function JsonModel({ board, onChange }: SettingsProps) {
    const stored = JSON.stringify(board, null, 2);
    const [text, setText] = useState(stored);
    const [seen, setSeen] = useState(stored);
    /* Undo and other tabs change the dashboard: what is shown follows. */
    if (seen !== stored) {
        setSeen(stored);
        setText(stored);
    }
    const { json, fault } = useMemo(() => parseRecord(text, 'A dashboard is'), [text]);
    return (
        <div className="stack">
            <Suspense fallback={<div className="editor json" />}><JsonEditor label="JSON of the dashboard" value={text} onChange={setText} /></Suspense>
            {fault && <p className="bad-text" role="alert">{faultText(text, fault)}</p>}
            {json && text !== stored && <Diff before={board} after={json} />}
            <div className="row">
                <Button disabled={!json || text === stored} onClick={() => json && onChange('Change JSON', () => json)}>Apply</Button>
                <Button variant="default" onClick={() => void copyText(text)} leftSection={<Icon name="copy" size={13} />}>Copy</Button>
                <Button variant="default" onClick={() => saveFile(`${asText(board.title) || 'dashboard'}.json`, text, 'application/json')} leftSection={<Icon name="download" size={13} />}>Download</Button>
            </div>
        </div>
    );
}

/* What a read-only dashboard has instead of settings. */
function Locked({ onChange }: SettingsProps) {
    return (
        <Empty icon="lock" title="This dashboard is read-only">
            <p>Who made it wanted it so (<code className="mono">editable: false</code>). It can be saved as another one, or made editable here.</p>
            <Button onClick={() => onChange('Make editable', (now) => setMember(now, 'editable', true))}>Make editable</Button>
        </Empty>
    );
}

const VIEWS = [['settings', 'General'], ['variables', 'Variables'], ['annotations', 'Annotations'], ['links', 'Links'], ['versions', 'Versions'], ['json-model', 'JSON']] as const;

export function Settings(props: SettingsProps) {
    const view = VIEWS.some(([id]) => id === props.view) ? props.view : 'settings';
    const count = {
        variables: asRecords(asRecord(props.board.templating).list).length, annotations: asRecords(asRecord(props.board.annotations).list).length, links: asRecords(props.board.links).length,
    } as Record<string, number>;
    if (props.board.editable === false && props.base.editable === false) {
        return <Locked {...props} />;
    }
    return (
        <Tabs value={view} onChange={(v) => props.onView(v ?? 'settings')} keepMounted={false}>
            <Tabs.List>{VIEWS.map(([id, label]) => <Tabs.Tab key={id} value={id}>{label}{count[id] ? ` (${count[id]})` : ''}</Tabs.Tab>)}</Tabs.List>
            <Tabs.Panel value="settings" pt="sm"><General {...props} /></Tabs.Panel>
            <Tabs.Panel value="variables" pt="sm"><Variables board={props.board} states={props.variables} onChange={props.onChange} /></Tabs.Panel>
            <Tabs.Panel value="annotations" pt="sm"><Annotations board={props.board} events={props.annotations} variables={props.names} zone={props.zone} onChange={props.onChange} /></Tabs.Panel>
            <Tabs.Panel value="links" pt="sm"><Links {...props} /></Tabs.Panel>
            <Tabs.Panel value="versions" pt="sm"><Versions {...props} /></Tabs.Panel>
            <Tabs.Panel value="json-model" pt="sm"><JsonModel {...props} /></Tabs.Panel>
        </Tabs>
    );
}
