/* useAlerts: the alerts of the rules with Alertmanager's view of them; without an Alertmanager the rules' alone. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { rules } from '../../api/prometheus';
import { useKnownAlerts, usePoll } from '../../ui';
import { activeAlerts } from './model';

const REFETCH_MS = 5_000;

export function useAlerts() {
    const groups = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: usePoll(REFETCH_MS) });
    const known = useKnownAlerts(REFETCH_MS, 'all');
    const active = useMemo(() => activeAlerts(groups.data?.groups ?? [], known.data ?? []), [groups.data, known.data]);
    return { groups, known, hasAlertmanager: known.data !== null && known.data !== undefined, active };
}
