/* Board: one dashboard: its variables, its panels, one of them alone, the queries behind them. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { dashboard } from '../../api/dashboards';
import { DiskNotice } from '../../dashboard/DiskNotice';
import { Grid } from '../../dashboard/Grid';
import { PanelFrame } from '../../dashboard/PanelFrame';
import { useScrapeInterval, useVariables } from '../../dashboard/variables';
import { VariablesBar } from '../../dashboard/VariablesBar';
import type { PanelData } from '../../dashboard/data';
import '../../dashboard/dashboard.css';
import { interpolate, type Scope } from '../../grafana/interpolate';
import { migrateDashboard } from '../../grafana/migrate';
import { allPanels, readDashboard, type DashboardModel, type PanelModel } from '../../grafana/model';
import { PANELS, UNKNOWN } from '../../panels';
import {
    ActionIcon, Empty, Fault, Icon, Link, Loading, Page, TimePicker, Tooltip, useClock, useComputedColorScheme, useElementSize, useParams, useQueryParams, useShortcuts, type Shortcut,
} from '../../ui';
import { zoomOut } from '../../grafana/time';

/* Nothing of these is needed to draw a dashboard. */
const Inspect = lazy(() => import('./Inspect'));
const JsonDrawer = lazy(() => import('./JsonDrawer'));

function foldedRows(board: DashboardModel | undefined): Set<number> {
    return new Set((board?.panels ?? []).filter((p) => p.type === 'row' && p.collapsed).map((p) => p.id));
}

function linkTo(link: DashboardModel['links'][number], search: URLSearchParams, fill: (text: string) => string): string {
    const url = new URL(fill(link.url) || '.', document.baseURI);
    for (const [key, value] of search) {
        if ((link.keepTime && (key === 'from' || key === 'to')) || (link.includeVars && key.startsWith('var-'))) {
            url.searchParams.append(key, value);
        }
    }
    return url.href;
}

