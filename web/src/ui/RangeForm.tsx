/* RangeForm: the two ends of a range of time, as text. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type Calendar, formatDate, FULL_DATE } from '../grafana/datetime';
import { parseTime } from '../grafana/time';
import { storedUtc, toggleUtc } from './store';
import type { Clock } from './timeRange';

function shown(text: string, { zone }: Calendar): string {
    return /^\d+$/.test(text) ? formatDate(Number(text), FULL_DATE, zone) : text;
}

export default function RangeForm({ clock, close }: { clock: Clock; close: () => void }) {
    const [from, setFrom] = useState(shown(clock.range.from, clock.calendar));
    const [to, setTo] = useState(shown(clock.range.to, clock.calendar));
    const now = Date.now();
    const utc = storedUtc();
    const fromFault = parseTime(from, now, false, clock.calendar) === null ? 'A time, or now-6h' : undefined;
    const toFault = parseTime(to, now, true, clock.calendar) === null ? 'A time, or now' : undefined;

    function apply(event: React.FormEvent): void {
        event.preventDefault();
        const plain = (text: string, up: boolean) => (text.trim().startsWith('now') ? text.trim() : String(parseTime(text, now, up, clock.calendar)));
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
            {clock.calendar.zone === undefined ? (
                <p className="muted">
                    Times are {utc ? 'UTC' : `local: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`}.{' '}
                    <Button variant="subtle" size="compact-xs" onClick={toggleUtc}>{utc ? 'Local times' : 'UTC'}</Button>
                </p>
            ) : <p className="muted">Times are in the dashboard&apos;s zone: {clock.calendar.zone === 'utc' ? 'UTC' : clock.calendar.zone}</p>}
        </form>
    );
}
