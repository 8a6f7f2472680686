/* selectors: where the selectors of an expression stand, by Prometheus's own grammar; and filters put into each of them. */
import { LabelMatchers, parser, VectorSelector } from '@prometheus-io/lezer-promql';
import { insertMatchers, matcherOf, type SelectorPlace } from '../grafana/adhoc';
import type { AdhocFilter } from '../grafana/model';

/* findSelectors gives them in order; of an expression with faults those that can be made out. */
export function findSelectors(expr: string): SelectorPlace[] {
    const found: SelectorPlace[] = [];
    parser.parse(expr).iterate({
        enter(node) {
            if (node.type.id !== VectorSelector) {
                return true;
            }
            const inside = node.node.getChild(LabelMatchers);
            const has = inside && inside.to > inside.from && expr[inside.to - 1] === '}';
            found.push({ from: node.from, to: node.to, ...(has ? { braces: { from: inside.from, to: inside.to } } : {}) });
            return false;
        },
    });
    return found;
}

/* addFilters puts the filters into every selector. */
export function addFilters(expr: string, filters: readonly AdhocFilter[]): string {
    return filters.length === 0 ? expr : insertMatchers(expr, findSelectors(expr), filters.map(matcherOf).join(', '));
}
