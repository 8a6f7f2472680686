/* model: one rule as a rule file, and the lives of its alerts as spans of a time line. */
import { askJson } from '../../api/http';
import type { Labels } from '../../api/types';

export interface BacktestAlert {
    group: string;
    rule: string;
    labels: Labels;
    annotations: Labels;
    value: string;
    pendingAt: string | null;
    firingAt: string | null;
    resolvedAt: string | null;
}

export interface BacktestResult {
    rules: number;
    evaluations: number;
    alerts: BacktestAlert[];
    droppedAlerts: number;
}

export interface BacktestRule {
    name: string;
    expr: string;
    for: string;
    keep: string;
}

/* ruleFile writes a rule file; JSON is YAML, and needs no quoting of its own. */
export function ruleFile(rule: BacktestRule, interval: string): string {
    const alert = {
        alert: rule.name || 'Tried',
        expr: rule.expr,
        ...(rule.for ? { for: rule.for } : {}),
        ...(rule.keep ? { keep_firing_for: rule.keep } : {}),
    };
    return JSON.stringify({ groups: [{ name: 'backtest', interval, rules: [alert] }] });
}

/* runBacktest takes seconds for both ends. */
export const runBacktest = (rules: string, start: number, end: number, interval: string, signal?: AbortSignal) =>
    askJson<{ data: BacktestResult }>('api/v1/backtest', { form: { rules, start, end, interval }, signal }).then((answer) => answer.data);

export interface Span {
    from: number;
    to: number;
    state: 'pending' | 'firing';
}

export interface Line {
    key: string;
    labels: Labels;
    spans: Span[];
    firingMs: number;
    times: number;
}

/* linesOf groups alerts of the same labels into one line; what has not ended ends with the range. Times in ms. */
export function linesOf(alerts: readonly BacktestAlert[], end: number): Line[] {
    const lines = new Map<string, Line>();
    for (const alert of alerts) {
        const key = JSON.stringify(Object.entries(alert.labels).sort(([a], [b]) => a.localeCompare(b)));
        const line = lines.get(key) ?? { key, labels: alert.labels, spans: [], firingMs: 0, times: 0 };
        const over = alert.resolvedAt === null ? end : Date.parse(alert.resolvedAt);
        const firing = alert.firingAt === null ? null : Date.parse(alert.firingAt);
        const pending = alert.pendingAt === null ? firing : Date.parse(alert.pendingAt);
        if (pending !== null && (firing === null || firing > pending)) {
            line.spans.push({ from: pending, to: firing ?? over, state: 'pending' });
        }
        if (firing !== null) {
            line.spans.push({ from: firing, to: over, state: 'firing' });
            line.firingMs += Math.max(0, over - firing);
            line.times++;
        }
        lines.set(key, line);
    }
    return [...lines.values()].sort((a, b) => b.firingMs - a.firingMs || a.key.localeCompare(b.key));
}
