/* model: alerting rules and Alertmanager's view of their alerts, joined by fingerprint, and the alerts that others post to it. */
import type { AmAlert } from '../../api/alertmanager';
import type { ExplainNode, Labels, Rule, RuleAlert, RuleGroup } from '../../api/types';
import { formatQuantity, guessQuantity } from '../../ui/format';
import { joinKnown, type ListedAlert, listOther, nameOf, rankOf } from '../../ui/known';

export interface ActiveAlert extends ListedAlert {
    /* Both undefined: it was posted by others. */
    rule?: Rule;
    group?: RuleGroup;
}

export function activeAlerts(groups: readonly RuleGroup[], known: readonly AmAlert[] = [], ownUrl?: string): ActiveAlert[] {
    const { amOf, others } = joinKnown(groups.flatMap((group) => group.rules.flatMap((rule) => (rule.alerts ?? []).map((alert) => alert.labels))), known, ownUrl);
    const own = groups.flatMap((group) =>
        group.rules.flatMap((rule) =>
            (rule.alerts ?? []).map((alert) => ({ alert, rule, group, am: amOf(alert.labels) })),
        ),
    );
    return [...own, ...others.map(listOther)];
}

/** titleOf is the name of its rule, or that which others gave it. */
export const titleOf = (one: ActiveAlert): string => one.rule?.name ?? nameOf(one.alert);

export interface Source {
    name: string;
    href?: string;
}

/** sourceOf says where an alert comes from that no rule here has made. */
export function sourceOf(am: AmAlert): Source {
    const url = /^https?:\/\//.test(am.generatorURL ?? '') ? am.generatorURL : undefined;
    if (url !== undefined && URL.canParse(url)) {
        return { name: new URL(url).host, href: url };
    }
    return am.labels.heartbeat === undefined ? { name: 'the API' } : { name: 'heartbeats', href: '/status/heartbeats' };
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

/* valueText is the value as people read it, with the unit of what the rule compares. */
export function valueText(alert: RuleAlert, rule: Rule): string {
    return formatQuantity(Number(alert.value), guessQuantity(rule.query.replace(/[<>=!]+.*$/, '')));
}

export interface AlertSection {
    name: string;
    list: ActiveAlert[];
    firing: number;
}

/* What alerts are grouped by: their rule (those of others their name, apart), their receivers, or a label ("label.team"). */
function keysOf(one: ActiveAlert, by: string): string[] {
    if (by === 'receiver') {
        const names = one.am?.receivers.map((receiver) => receiver.name) ?? [];
        return names.length > 0 ? names : ['no receiver'];
    }
    if (by.startsWith('label.')) {
        const name = by.slice('label.'.length);
        const value = one.alert.labels[name];
        return [value === undefined ? `no ${name}` : `${name}="${value}"`];
    }
    return [one.rule ? one.rule.name : `${titleOf(one)}, posted`];
}

/* sectionsOf groups alerts, what fires most first; in a group what fires stands first, what is muted last, the newest of them above. */
export function sectionsOf(list: readonly ActiveAlert[], by: string): AlertSection[] {
    const sections = new Map<string, AlertSection>();
    for (const one of list) {
        for (const name of keysOf(one, by)) {
            const section = sections.get(name) ?? { name, list: [], firing: 0 };
            section.list.push(one);
            section.firing += rankOf(one) === 0 ? 1 : 0;
            sections.set(name, section);
        }
    }
    for (const section of sections.values()) {
        section.list.sort((a, b) => rankOf(a) - rankOf(b) || (a.alert.activeAt < b.alert.activeAt ? 1 : a.alert.activeAt > b.alert.activeAt ? -1 : 0));
    }
    return [...sections.values()].sort((a, b) => b.firing - a.firing || a.name.localeCompare(b.name));
}

/* labelNames lists what alerts may be grouped by. */
export function labelNames(list: readonly ActiveAlert[]): string[] {
    const names = new Set<string>();
    list.forEach((one) => Object.keys(one.alert.labels).forEach((name) => names.add(name)));
    names.delete('alertname');
    return [...names].sort();
}
