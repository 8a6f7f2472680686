/* RangeForm: the two ends of a range of time, as text. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatTime, parseTime } from '../grafana/time';
import type { Clock } from './timeRange';

function shown(text: string): string {
    return /^\d+$/.test(text) ? formatTime(Number(text)) : text;
}

export default function RangeForm({ clock, close }: { clock: Clock; close: () => void }) {
    const [from, setFrom] = useState(shown(clock.range.from));
    const [to, setTo] = useState(shown(clock.range.to));
    const now = Date.now();
    const fromFault = parseTime(from, now) === null ? 'A time, or now-6h' : undefined;
    const toFault = parseTime(to, now, true) === null ? 'A time, or now' : undefined;

    function apply(event: React.FormEvent): void {
        event.preventDefault();
        const plain = (text: string, up: boolean) => (text.trim().startsWith('now') ? text.trim() : String(parseTime(text, now, up)));
        if (!fromFault && !toFault) {
            clock.setRange({ from: plain(from, false), to: plain(to, true) });
            close();
        }
    }

    return (
        <form onSubmit={apply} className="range-form">
            <TextInput label="From" value={from} error={fromFault} onChange={(event) => setFrom(event.currentTarget.value)} />
            <TextInput label="To" value={to} error={toFault} onChange={(event) => setTo(event.currentTarget.value)} />
            <Button type="submit" disabled={!!(fromFault ?? toFault)}>Apply</Button>
            <p className="muted">Times are local: {Intl.DateTimeFormat().resolvedOptions().timeZone}</p>
        </form>
    );
}
