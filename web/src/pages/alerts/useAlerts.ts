/* useAlerts: the alerts of the rules with Alertmanager's view of them, and those that others post to it; without an Alertmanager the rules' alone. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { rules } from '../../api/prometheus';
import { useKnownAlerts, usePoll } from '../../ui';
import { activeAlerts } from './model';

const REFETCH_MS = 5_000;

export function useAlerts() {
    const groups = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules(signal), refetchInterval: usePoll(REFETCH_MS) });
    const { known, ownUrl } = useKnownAlerts(REFETCH_MS);
    const active = useMemo(() => (groups.data ? activeAlerts(groups.data.groups, known.data ?? [], ownUrl) : []), [groups.data, known.data, ownUrl]);
    return { groups, known, hasAlertmanager: known.data !== null && known.data !== undefined, active };
}
