/* nearest: where the data are that a range lacks: the window of the same length nearest to it in which any selector of an expression has a sample. */
import { parseQuery, queryRange } from '../api/prometheus';
import type { ParsedNode } from '../api/types';
import { asRecords, asText, isRecord } from '../grafana/json';
import { quoteLabel } from '../ui';

/* A query looks into so many windows, each of them this much longer than one of the query before. */
const WINDOWS = 60;
const GROWTH = 20;
const REACH_MS = 400 * 86_400_000;
const WINDOW_MS_MIN = 60_000;
/* Trees are as deep as their text is long; nobody writes such. */
const DEPTH_MAX = 200;

/** selectorsOf lists the distinct selectors of a parsed expression. */
export function selectorsOf(node: ParsedNode): string[] {
    const found = new Set<string>();
    const walk = (value: unknown, depth: number): void => {
        if (depth > DEPTH_MAX) {
            return;
        }
        if (Array.isArray(value)) {
            value.forEach((one) => walk(one, depth + 1));
        } else if (isRecord(value)) {
            if (value.type === 'vectorSelector' || value.type === 'matrixSelector') {
                const name = (text: string): string => (/^[a-zA-Z_]\w*$/.test(text) ? text : quoteLabel(text));
                found.add(`{${asRecords(value.matchers).map((m) => `${name(asText(m.name) ?? '')}${asText(m.type)}${quoteLabel(asText(m.value) ?? '')}`).join(',')}}`);
            }
            Object.values(value).forEach((one) => walk(one, depth + 1));
        }
    };
    walk(node, 0);
    return [...found];
}

/** Whether windows that end at start, start + step, ... end have data: the times (ms) of those that have. */
export type Look = (start: number, end: number, step: number) => Promise<number[]>;

/* The end of the nearest window of that length with data before `edge` (sign -1) or behind it, no farther than `most`. */
async function search(look: Look, edge: number, span: number, sign: -1 | 1, most: number): Promise<number | undefined> {
    let step = span;
    let found: number | undefined;
    for (;;) {
        const windows = Math.min(WINDOWS, Math.ceil(most / step));
        const ends = sign < 0 ? await look(edge - (windows - 1) * step, edge, step) : await look(edge + step, edge + windows * step, step);
        found = sign < 0 ? ends[ends.length - 1] : ends[0];
        if (found !== undefined || windows * step >= most) {
            break;
        }
        step *= GROWTH;
    }
    while (found !== undefined && step > span) {
        const smaller = Math.max(span, step / GROWTH);
        const ends = await look(found - step + smaller, found, smaller);
        found = (sign < 0 ? ends[ends.length - 1] : ends[0]) ?? found;
        step = smaller;
    }
    return found;
}

/** nearestWindow gives the nearest window as long as [from, to] that has data, ms since 1970. */
export async function nearestWindow(look: Look, from: number, to: number, now: number): Promise<{ from: number; to: number } | undefined> {
    const span = Math.max(WINDOW_MS_MIN, to - from);
    const before = await search(look, from, span, -1, REACH_MS);
    const behind = to < now - WINDOW_MS_MIN ? await search(look, to, span, 1, Math.min(REACH_MS, now - to)) : undefined;
    const end = behind === undefined || (before !== undefined && from - before < behind - to) ? before : behind;
    return end === undefined ? undefined : { from: end - span, to: end };
}

/** nearestData asks the server: undefined where no selector of the expression has a sample within reach. */
export async function nearestData(expr: string, from: number, to: number, now: number, signal?: AbortSignal): Promise<{ from: number; to: number } | undefined> {
    const selectors = selectorsOf(await parseQuery(expr, signal));
    const look: Look = async (start, end, step) => {
        const any = selectors.map((one) => `last_over_time(${one}[${Math.ceil(step)}ms])`).join(' or ');
        const answer = await queryRange(`count(${any})`, start / 1000, end / 1000, step / 1000, { ...(signal ? { signal } : {}) });
        return Array.from(answer.data.series[0]?.times ?? [], (t) => t * 1000);
    };
    return selectors.length === 0 ? undefined : nearestWindow(look, from, to, now);
}
