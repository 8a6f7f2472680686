/* state: what Explore shows, as it stands in the URL, and Prometheus's old and new links to it. */
import type { DrawStyle } from '../../draw/SeriesGraph';
import { formatDuration, parseDuration, parseTime } from '../../grafana/time';

export type Tab = 'graph' | 'table' | 'tree';

export interface ExploreQuery {
    expr: string;
    hidden: boolean;
}

export interface ExploreState {
    queries: ExploreQuery[];
    tab: Tab;
    draw: DrawStyle;
    exemplars: boolean;
    log: boolean;
    /* The same range one width earlier is drawn too. */
    before: boolean;
    /* Least step, as typed. */
    step: string;
}

/* More editors than letters help nobody. */
export const QUERIES_MAX = 26;

export function letterOf(index: number): string {
    return String.fromCharCode(65 + index);
}

function oneOf<T extends string>(text: string | null, choices: readonly T[]): T {
    return choices.find((choice) => choice === text) ?? choices[0]!;
}

export function readState(params: URLSearchParams): ExploreState {
    const hidden = new Set((params.get('hide') ?? '').split(','));
    const exprs = params.getAll('expr').slice(0, QUERIES_MAX);
    return {
        queries: (exprs.length > 0 ? exprs : ['']).map((expr, i) => ({ expr, hidden: hidden.has(letterOf(i)) })),
        tab: oneOf(params.get('tab'), ['graph', 'table', 'tree']),
        draw: oneOf(params.get('draw'), ['line', 'stacked', 'bars', 'points']),
        exemplars: params.get('exemplars') === '1',
        log: params.get('log') === '1',
        before: params.get('before') === '1',
        step: params.get('step') ?? '',
    };
}

/* writeState gives the parameters of a state; null takes one away. */
export function writeState(state: ExploreState): Record<string, string | string[] | null> {
    const hidden = state.queries.flatMap((query, i) => (query.hidden ? [letterOf(i)] : []));
    return {
        expr: state.queries.map((query) => query.expr),
        hide: hidden.length > 0 ? hidden.join(',') : null,
        tab: state.tab === 'graph' ? null : state.tab,
        draw: state.draw === 'line' ? null : state.draw,
        exemplars: state.exemplars ? '1' : null,
        log: state.log ? '1' : null,
        before: state.before ? '1' : null,
        step: state.step || null,
    };
}

/* fromPrometheusLink reads /graph?g0.expr=...&g0.tab=0&g0.range_input=1h&g0.end_input=...; /query has the same parameters. */
export function fromPrometheusLink(search: string): string {
    const old = new URLSearchParams(search);
    const out = new URLSearchParams();
    for (let i = 0; i < QUERIES_MAX && old.has(`g${i}.expr`); i++) {
        out.append('expr', old.get(`g${i}.expr`) ?? '');
    }
    const tab = old.get('g0.tab');
    if (tab === '1' || tab === 'table') {
        out.set('tab', 'table');
    } else if (tab === 'explain') {
        out.set('tab', 'tree');
    }
    if (old.get('g0.stacked') === '1' || old.get('g0.display_mode') === 'stacked') {
        out.set('draw', 'stacked');
    }
    if (old.get('g0.show_exemplars') === '1') {
        out.set('exemplars', '1');
    }
    const width = parseDuration(old.get('g0.range_input') ?? '');
    const end = parseTime(`${old.get('g0.end_input') ?? old.get('g0.moment_input') ?? ''}Z`, 0) ?? parseTime(old.get('g0.end_input') ?? '', 0);
    if (width !== null && end !== null) {
        out.set('from', String(end - width));
        out.set('to', String(end));
    } else if (width !== null) {
        out.set('from', `now-${formatDuration(width)}`);
        out.set('to', 'now');
    }
    const step = old.get('g0.step_input') ?? old.get('g0.res_step');
    if (step && /^\d+$/.test(step)) {
        out.set('step', `${step}s`);
    }
    return `/explore?${out.toString()}`;
}
