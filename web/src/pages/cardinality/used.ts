/* used: the names that rules and dashboards mention, so that what nobody looks at stands out. */
import { askJson } from '../../api/http';
import { rules } from '../../api/prometheus';

/* Dashboards that are read; more are said to be left out. */
export const DASHBOARDS_MAX = 200;

export interface Used {
    /* Identifiers in expressions: metric names among them. */
    names: Set<string>;
    dashboards: number;
    rules: number;
    /* More dashboards than DASHBOARDS_MAX are there. */
    cut: boolean;
}

/* addNames collects every word of an expression that may be a metric's name; functions and labels do no harm. */
export function addNames(expr: string, into: Set<string>): void {
    for (const match of expr.matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*/g)) {
        into.add(match[0]);
    }
}

/* addExpressions walks a dashboard's JSON for what holds expressions: expr, query, definition. */
export function addExpressions(node: unknown, into: Set<string>, depth = 0): void {
    if (depth > 60 || node === null || typeof node !== 'object') {
        return;
    }
    for (const [key, value] of Object.entries(node)) {
        if (typeof value === 'string' && (key === 'expr' || key === 'query' || key === 'definition')) {
            addNames(value, into);
        } else {
            addExpressions(value, into, depth + 1);
        }
    }
}

export async function loadUsed(signal: AbortSignal): Promise<Used> {
    const names = new Set<string>();
    const groups = (await rules(signal)).groups;
    const all = groups.flatMap((group) => group.rules);
    all.forEach((rule) => addNames(rule.query, names));
    const found = await askJson<{ uid: string; type?: string }[]>('api/search', { params: { type: 'dash-db', limit: 1000 }, signal }).catch(() => []);
    const boards = found.filter((one) => one.uid && one.type !== 'dash-folder');
    for (const board of boards.slice(0, DASHBOARDS_MAX)) {
        const answer = await askJson<{ dashboard?: unknown }>(`api/dashboards/uid/${encodeURIComponent(board.uid)}`, { signal }).catch(() => ({ dashboard: null }));
        addExpressions(answer.dashboard, names);
    }
    return { names, dashboards: Math.min(boards.length, DASHBOARDS_MAX), rules: all.length, cut: boards.length > DASHBOARDS_MAX };
}
