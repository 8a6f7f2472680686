/* model: alerting rules and Alertmanager's view of their alerts, joined by fingerprint. */
import type { AmAlert } from '../../api/alertmanager';
import type { ExplainNode, Labels, Rule, RuleAlert, RuleGroup } from '../../api/types';
import { fingerprint } from '../../ui/links';

export interface ActiveAlert {
    id: string;
    alert: RuleAlert;
    rule: Rule;
    group: RuleGroup;
    /* What Alertmanager says of it; undefined when it does not know it. */
    am?: AmAlert;
}

export function activeAlerts(groups: readonly RuleGroup[], known: readonly AmAlert[] = []): ActiveAlert[] {
    const byId = new Map(known.map((one) => [one.fingerprint, one]));
    return groups.flatMap((group) =>
        group.rules.flatMap((rule) =>
            (rule.alerts ?? []).map((alert) => {
                const id = fingerprint(alert.labels);
                return { id, alert, rule, group, am: byId.get(id) };
            }),
        ),
    );
}

export interface EndedAlert {
    alert: RuleAlert;
    rule: Rule;
}

/** endedWithoutData lists alerts that ended because their series are gone, the last first. */
export function endedWithoutData(groups: readonly RuleGroup[]): EndedAlert[] {
    return groups
        .flatMap((group) => group.rules.flatMap((rule) => (rule.noData?.alerts ?? []).map((alert) => ({ alert, rule }))))
        .sort((a, b) => Date.parse(b.alert.noDataSince ?? '') - Date.parse(a.alert.noDataSince ?? ''));
}

export function isMuted(one: ActiveAlert): boolean {
    return one.am?.status.state === 'suppressed';
}

export interface Comparison {
    /* What is compared, and may be drawn. */
    expr: string;
    op: string;
    threshold: number;
}

/* comparisonOf reads the threshold of "expr > 5" out of the explained query; null when it compares with no number. */
export function comparisonOf(root: ExplainNode | undefined): Comparison | null {
    const [left, right] = root?.children ?? [];
    if (!root || !left || !right || root.node !== 'binary') {
        return null;
    }
    const op = root.expr.slice(left.expr.length).match(/^\)?\s*(>=|<=|==|!=|>|<)/)?.[1];
    const threshold = Number(right.expr.replace(/[()\s]/g, ''));
    return op && Number.isFinite(threshold) && root.expr.startsWith(left.expr) ? { expr: left.expr, op, threshold } : null;
}

/* belongs is true when a series is the one that an alert is about: the alert's labels hold all of its own. */
export function belongs(series: Labels, alert: Labels): boolean {
    return Object.entries(series).every(([name, value]) => name === '__name__' || alert[name] === undefined || alert[name] === value);
}
