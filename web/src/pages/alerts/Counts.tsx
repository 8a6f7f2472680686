/* Counts: how many alerts fire, and how many of those are muted, for the rail. It draws nothing. */
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { alerts } from '../../api/prometheus';
import { isMuted, useListedAlerts, usePoll, useWindow } from '../../ui';

const EVERY_MS = 15_000;

export default function Counts() {
    const list = useQuery({ queryKey: ['alerts'], queryFn: ({ signal }) => alerts(signal), refetchInterval: usePoll(EVERY_MS) }).data?.alerts;
    const listed = useListedAlerts(list, EVERY_MS);
    useEffect(() => {
        const firing = listed.filter((one) => one.alert.state === 'firing');
        const muted = firing.filter(isMuted).length;
        useWindow.setState({ alerts: { told: firing.length - muted, muted } });
    }, [listed]);
    return null;
}
