/* Board: one dashboard: its variables, its panels, one of them alone, the queries behind them. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useAdhoc } from '../../dashboard/adhoc';
import type { PanelAnnotation } from '../../dashboard/annotations';
import { Grid } from '../../dashboard/Grid';
import { PanelFrame, type PanelAction } from '../../dashboard/PanelFrame';
import { isDirty, useEdits } from '../../dashboard/edit';
import { toggleOwnColors } from '../../dashboard/recolor';
import { useScrapeInterval, useVariables } from '../../dashboard/variables';
import { VariablesBar } from '../../dashboard/VariablesBar';
import type { PanelData } from '../../dashboard/data';
import '../../dashboard/dashboard.css';
import { interpolate, type Scope } from '../../grafana/interpolate';
import { own } from '../../grafana/json';
import { allPanels, readDashboard, type DashboardModel, type PanelModel } from '../../grafana/model';
import { PANELS, UNKNOWN } from '../../panels';
import {
    Button, copyText, Empty, exploreLink, Fault, Icon, Link, Loading, notify, Page, TimePicker, useClock, useComputedColorScheme, useElementSize, useLeaveGuard, useLocation, Star, useParams, useQueryParams, useShortcuts, useVisits, type Shortcut,
} from '../../ui';
import { loadBoard } from './load';
import { NEW_FILE, readDraft, useEditing } from './useEditing';
import { zoomOut } from '../../grafana/time';

/* Nothing of these is needed to draw a dashboard. */
const AnnotationMenu = lazy(() => import('../../dashboard/AnnotationMenu'));
const CutNotice = lazy(() => import('../../dashboard/CutNotice'));
const AdhocField = lazy(() => import('../../dashboard/AdhocField'));
const DiskNotice = lazy(() => import('../../dashboard/DiskNotice'));
const ShareMenu = lazy(() => import('../../dashboard/ShareMenu'));
const DashboardLinks = lazy(() => import('../../dashboard/DashboardLinks'));
const Inspect = lazy(() => import('./Inspect'));
const EditBar = lazy(() => import('./edit/chunk').then((m) => ({ default: m.EditBar })));
const EditGrid = lazy(() => import('./edit/chunk').then((m) => ({ default: m.EditGrid })));
const LeaveDialog = lazy(() => import('./edit/chunk').then((m) => ({ default: m.LeaveDialog })));
const RowDialog = lazy(() => import('./edit/chunk').then((m) => ({ default: m.RowDialog })));
const Settings = lazy(() => import('./edit/chunk').then((m) => ({ default: m.Settings })));
const PanelEditor = lazy(() => import('./edit/PanelEditor'));
const SaveDialog = lazy(() => import('./edit/chunk').then((m) => ({ default: m.SaveDialog })));
/* Below this width panels stand below each other and cannot be moved. */
const NARROW_PX = 640;

function foldedRows(board: DashboardModel | undefined): Set<number> {
    return new Set((board?.panels ?? []).filter((p) => p.type === 'row' && p.collapsed).map((p) => p.id));
}

