/* adhoc: the ad hoc filters of a dashboard, as they stand in the URL, and what they do to expressions. The grammar is loaded when there is a filter. */
import { useEffect, useMemo, useState } from 'react';
import { chosenFilters } from '../grafana/adhoc';
import type { AdhocFilter, DashboardModel } from '../grafana/model';

export interface Adhoc {
    /* By variable. */
    variables: { name: string; label: string; hidden: boolean; filters: AdhocFilter[] }[];
    /* All of them; undefined when there is none, or while the grammar is being loaded (`waits`). */
    rewrite?: (expr: string) => string;
    waits: boolean;
}

type AddFilters = (expr: string, filters: readonly AdhocFilter[]) => string;

export function useAdhoc(board: DashboardModel | undefined, params: URLSearchParams): Adhoc {
    const models = useMemo(() => (board?.variables ?? []).filter((v) => v.type === 'adhoc'), [board]);
    const variables = models.map((m) => ({ name: m.name, label: m.label || m.name, hidden: m.hide === 'all', filters: chosenFilters(m.filters, params.getAll(`var-${m.name}`)) }));
    const key = JSON.stringify(variables);
    const has = variables.some((v) => v.filters.length > 0);
    const [add, setAdd] = useState<{ filters: AddFilters } | null>(null);
    useEffect(() => {
        let gone = false;
        if (has && !add) {
            void import('../promql/selectors').then(({ addFilters }) => {
                if (!gone) {
                    setAdd({ filters: addFilters });
                }
            });
        }
        return () => {
            gone = true;
        };
    }, [has, add]);
    return useMemo(() => {
        const known = JSON.parse(key) as Adhoc['variables'];
        const all = known.flatMap((v) => v.filters).filter((f) => f.key !== '');
        return { variables: known, waits: all.length > 0 && !add, ...(all.length > 0 && add ? { rewrite: (expr: string) => add.filters(expr, all) } : {}) };
    }, [key, add]);
}
