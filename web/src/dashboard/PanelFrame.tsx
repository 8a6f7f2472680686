/*
 * PanelFrame: one panel: header with its menu, what it says while loading, without data and at faults, and the panel
 * itself. It asks for data only while it is near the window.
 */
import { Component, lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import type { Look } from '../grafana/color';
import { interpolate, type Scope } from '../grafana/interpolate';
import { parseDateMath, parseInterval } from '../grafana/datetime';
import type { PanelModel } from '../grafana/model';
import { isRelative } from '../grafana/time';
import { exploreLink, Icon, Menu, Tooltip, useLocation } from '../ui';
import type { PanelAnnotation } from './annotations';
import { usePanelData, type PanelData } from './data';
import { useDrawAll } from './drawAll';
import { useRecolor } from './recolor';
import type { PanelType } from './types';

/* Most panels have data, and no notes. */
const Said = lazy(() => import('./Said'));
const PanelNotes = lazy(() => import('./PanelNotes'));
const HEADER_PX = 28;
const PADDING_PX = 8;
/* Panels this near to the window are drawn. */
const NEAR_PX = 200;

export interface PanelAction {
    label: string;
    run: () => void;
}

export interface FrameProps {
    panel: PanelModel;
    type: PanelType;
    isKnown: boolean;
    look: Look;
    width: number;
    height: number;
    scope: Omit<Scope, 'intervalMs'>;
    extra?: Scope['variables'] | undefined;
    pending: ReadonlySet<string>;
    range: { from: string; to: string };
    sync: string | undefined;
    sharesTip: boolean;
    focusable?: boolean;
    onZoom: (from: number, to: number) => void;
    onZoomOut: () => void;
    onView: () => void;
    onInspect: (data: PanelData) => void;
    onEdit?: (() => void) | undefined;
    /* More of the menu: while the dashboard is edited. */
    actions?: readonly PanelAction[] | undefined;
    /* `inspect` opens what is behind the panel. */
    onHover?: (panel: PanelModel | null, inspect?: () => void) => void;
    annotations?: readonly PanelAnnotation[];
    /* All exemplars or none, whatever the queries say. */
    exemplars?: boolean | undefined;
}

const NO_ANNOTATIONS: readonly PanelAnnotation[] = [];

/* What failed is tried again with other data, or when the panel has changed. */
class Guard extends Component<{ children: ReactNode; of: PanelData }, { message: string; of: PanelData }> {
    override state = { message: '', of: this.props.of };

    static getDerivedStateFromError(error: unknown) {
        return { message: error instanceof Error ? error.message : String(error) };
    }

    static getDerivedStateFromProps(props: { of: PanelData }, state: { of: PanelData; message: string }) {
        return props.of === state.of ? null : { of: props.of, message: '' };
    }

    override render() {
        return this.state.message === '' ? this.props.children : <div className="panel-said bad" role="alert">This panel failed: {this.state.message}</div>;
    }
}

function useNear<T extends Element>(): [React.RefObject<T | null>, boolean] {
    const ref = useRef<T | null>(null);
    const [near, setNear] = useState(false);
    useEffect(() => {
        const element = ref.current;
        if (!element) {
            return;
        }
        const observer = new IntersectionObserver((entries) => setNear(entries[entries.length - 1]!.isIntersecting), { rootMargin: `${NEAR_PX}px` });
        observer.observe(element);
        return () => observer.disconnect();
    }, []);
    return [ref, near];
}

/* A panel may have a range of its own: the last 5 minutes, or the same a day ago. */
function ownRange(panel: PanelModel, outer: { from: number; to: number }, relative: boolean): { from: number; to: number; text: string } {
    let { from, to } = outer;
    const said: string[] = [];
    /* As Grafana has it: where the dashboard shows fixed dates, so do its panels. */
    const wanted = relative ? panel.timeFrom : undefined;
    const span = wanted ? parseInterval(wanted) : NaN;
    if (wanted && span > 0) {
        from = to - span;
        said.push(`last ${wanted}`);
    } else if (wanted?.startsWith('now')) {
        const start = parseDateMath(wanted, to);
        from = Number.isNaN(start) ? from : start;
        said.push(wanted);
    }
    const shift = panel.timeShift ? parseInterval(panel.timeShift) : NaN;
    if (shift > 0) {
        from -= shift;
        to -= shift;
        said.push(`${panel.timeShift} earlier`);
    }
    return { from, to, text: panel.hideTimeOverride ? '' : said.join(', ') };
}

export function PanelFrame(props: FrameProps) {
    const { panel, type, width, height, look } = props;
    const [box, inSight] = useNear<HTMLElement>();
    const near = useDrawAll((s) => s.all) || inSight;
    const [seen, setSeen] = useState(false);
    const [, navigate] = useLocation();
    useEffect(() => {
        if (near) {
            setSeen(true);
        }
    }, [near]);
    const { from, to } = props.scope;
    const relative = isRelative(props.range);
    const own = useMemo(() => ownRange(panel, { from, to }, relative), [panel, from, to, relative]);
    const scope = useMemo(() => ({ ...props.scope, from: own.from, to: own.to }), [props.scope, own]);
    const data = usePanelData({ panel, scope, extra: props.extra, pending: props.pending, width, enabled: near, exemplars: props.exemplars });
    const latest = useRef(data);
    useEffect(() => {
        latest.current = data;
    });
    const hover = () => props.onHover?.(panel, () => props.onInspect(latest.current));
    const fill = useMemo(() => (text: string) => interpolate(text, { ...data.scope }, { extra: props.extra }), [data.scope, props.extra]);
    const title = fill(panel.title);
    const description = fill(panel.description);
    const bodyHeight = Math.max(20, height - HEADER_PX - PADDING_PX);
    const Body = type.component;
    const isEmpty = data.frames.every((f) => f.length === 0);
    /* What was there stays: until the answer of a refresh comes, and dimmed when it is a fault. */
    const good = useRef(data.frames);
    useEffect(() => {
        if (!data.error && !data.busy) {
            good.current = data.frames;
        }
    }, [data]);
    const isHeld = (data.busy || data.error !== undefined) && isEmpty && good.current.length > 0;
    const isOld = isHeld && data.error !== undefined;
    const given = isHeld ? good.current : data.frames;
    const recolor = useRecolor((s) => s.recolor);
    const frames = useMemo(() => (recolor ? recolor(given, look) : given), [recolor, given, look]);
    const showsBody = seen && (type.needsNoData || !isEmpty || isHeld);
    const expr = data.asked[0]?.expr;
    const exprs = useMemo(() => data.asked.map((q) => q.expr), [data.asked]);
    const events = props.annotations ?? NO_ANNOTATIONS;
    const annotations = useMemo(() => events.filter((one) => one.shows(panel.id, exprs)), [events, panel.id, exprs]);
    return (
        <section
            ref={box} className={panel.transparent ? 'board-panel transparent' : 'board-panel'} style={{ width, height }} aria-label={title || 'Panel'} tabIndex={-1} data-panel={panel.id} data-type={panel.type}
            data-state={data.error ? 'error' : data.busy ? 'busy' : !type.needsNoData && isEmpty ? 'empty' : 'ready'}
            onMouseEnter={hover} onMouseLeave={() => props.onHover?.(null)} onFocus={hover}
        >
            {seen && data.busy && <div className="busy-bar" />}
            <header className="board-panel-head">
                <h2 className="truncate" title={title}>{title}</h2>
                {own.text && <span className="panel-range">{own.text}</span>}
                {(description || panel.links.length > 0) && <Suspense fallback={<span className="panel-info" />}><PanelNotes title={title} description={description} links={panel.links} fill={fill} /></Suspense>}
                {data.warnings.length > 0 && (
                    <Tooltip label={data.warnings.slice(0, 5).join('\n')} multiline maw={420}>
                        <button type="button" className="panel-info warn" aria-label={data.warnings.join('; ')}><Icon name="warning" size={13} /></button>
                    </Tooltip>
                )}
                {data.error && !isEmpty && <span className="panel-info bad" title={data.error.message}><Icon name="warning" size={13} /></span>}
                <span className="grow" />
                <Menu position="bottom-end" width={150}>
                    <Menu.Target><button type="button" className="panel-menu" aria-label={`Menu of ${title || 'the panel'}`}><Icon name="menu" size={14} /></button></Menu.Target>
                    <Menu.Dropdown>
                        <Menu.Item onClick={props.onView}>View</Menu.Item>
                        {props.onEdit && <Menu.Item onClick={props.onEdit}>Edit</Menu.Item>}
                        {expr && <Menu.Item onClick={() => navigate(exploreLink(expr, props.range))}>Explore</Menu.Item>}
                        <Menu.Item onClick={() => props.onInspect(data)}>Inspect</Menu.Item>
                        <Menu.Item onClick={() => void import('./png').then(({ savePng }) => box.current && savePng(box.current, title))}>Save as PNG</Menu.Item>
                        {props.actions?.map((a) => <Menu.Item key={a.label} onClick={a.run}>{a.label}</Menu.Item>)}
                    </Menu.Dropdown>
                </Menu>
            </header>
            <div className={data.error ? 'board-panel-body failed' : 'board-panel-body'} style={{ height: bodyHeight }}>
                {!props.isKnown && <div className="panel-note">There is no panel of the type “{panel.type}” here: its JSON is kept, its data are shown as a table.</div>}
                <Guard of={data}>
                    {showsBody && (
                        <Suspense fallback={null}>
                            <Body
                                panel={panel} frames={frames} look={look} width={width - 2 * PADDING_PX} height={bodyHeight - (props.isKnown ? 0 : 36)} from={own.from} to={own.to}
                                zone={props.scope.zone} sync={props.sync} sharesTip={props.sharesTip} fill={fill} onZoom={props.onZoom} onZoomOut={props.onZoomOut} annotations={annotations} exemplars={data.exemplars} exprs={exprs}
                            />
                        </Suspense>
                    )}
                    {seen && (isOld || (!showsBody && (data.error || !data.busy))) && <Suspense fallback={null}><Said data={data} panel={panel} range={props.range} width={width} height={bodyHeight} onZoom={props.onZoom} /></Suspense>}
                </Guard>
            </div>
        </section>
    );
}
