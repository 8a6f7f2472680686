/* useAlerts: the alerts of the rules with Alertmanager's view of them; without an Alertmanager the rules' alone. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { amAlerts } from '../../api/alertmanager';
import { ApiError } from '../../api/http';
import { rules } from '../../api/prometheus';
import { usePoll } from '../../ui';
import { activeAlerts } from './model';

const REFETCH_MS = 5_000;

export function useAlerts() {
    const every = usePoll(REFETCH_MS);
    const groups = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: every });
    const known = useQuery({
        queryKey: ['am-alerts'],
        queryFn: ({ signal }) => amAlerts([], signal).catch((error: unknown) => {
            if (error instanceof ApiError && (error.status === 404 || error.status === 503)) {
                return null; /* alerting has not started */
            }
            throw error;
        }),
        refetchInterval: every,
    });
    const active = useMemo(() => activeAlerts(groups.data?.groups ?? [], known.data ?? []), [groups.data, known.data]);
    return { groups, known, hasAlertmanager: known.data !== null && known.data !== undefined, active };
}
