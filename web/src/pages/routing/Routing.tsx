/* Routing: the tree of receivers, and a tester: the routes that some labels reach light up. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type AmRoute, amRouting, amStatus } from '../../api/alertmanager';
import type { Labels } from '../../api/types';
import { AlertingExample, Empty, Fault, formatMatcher, Icon, Loading, Page, parseMatcher, Section, splitMatchers, State, TextInput, useDebouncedValue, useQueryParams } from '../../ui';
import './routing.css';

/* labelsOf reads a="b", c=d as labels; null when it is more than equality. */
export function labelsOf(text: string): Labels | null {
    const parsed = splitMatchers(text).map(parseMatcher);
    if (parsed.some((one) => one === null || one.isRegex || !one.isEqual)) {
        return null;
    }
    return Object.fromEntries(parsed.map((one) => [one!.name, one!.value]));
}

function Times({ route, parent }: { route: AmRoute; parent?: AmRoute }) {
    const own: string[] = [];
    const grouping = (one: AmRoute) => (one.groupByAll ? 'everything' : one.groupBy.join(', ') || 'nothing');
    if (!parent || grouping(route) !== grouping(parent)) {
        own.push(`grouped by ${grouping(route)}`);
    }
    if (!parent || route.groupWait !== parent.groupWait) {
        own.push(`waits ${route.groupWait}`);
    }
    if (!parent || route.groupInterval !== parent.groupInterval) {
        own.push(`news after ${route.groupInterval}`);
    }
    if (!parent || route.repeatInterval !== parent.repeatInterval) {
        own.push(`repeats after ${route.repeatInterval}`);
    }
    if (route.muteTimeIntervals.length > 0) {
        own.push(`muted in ${route.muteTimeIntervals.join(', ')}`);
    }
    if (route.activeTimeIntervals.length > 0) {
        own.push(`only in ${route.activeTimeIntervals.join(', ')}`);
    }
    return <div className="muted route-times">{own.join(' · ')}</div>;
}

function Route({ route, parent, reached }: { route: AmRoute; parent?: AmRoute; reached: ReadonlySet<string> | null }) {
    const hit = reached?.has(route.key) ?? false;
    return (
        <li>
            <div className={hit ? 'route hit' : 'route'}>
                <div className="row wrap">
                    <span className="labels">
                        {route.matchers === '{}' || route.matchers === '' ? <span className="label">everything</span> : splitMatchers(route.matchers).map((one) => <span key={one} className="label">{one}</span>)}
                    </span>
                    <Icon name="right" size={12} />
                    <b>{route.receiver}</b>
                    {route.continue && <span className="muted">and goes on</span>}
                    {hit && <State kind="ok">reached</State>}
                </div>
                <Times route={route} parent={parent} />
            </div>
            {route.routes.length > 0 && <ul>{route.routes.map((one) => <Route key={one.key} route={one} parent={route} reached={reached} />)}</ul>}
        </li>
    );
}

/* What the server has without a configuration of alerting. */
function isUnset(tree: AmRoute): boolean {
    return tree.receiver === 'nobody' && tree.routes.length === 0;
}

export default function Routing() {
    const [params, change] = useQueryParams();
    const typed = params.get('labels') ?? '';
    const [asked] = useDebouncedValue(typed, 200);
    const labels = labelsOf(asked);
    const routing = useQuery({
        queryKey: ['routing', labels],
        queryFn: ({ signal }) => amRouting(labels ?? {}, signal),
        placeholderData: keepPreviousData,
    });
    const status = useQuery({ queryKey: ['am-status'], queryFn: ({ signal }) => amStatus(signal) });
    const testing = asked.trim() !== '' && labels !== null;
    const reached = testing && routing.data ? new Set(routing.data.reached) : null;
    const receivers = (root: AmRoute): AmRoute[] => [root, ...root.routes.flatMap(receivers)];
    const told = reached && routing.data ? receivers(routing.data.tree).filter((route) => reached.has(route.key)).map((route) => route.receiver) : [];
    return (
        <Page title="Routing">
            <section className="panel" style={{ padding: 12, marginBottom: 8 }}>
                <TextInput
                    label="Where does an alert with these labels go?" placeholder={'alertname="DiskFull", severity="page"'} value={typed}
                    styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                    error={labelsOf(typed) === null ? 'name="value", separated by commas' : undefined}
                    onChange={(event) => change({ labels: event.currentTarget.value || null }, { replace: true })}
                />
                {testing && routing.data && (
                    <div style={{ marginTop: 8 }} aria-live="polite">
                        {told.length > 0 ? <>An alert with {Object.entries(labels).map(([name, value]) => formatMatcher({ name, value, isEqual: true, isRegex: false })).join(', ')} goes to <b>{told.join(', ')}</b>.</> : 'No route takes it.'}
                    </div>
                )}
            </section>
            {routing.isPending && <Loading />}
            {routing.error && <Fault error={routing.error} what="Routes" retry={() => void routing.refetch()} />}
            {routing.data && isUnset(routing.data.tree) && <Empty icon="routing" title="Alerts reach nobody yet"><AlertingExample /></Empty>}
            {routing.data && !isUnset(routing.data.tree) && (
                <section className="panel" style={{ padding: 12, marginBottom: 8 }}>
                    <ul className="routes"><Route route={routing.data.tree} reached={reached} /></ul>
                </section>
            )}
            {status.data?.config.original && (
                <Section title="Configuration" open={false}>
                    <pre className="code" tabIndex={0} aria-label="Configuration of alerting">{status.data.config.original}</pre>
                </Section>
            )}
        </Page>
    );
}
