/* Counts: how many alerts fire, and how many of those are muted, for the rail. It draws nothing. */
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { alerts } from '../../api/prometheus';
import type { AlertList } from '../../api/types';
import { fingerprint, useMuted, usePoll, useWindow } from '../../ui';

const EVERY_MS = 15_000;
const firingOf = (list: AlertList) => list.alerts.filter((alert) => alert.state === 'firing');

export default function Counts() {
    const firing = useQuery({ queryKey: ['alerts'], queryFn: ({ signal }) => alerts(signal), refetchInterval: usePoll(EVERY_MS), select: firingOf }).data;
    const muted = useMuted(firing, EVERY_MS);
    useEffect(() => {
        const told = firing?.filter((alert) => !muted.has(fingerprint(alert.labels))).length ?? 0;
        useWindow.setState({ alerts: { told, muted: (firing?.length ?? 0) - told } });
    }, [firing, muted]);
    return null;
}