export default function Board() {
    const { uid = '' } = useParams<{ uid: string }>();
    const [params, change] = useQueryParams();
    const isNew = uid === '';
    const file = useQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => loadBoard(uid, signal), staleTime: 30_000, enabled: !isNew });
    const loaded = isNew ? NEW_FILE : file.data;
    const editing = useEditing(uid, loaded);
    const { draft, dirty } = editing;
    const board = useMemo(() => ((draft && readDraft(draft.now)) ?? (loaded && readDashboard(loaded.migrated))), [draft, loaded]);
    /* The same object while nothing about its variables has changed: they are not looked up anew at every step of an edit. */
    const templating = draft?.now.templating;
    const models = useMemo(() => board, [loaded, templating, draft === undefined]); // eslint-disable-line react-hooks/exhaustive-deps
    const [, navigate] = useLocation();
    const client = useQueryClient();
    const [saving, setSaving] = useState(false);
    const [leaving, setLeaving] = useState<(() => void) | null>(null);
    const [rowOf, setRowOf] = useState<PanelModel | null>(null);
    const zone = board?.timezone === 'browser' || board?.timezone === '' ? undefined : board?.timezone;
    const isEditing = draft !== undefined;
    /* The dashboard's own refresh counts until the URL has one; who edits is not disturbed by it. */
    const clock = useClock({ initial: board?.time, refresh: isEditing ? '' : (board?.refresh ?? ''), ...(zone !== undefined ? { zone } : {}), ...(board ? { weekStart: board.weekStart, fiscalStart: board.fiscalStart } : {}) });
    const intervals = useMemo(() => ['', ...(board?.refreshIntervals ?? [])], [board?.refreshIntervals]);
    const look = useComputedColorScheme('dark');
    const { ref, width } = useElementSize<HTMLDivElement>();
    const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
    const [inspected, setInspected] = useState<{ panel: PanelModel; data: PanelData } | null>(null);
    /* Of keys alone: a key that follows at once finds it, and nothing is drawn anew. */
    const hovered = useRef<{ panel: PanelModel | null; inspect?: () => void }>({ panel: null });
    const hover = useCallback((panel: PanelModel | null, inspect?: () => void) => { hovered.current = { panel, inspect }; }, []);
    const scrape = useScrapeInterval();
    /* As the queries say, or all, or none. */
    const [exemplars, setExemplars] = useState<boolean | undefined>(undefined);
    const toggleExemplars = useCallback(() => {
        const next = !(exemplars ?? allPanels(board?.panels ?? []).some((p) => p.targets.some((t) => t.exemplar)));
        setExemplars(next);
        notify(next ? 'Exemplars are shown' : 'Exemplars are hidden');
    }, [exemplars, board]);
    useEffect(() => setFolded(foldedRows(board)), [loaded, isEditing]); // eslint-disable-line react-hooks/exhaustive-deps
    const { begin } = editing;
    useEffect(() => {
        if (isNew && !isEditing) {
            begin();
        }
    }, [isNew, isEditing, begin]);
    /* A read-only dashboard shows its settings, where that can be changed, and nothing else of an editor. */
    const locked = board !== undefined && !board.editable;
    const canEdit = isEditing && !locked;
    const visit = useVisits((v) => v.visit);
    const isThere = file.data !== undefined;
    useEffect(() => {
        if (isThere) {
            visit(uid);
        }
    }, [visit, uid, isThere]);
    useLeaveGuard(useMemo(() => (dirty ? (go: () => void) => (isDirty(useEdits.getState().drafts[uid]) ? setLeaving(() => go) : go()) : null), [dirty, uid]));
    const boardTitle = board?.title ?? '';
    const base = useMemo<Omit<Scope, 'variables'>>(
        () => ({ from: clock.from, to: clock.to, zone, intervalMs: scrape, scrapeIntervalMs: scrape, dashboard: { title: boardTitle, uid } }),
        [clock.from, clock.to, zone, scrape, boardTitle, uid],
    );
    const variables = useVariables(models, params, base);
    const adhoc = useAdhoc(board, params);
    const scope = useMemo<Scope>(() => ({ ...base, variables: variables.values, waits: adhoc.waits, ...(adhoc.rewrite ? { rewrite: adhoc.rewrite } : {}) }), [base, variables.values, adhoc]);
    const [annotations, setAnnotations] = useState<readonly PanelAnnotation[]>([]);
    const fill = useCallback((text: string) => interpolate(text, scope), [scope]);
    const viewed = params.get('viewPanel')?.replace(/^panel-/, '');
    const alone = viewed && board ? allPanels(board.panels).find((p) => String(p.id) === viewed) : undefined;
    const editedId = params.get('editPanel')?.replace(/^panel-/, '');
    const edited = editedId && canEdit && board ? allPanels(board.panels).find((p) => String(p.id) === editedId && p.type !== 'row') : undefined;
    const editview = draft ? params.get('editview') : null;
    /* An address that edits begins to edit. */
    const wantsEdit = board !== undefined && !isEditing && ((editedId !== undefined && !locked) || params.get('editview') !== null);
    useEffect(() => {
        if (wantsEdit) {
            begin();
        }
    }, [wantsEdit, begin]);
    const kiosk = params.get('kiosk') !== null;
    /* Settings have no panels: of what is about them only annotations and variables need a range. */
    const hasRange = editview === null || ['annotations', 'variables'].includes(editview);
    const view = useCallback((panel: PanelModel | null) => change({ viewPanel: panel ? String(panel.id) : null }), [change]);
    const edit = useCallback((panel: PanelModel | null) => {
        if (locked) {
            notify('This dashboard is read-only: its settings (d s) can make it editable');
            return;
        }
        begin();
        change({ editPanel: panel ? String(panel.id) : null, viewPanel: null });
    }, [begin, change, locked]);
    const settings = useCallback((to: string | null) => {
        begin();
        change({ editview: to, editPanel: null, viewPanel: null });
    }, [begin, change]);
    const exit = useCallback(() => {
        editing.end();
        change({ editview: null, editPanel: null });
        if (isNew) {
            navigate('/dashboards');
        }
    }, [editing, isNew, navigate, change]);
    /* A link shows the range of time as it is now, whenever it is opened. */
    const share = useCallback((panel: PanelModel | null) => {
        const url = new URL(location.href);
        const own = { from: String(Math.round(clock.from)), to: String(Math.round(clock.to)), ...(panel ? { viewPanel: String(panel.id) } : {}) };
        Object.entries(own).forEach(([name, value]) => url.searchParams.set(name, value));
        ['refresh', 'editPanel', 'editview'].forEach((name) => url.searchParams.delete(name));
        void copyText(url.href, 'The link is copied: it shows this range of time, whenever it is opened');
    }, [clock.from, clock.to]);
    const shortcuts = useMemo<Shortcut[]>(() => [
        { keys: 'p s', help: 'Copy a link to the panel under the pointer, or to the dashboard', run: () => share(hovered.current.panel) },
        { keys: 'v', help: 'View the panel under the pointer', run: () => (viewed || hovered.current.panel) && view(viewed ? null : hovered.current.panel) },
        { keys: 'e', help: 'Edit the panel under the pointer, or the dashboard', run: () => (editedId || locked ? edit(null) : hovered.current.panel ? edit(hovered.current.panel) : isEditing ? !dirty && exit() : begin()) },
        { keys: 'i', help: 'Inspect the panel under the pointer', run: () => hovered.current.inspect?.() },
        { keys: 'p x', help: 'The panel under the pointer in Explore', run: () => hovered.current.panel?.targets[0] && navigate(exploreLink(fill(hovered.current.panel.targets[0].expr), clock.range)) },
        { keys: 'p d', help: 'Duplicate the panel under the pointer', run: () => hovered.current.panel && !locked && editing.duplicate(hovered.current.panel.id) },
        { keys: 'p r', help: 'Remove the panel under the pointer', run: () => hovered.current.panel && !locked && editing.remove(hovered.current.panel.id) },
        { keys: 'd k', help: 'Kiosk', run: () => change({ kiosk: kiosk ? null : '' }) },
        { keys: 'd p', help: 'Series in colours of our own, which each keeps, or in the dashboard’s', run: () => void toggleOwnColors().then((own) => notify(own ? 'Series have colours of our own' : 'Series have the dashboard’s colours')) },
        { keys: 'd x', help: 'Exemplars in all graphs, or in none', run: toggleExemplars },
        { keys: 'd E', help: 'Open all rows', run: () => setFolded(new Set()) },
        { keys: 'd C', help: 'Fold all rows', run: () => setFolded(new Set(board?.panels.filter((p) => p.type === 'row').map((p) => p.id))) },
        ...(isEditing ? [
            { keys: 'mod+s', help: 'Save', inText: true, run: () => setSaving(true) },
            { keys: 'mod+z', help: 'Undo', run: editing.undo },
            { keys: 'mod+shift+z', help: 'Redo', run: editing.redo },
            { keys: 'mod+y', help: 'Redo', run: editing.redo },
        ] : []),
        { keys: 'd s', help: 'Settings of the dashboard', run: () => settings('settings') },
        { keys: 'escape', help: 'Back to the dashboard', run: () => (viewed ? view(null) : editedId ? edit(null) : editview ? settings(null) : isEditing && !dirty && exit()) },
    ], [viewed, view, change, kiosk, board, edit, begin, exit, editing, isEditing, dirty, fill, clock.range, navigate, editedId, editview, settings, locked, share, toggleExemplars]);
    useShortcuts(shortcuts);
    const zoom = useCallback((from: number, to: number) => clock.setRange({ from: String(Math.round(from)), to: String(Math.round(to)) }), [clock]);

    /* A new visualization is edited at once: it has no query yet. */
    function add(what: 'panel' | 'row' | 'text'): void {
        editing.add(what, (id) => {
            if (what !== 'row') {
                change({ editPanel: String(id), editview: null });
            }
        });
    }

    function actions(panel: PanelModel): PanelAction[] {
        return locked ? [{ label: 'Copy link', run: () => share(panel) }] : [
            { label: 'Copy link', run: () => share(panel) },
            { label: 'Duplicate', run: () => editing.duplicate(panel.id) },
            ...(isEditing ? [{ label: 'Copy', run: () => editing.copy(panel.id) }] : []),
            { label: 'Remove', run: () => editing.remove(panel.id) },
        ];
    }

    const annotationMenu = board && (
        <Suspense fallback={null}>
            <AnnotationMenu board={board} scope={scope} look={look} waits={variables.pending.size > 0} hidden={kiosk || !hasRange} onList={setAnnotations} onPick={zoom} />
        </Suspense>
    );

    function frame(panel: PanelModel, extra: Scope['variables'] | undefined, size: { width: number; height: number }) {
        return (
            <PanelFrame
                panel={panel} type={own(PANELS, panel.type) ?? UNKNOWN} isKnown={own(PANELS, panel.type) !== undefined} look={look} width={size.width} height={size.height} scope={scope} extra={extra}
                pending={variables.pending} range={clock.range} sync={board!.graphTooltip > 0 ? `board-${uid}` : undefined} sharesTip={board!.graphTooltip === 2} onZoom={zoom} onZoomOut={() => clock.setRange(zoomOut(clock.range, Date.now(), clock.calendar))}
                onView={() => view(alone ? null : panel)} onEdit={edited || locked ? undefined : () => edit(panel)} onInspect={(data) => setInspected({ panel, data })} onHover={hover} annotations={annotations} exemplars={exemplars}
                actions={alone || edited ? undefined : actions(panel)}
            />
        );
    }

    const variableNames = variables.list.map((v) => v.model.name);
    const names = useRef(variableNames);
    if (names.current.join() !== variableNames.join()) {
        names.current = variableNames;
    }
    const body = !board ? null : width === 0 ? null : edited && draft ? (
        <Suspense fallback={<Loading what="Opening the editor" />}>
            <PanelEditor
                key={edited.id} board={draft.now} panel={edited} look={look} scope={scope} pending={variables.pending} variables={names.current}
                onChange={(label, how, key) => editing.setPanel(edited.id, label, how, key && `${edited.id} ${key}`)}
            >
                {(panel, size) => frame(panel, undefined, size)}
            </PanelEditor>
        </Suspense>
    ) : editview && draft && loaded ? (
        <Suspense fallback={<Loading what="Opening the settings" />}>
            <Settings
                board={draft.now} base={draft.base} meta={loaded.meta} uid={uid} view={editview} variables={variables.list} names={names.current} annotations={annotations} zone={zone} onView={settings} onChange={editing.change} onReload={() => void editing.reload()}
                onDeleted={() => { editing.end(); void client.invalidateQueries({ queryKey: ['dashboards'] }); navigate('/dashboards'); }}
            />
        </Suspense>
    ) : alone ? frame(alone, undefined, { width, height: Math.max(240, window.innerHeight - 140) }) : canEdit && width >= NARROW_PX ? (
        <Suspense fallback={<Loading what="Opening the editor" />}>
            <EditGrid
                panels={board.panels} width={width} fill={fill} fresh={editing.fresh} onPlace={editing.place} onFold={(row) => editing.fold(row.id)}
                onRemove={(panel, keepsInner) => editing.remove(panel.id, keepsInner)} onRow={setRowOf}
            >
                {(panel, size) => frame(panel, undefined, size)}
            </EditGrid>
        </Suspense>
    ) : (
        <Grid panels={board.panels} values={variables.values} width={width} folded={folded} fill={fill} onFold={(row) => setFolded((now) => { const next = new Set(now); return next.delete(row.id) ? next : next.add(row.id); })}>
            {(item, size) => frame(item.panel, item.extra, size)}
        </Grid>
    );
    const page = (
        <>
            {!isNew && file.isPending && <Loading what="Opening the dashboard" />}
            <Suspense fallback={null}><DiskNotice uid={uid} version={file.data?.meta.version} editing={dirty} reload={() => void editing.reload()} /></Suspense>
            {file.data?.cut && <Suspense fallback={null}><CutNotice cut={file.data.cut} /></Suspense>}
            {file.error && <Fault error={file.error} what="Dashboard" retry={() => void file.refetch()} />}
            {board && !editview && (
                <VariablesBar
                    list={variables.list} change={(what) => change(what, { replace: true })}
                    more={adhoc.variables.some((v) => !v.hidden) && adhoc.variables.filter((v) => !v.hidden).map((v) => (
                        <Suspense key={v.name} fallback={null}><AdhocField name={v.label} filters={v.filters} from={clock.from} to={clock.to} change={(next) => change({ [`var-${v.name}`]: next })} /></Suspense>
                    ))}
                />
            )}
            {board && board.panels.length === 0 && !editview && (
                <Empty icon="dashboards" title="This dashboard has no panels">
                    {locked ? null : <Button onClick={() => add('panel')} leftSection={<Icon name="plus" size={14} />}>Add a visualization</Button>}
                </Empty>
            )}
            <div ref={ref}>{body}</div>
            <Suspense fallback={null}>
                {inspected && <Inspect panel={inspected.panel} data={inspected.data} range={clock.range} close={() => setInspected(null)} />}
                {saving && draft && loaded && (
                    <SaveDialog
                        draft={draft} meta={loaded.meta} isNew={isNew} range={clock.range} variables={variables.list} close={() => setSaving(false)}
                        onSaved={(answer) => { setSaving(false); void editing.saved(answer).then(() => leaving?.()).then(() => setLeaving(null)); }}
                        onReload={() => { setSaving(false); void editing.reload(); }}
                    />
                )}
                {leaving && !saving && <LeaveDialog close={() => setLeaving(null)} onSave={() => setSaving(true)} onDiscard={() => { editing.end(); setLeaving(null); leaving(); }} />}
                {rowOf && (
                    <RowDialog
                        row={rowOf} names={variables.list.map((v) => v.model.name)} close={() => setRowOf(null)}
                        onChange={(edit) => { editing.setPanel(rowOf.id, 'Change row', edit); setRowOf(null); }}
                    />
                )}
            </Suspense>
        </>
    );
    if (kiosk) {
        return <main className="page" id="main" tabIndex={-1}><h1 className="visually-hidden">{board?.title ?? 'Dashboard'}</h1>{annotationMenu}{page}</main>;
    }
    return (
        <Page
            title={edited ? 'Edit panel' : editview ? 'Settings' : alone ? fill(alone.title) || 'Panel' : (board?.title ?? 'Dashboard')}
            crumbs={[{ title: 'Dashboards', to: '/dashboards' }, ...(file.data?.meta.folderUid ? [{ title: file.data.meta.folderTitle }] : []), ...((alone || edited || editview) && board ? [{ title: board.title, to: isNew ? '/dashboard/new' : `/d/${uid}` }] : [])]}
            actions={
                <>
                    {board && board.links.length > 0 && !edited && !editview && (
                        <Suspense fallback={null}>
                            <DashboardLinks links={board.links} uid={uid} range={clock.range} fill={fill} variables={variables.list.filter((v) => !v.model.skipUrlSync).map((v) => ({ name: v.model.name, values: v.choice.values }))} />
                        </Suspense>
                    )}
                    {isEditing && draft ? (
                        <Suspense fallback={null}>
                            <EditBar
                                draft={draft} onAdd={locked ? undefined : add} onPaste={editing.paste} onUndo={editing.undo} onRedo={editing.redo} onSettings={() => settings('settings')} onSave={() => setSaving(true)}
                                onExit={exit} onDiscard={() => setLeaving(() => exit)} onBack={edited ? () => edit(null) : editview ? () => (locked && !dirty ? exit() : settings(null)) : undefined}
                            />
                        </Suspense>
                    ) : board && !alone && (locked
                        ? <Button variant="default" onClick={() => settings('settings')} leftSection={<Icon name="lock" size={14} />}>Read-only</Button>
                        : <Button variant="default" onClick={begin} leftSection={<Icon name="edit" size={14} />}>Edit</Button>)}
                    {annotationMenu}
                    {board && !edited && !editview && <Suspense fallback={<span className="share-place" />}><ShareMenu title={alone ? fill(alone.title) : board.title} json={isEditing && draft ? draft.now : loaded!.dashboard} onLink={() => share(null)} /></Suspense>}
                    {hasRange && (!board?.hidesTime || isEditing) && <TimePicker clock={clock} intervals={intervals} />}
                </>
            }
            aside={alone ? <Link href={`/d/${uid}`}>Back</Link> : board && !isNew && !edited && !editview ? <Star uid={uid} title={board.title} /> : undefined}
        >
            {page}
        </Page>
    );
}
