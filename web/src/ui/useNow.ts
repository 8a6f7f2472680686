/* useNow: the time in ms, moving on every second, for "3s ago". */
import { useEffect, useState } from 'react';

export function useNow(everyMs = 1000): number {
    const [now, setNow] = useState(() => Date.now());
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) {
                setNow(Date.now());
            }
        }, everyMs);
        return () => clearInterval(timer);
    }, [everyMs]);
    return now;
}
