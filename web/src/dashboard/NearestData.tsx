/* NearestData: the way from a range without data to the nearest one that has some. */
import { useEffect, useRef, useState } from 'react';
import { Button } from '../ui';
import { nearestData } from './nearest';

interface NearestProps {
    expr: string;
    /* ms since 1970. */
    from: number;
    to: number;
    onZoom: (from: number, to: number) => void;
}

/* It looks when it is asked to: a dashboard may have many panels without data. */
export function NearestData({ expr, from, to, onZoom }: NearestProps) {
    const [said, setSaid] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const gone = useRef(new AbortController());
    useEffect(() => {
        const controller = new AbortController();
        gone.current = controller;
        return () => controller.abort();
    }, []);
    const find = (): void => {
        const { signal } = gone.current;
        setBusy(true);
        nearestData(expr, from, to, Date.now(), signal).then(
            (found) => (found ? onZoom(found.from, found.to) : setSaid('None of its metrics has a sample within 400 days.')),
            (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)),
        ).finally(() => !signal.aborted && setBusy(false));
    };
    return said === null ? <Button variant="default" size="compact-xs" loading={busy} onClick={find}>Nearest range with data</Button> : <span role="status">{said}</span>;
}