export default function Board() {
    const { uid = '' } = useParams<{ uid: string }>();
    const [params, change] = useQueryParams();
    const file = useQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => dashboard(uid, signal), staleTime: 30_000 });
    const board = useMemo(() => (file.data ? readDashboard(migrateDashboard(file.data.dashboard)) : undefined), [file.data]);
    const clock = useClock(board?.time);
    const look = useComputedColorScheme('dark');
    const { ref, width } = useElementSize<HTMLDivElement>();
    const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
    const [inspected, setInspected] = useState<{ panel: PanelModel; data: PanelData } | null>(null);
    const [json, setJson] = useState(false);
    const [hovered, setHovered] = useState<PanelModel | null>(null);
    const scrape = useScrapeInterval();
    const zone = board?.timezone === 'browser' || board?.timezone === '' ? undefined : board?.timezone;
    useEffect(() => setFolded(foldedRows(board)), [board]);
    /* The dashboard's own refresh counts until the URL has one. */
    const { setRefresh } = clock;
    const wantsRefresh = board !== undefined && board.refresh !== '' && params.get('refresh') === null;
    useEffect(() => {
        if (wantsRefresh) {
            setRefresh(board!.refresh);
        }
    }, [wantsRefresh, board, setRefresh]);
    const base = useMemo<Omit<Scope, 'variables'>>(
        () => ({ from: clock.from, to: clock.to, zone, intervalMs: scrape, scrapeIntervalMs: scrape, ...(board ? { dashboard: { title: board.title, uid: board.uid } } : {}) }),
        [clock.from, clock.to, zone, scrape, board],
    );
    const variables = useVariables(board, params, base);
    const scope = useMemo<Scope>(() => ({ ...base, variables: variables.values }), [base, variables.values]);
    const fill = useCallback((text: string) => interpolate(text, scope), [scope]);
    const viewed = params.get('viewPanel')?.replace(/^panel-/, '');
    const alone = viewed && board ? allPanels(board.panels).find((p) => String(p.id) === viewed) : undefined;
    const kiosk = params.get('kiosk') !== null;
    const view = useCallback((panel: PanelModel | null) => change({ viewPanel: panel ? String(panel.id) : null }), [change]);
    const shortcuts = useMemo<Shortcut[]>(() => [
        { keys: 'v', help: 'View the panel under the pointer', run: () => (viewed ? view(null) : hovered && view(hovered)) },
        { keys: 'd k', help: 'Kiosk', run: () => change({ kiosk: kiosk ? null : '' }) },
        { keys: 'd E', help: 'Open all rows', run: () => setFolded(new Set()) },
        { keys: 'd C', help: 'Fold all rows', run: () => setFolded(new Set(board?.panels.filter((p) => p.type === 'row').map((p) => p.id))) },
        { keys: 'escape', help: 'Back to the dashboard', run: () => viewed && view(null) },
    ], [viewed, hovered, view, change, kiosk, board]);
    useShortcuts(shortcuts);
    const zoom = useCallback((from: number, to: number) => clock.setRange({ from: String(Math.round(from)), to: String(Math.round(to)) }), [clock]);

    function frame(panel: PanelModel, extra: Scope['variables'] | undefined, size: { width: number; height: number }) {
        return (
            <PanelFrame
                panel={panel} type={PANELS[panel.type] ?? UNKNOWN} isKnown={panel.type in PANELS} look={look} width={size.width} height={size.height} scope={scope} extra={extra}
                pending={variables.pending} range={clock.range} sync={board!.graphTooltip > 0 ? `board-${uid}` : undefined} onZoom={zoom} onZoomOut={() => clock.setRange(zoomOut(clock.range, Date.now()))}
                onView={() => view(alone ? null : panel)} onInspect={(data) => setInspected({ panel, data })} onHover={setHovered}
            />
        );
    }

    const body = !board ? null : width === 0 ? null : alone ? frame(alone, undefined, { width, height: Math.max(240, window.innerHeight - 140) }) : (
        <Grid panels={board.panels} values={variables.values} width={width} folded={folded} fill={fill} onFold={(row) => setFolded((now) => { const next = new Set(now); return next.delete(row.id) ? next : next.add(row.id); })}>
            {(item, size) => frame(item.panel, item.extra, size)}
        </Grid>
    );
    const page = (
        <>
            {file.isPending && <Loading what="Opening the dashboard" />}
            <DiskNotice uid={uid} version={file.data?.meta.version} editing={json} reload={() => { setJson(false); void file.refetch(); }} />
            {file.error && <Fault error={file.error} what="Dashboard" retry={() => void file.refetch()} />}
            {board && <VariablesBar list={variables.list} change={(what) => change(what, { replace: true })} />}
            {board && board.panels.length === 0 && <Empty icon="dashboards" title="This dashboard has no panels">Open its JSON to add some, or import one of Grafana’s.</Empty>}
            <div ref={ref}>{body}</div>
            <Suspense fallback={null}>
                {inspected && <Inspect panel={inspected.panel} data={inspected.data} range={clock.range} close={() => setInspected(null)} />}
                {json && file.data && <JsonDrawer file={file.data} close={() => setJson(false)} />}
            </Suspense>
        </>
    );
    if (kiosk) {
        return <main className="page" id="main" tabIndex={-1}><h1 className="visually-hidden">{board?.title ?? 'Dashboard'}</h1>{page}</main>;
    }
    const links = (board?.links ?? []).filter((l) => l.type === 'link');
    return (
        <Page
            title={alone ? fill(alone.title) || 'Panel' : (board?.title ?? 'Dashboard')}
            crumbs={[{ title: 'Dashboards', to: '/dashboards' }, ...(file.data?.meta.folderUid ? [{ title: file.data.meta.folderTitle }] : []), ...(alone && board ? [{ title: board.title, to: `/d/${uid}` }] : [])]}
            actions={
                <>
                    {links.map((l, i) => <a key={i} href={linkTo(l, params, fill)} target={l.targetBlank ? '_blank' : undefined} rel="noreferrer" title={l.tooltip}>{fill(l.title)}</a>)}
                    <Tooltip label="JSON, save, versions"><ActionIcon aria-label="JSON, save, versions" disabled={!file.data} onClick={() => setJson(true)}><Icon name="save" /></ActionIcon></Tooltip>
                    <TimePicker clock={clock} />
                </>
            }
            aside={alone ? <Link href={`/d/${uid}`}>Back</Link> : undefined}
        >
            {page}
        </Page>
    );
}
