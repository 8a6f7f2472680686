/* RecurrenceForm: days, times and zone of a recurring silence, a row an interval, with the next windows as the server sees them. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { amPreviewSilence, type SilenceWindow } from '../../api/alertmanager';
import { formatDuration, formatTime } from '../../grafana/time';
import { ActionIcon, Button, Fault, Icon, TextInput, useDebouncedValue } from '../../ui';
import { DAYS, faultOf, newRecurrence, type Recurrence, title, toInterval } from './recurrence';

interface FormProps {
    rows: readonly Recurrence[];
    change: (rows: Recurrence[]) => void;
    location: string;
}

function Row({ row, index, change, remove }: { row: Recurrence; index: number; change: (row: Recurrence) => void; remove: (() => void) | undefined }) {
    const toggle = (day: string) => change({ ...row, days: DAYS.filter((one) => (one === day ? !row.days.includes(day) : row.days.includes(one))) });
    return (
        <div className="recurrence" role="group" aria-label={`Interval ${index + 1}`}>
            <div className="row" style={{ gap: 4 }}>
                {DAYS.map((day) => (
                    <button key={day} type="button" className="day" aria-pressed={row.days.includes(day)} onClick={() => toggle(day)}>{title(day)}</button>
                ))}
                <span className="grow" />
                {remove && <ActionIcon aria-label={`Remove interval ${index + 1}`} onClick={remove}><Icon name="close" size={14} /></ActionIcon>}
            </div>
            <div className="silence-times">
                <TextInput label="Times" placeholder="all day" value={row.times} error={faultOf(row)} onChange={(event) => change({ ...row, times: event.currentTarget.value })} />
                <TextInput label="Time zone" placeholder="UTC" value={row.location} onChange={(event) => change({ ...row, location: event.currentTarget.value.trim() })} />
            </div>
        </div>
    );
}

export function RecurrenceForm({ rows, change, location }: FormProps) {
    return (
        <fieldset>
            <legend>Only at these times</legend>
            {rows.map((row, i) => (
                <Row
                    key={i} row={row} index={i} change={(next) => change(rows.map((one, at) => (at === i ? next : one)))}
                    remove={rows.length > 1 ? () => change(rows.filter((_, at) => at !== i)) : undefined}
                />
            ))}
            <Button variant="subtle" size="compact-xs" leftSection={<Icon name="plus" size={12} />} onClick={() => change([...rows, newRecurrence(location)])}>Times</Button>
        </fieldset>
    );
}

export function Windows({ list }: { list: readonly SilenceWindow[] }) {
    return (
        <ul className="windows num">
            {list.map((one) => (
                <li key={one.startsAt}>
                    {formatTime(Date.parse(one.startsAt))} <span className="muted">for {formatDuration(Date.parse(one.endsAt) - Date.parse(one.startsAt))}</span>
                </li>
            ))}
        </ul>
    );
}

/* NextWindows asks the server, so that what is shown is what will be. */
export function NextWindows({ rows, start, end }: { rows: readonly Recurrence[]; start: number; end: number }) {
    const body = JSON.stringify({ startsAt: new Date(start).toISOString(), endsAt: new Date(end).toISOString(), timeIntervals: rows.map(toInterval) });
    const [asked] = useDebouncedValue(body, 300);
    const found = useQuery({
        queryKey: ['silence-windows', asked.replace(/"startsAt":"[^"]*"/, '')],
        queryFn: ({ signal }) => amPreviewSilence(JSON.parse(asked), signal),
        placeholderData: keepPreviousData,
        retry: false,
    });
    const list = found.data?.nextWindows ?? [];
    return found.error ? <Fault error={found.error} /> : (
        <div aria-live="polite">
            <div className="muted" style={{ fontSize: 12 }}>{found.data && list.length === 0 ? 'It never silences between its start and its end.' : 'Next:'}</div>
            <Windows list={list} />
        </div>
    );
}
