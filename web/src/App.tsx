/* App: the shell, the table of pages, and the keys that work everywhere. */
import { useQuery } from '@tanstack/react-query';
import { Component, lazy, type ReactNode, Suspense, useEffect, useMemo } from 'react';
import { searchDashboards } from './api/dashboards';
import { nav, oldLinks, pages, redirects } from './pages/routes';
import {
    Empty, Fault, Link, Loading, Page, Redirect, Route, RouteSwitch, Shell, type Shortcut, storedUtc, toggleUtc, useLiveEvents, useLocation, useShortcuts, useWindow,
} from './ui';

/* A page that throws must not take the rail with it. */
class Boundary extends Component<{ at: string; children: ReactNode }, { error: unknown; at: string }> {
    override state = { error: null as unknown, at: this.props.at };

    static getDerivedStateFromError(error: unknown) {
        return { error };
    }

    static getDerivedStateFromProps(props: { at: string }, state: { at: string; error: unknown }) {
        return props.at === state.at ? null : { at: props.at, error: null };
    }

    override render() {
        if (this.state.error === null) {
            return this.props.children;
        }
        return (
            <Page title="This page failed">
                <Fault error={this.state.error} retry={() => this.setState({ error: null })} />
            </Page>
        );
    }
}

function NotFound() {
    const [path] = useLocation();
    return (
        <Page title="No such page">
            <Empty title={`There is no page at ${path}`} icon="search">
                An old link, perhaps, or a dashboard that has moved: the search (Ctrl K) finds both. <Link href="/dashboards">All dashboards</Link> or <Link href="/">home</Link>.
            </Empty>
        </Page>
    );
}

/* Loaded when a page stands. */
const AlertCounts = lazy(() => import('./pages/alerts/Counts'));

export function App() {
    const [path, navigate] = useLocation();
    const setPalette = useWindow((w) => w.setPalette);
    const setHelp = useWindow((w) => w.setHelp);
    const setCommands = useWindow((w) => w.setCommands);
    useLiveEvents();
    const shortcuts = useMemo<Shortcut[]>(
        () => [
            { keys: 'mod+k', help: 'Search pages, dashboards and actions', run: () => setPalette(true), inText: true },
            { keys: '/', help: 'Search pages, dashboards and actions', run: () => setPalette(true) },
            { keys: '?', help: 'This list', run: () => setHelp(true) },
            ...pages.flatMap((page) =>
                page.key ? [{ keys: `g ${page.key}`, help: `Go to ${page.title}`, run: () => navigate(page.path) }] : [],
            ),
        ],
        [navigate, setHelp, setPalette],
    );
    useShortcuts(shortcuts);
    useEffect(() => {
        setCommands(
            'pages',
            [
                ...pages.filter((page) => !page.path.includes(':')).map((page) => ({
                    id: page.path, title: page.title, icon: page.icon, to: page.path, hint: page.key && `g ${page.key}`,
                })),
                { id: 'utc', title: storedUtc() ? 'Show local times' : 'Show times in UTC', icon: 'clock', run: toggleUtc },
                ...['runtime', 'tsdb', 'heartbeats', 'config', 'flags', 'features'].map((tab) => ({
                    id: `/status/${tab}`, title: `Status: ${tab === 'tsdb' ? 'storage' : tab}`, icon: 'status' as const, to: `/status/${tab}`,
                })),
            ],
        );
    }, [setCommands]);
    /* The dashboards are asked for when the palette is opened first. */
    const palette = useWindow((w) => w.palette);
    const boards = useQuery({ queryKey: ['palette-boards'], queryFn: ({ signal }) => searchDashboards(signal), enabled: palette, staleTime: 30_000 });
    useEffect(() => {
        setCommands(
            'dashboards',
            (boards.data ?? []).filter((hit) => hit.type === 'dash-db').map((hit) => ({
                id: `board ${hit.uid}`, title: hit.title, icon: 'dashboards' as const, to: `/d/${encodeURIComponent(hit.uid)}`, hint: hit.folderTitle ?? 'dashboard',
            })),
        );
    }, [boards.data, setCommands]);
    const { told, muted } = useWindow((w) => w.alerts);
    const items = nav.map((item) => (item.to === '/alerts' ? { ...item, count: told, muted } : item));

    return (
        <Shell nav={items}>
            <Suspense fallback={null}><AlertCounts /></Suspense>
            <Boundary at={path}>
                <Suspense fallback={<Loading />}>
                    <RouteSwitch>
                        {redirects.map(({ from, to }) => (
                            <Route key={from} path={from}>
                                <Redirect to={to} replace />
                            </Route>
                        ))}
                        {oldLinks.paths.map((from) => <Route key={from} path={from} component={oldLinks.component} />)}
                        {pages.map((page) => (
                            <Route key={page.path} path={page.path} component={page.component} />
                        ))}
                        <Route component={NotFound} />
                    </RouteSwitch>
                </Suspense>
            </Boundary>
        </Shell>
    );
}
