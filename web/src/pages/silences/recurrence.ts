/* recurrence: the times at which a recurring silence silences, between the form's fields and the intervals of the API. */
import type { TimeInterval } from '../../api/alertmanager';

export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/* What the form shows of an interval; its other members (months, years, days of the month) are kept. */
export interface Recurrence {
    days: readonly string[];
    /* "22:00-24:00, 00:00-06:00"; empty is the whole day. */
    times: string;
    location: string;
    kept: TimeInterval;
}

const TIME = /^(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)$/;

export const title = (day: string): string => day[0]!.toUpperCase() + day.slice(1, 3);

export function newRecurrence(location: string): Recurrence {
    return { days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'], times: '22:00-24:00', location, kept: {} };
}

/* "monday:friday" is five days, and may go over the end of the week. */
function daysOf(ranges: readonly string[]): string[] {
    const found = new Set<string>();
    for (const range of ranges) {
        const [from, to = from] = range.toLowerCase().split(':').map((name) => DAYS.findIndex((day) => day === name.trim())) as [number, number?];
        if (from >= 0 && to !== undefined && to >= 0) {
            for (let i = from; ; i = (i + 1) % DAYS.length) {
                found.add(DAYS[i]!);
                if (i === to) {
                    break;
                }
            }
        }
    }
    return DAYS.filter((day) => found.has(day));
}

export function fromInterval(interval: TimeInterval): Recurrence {
    const { weekdays = [], times = [], location = 'UTC', ...kept } = interval;
    return { days: daysOf(weekdays), times: times.map((t) => `${t.start_time}-${t.end_time}`).join(', '), location, kept };
}

/** faultOf says what is wrong with a row of the form; null: nothing. */
export function faultOf(row: Recurrence): string | null {
    for (const part of row.times.split(',').map((t) => t.trim()).filter(Boolean)) {
        const [from, to, more] = part.split(/[-–]/).map((t) => t.trim());
        if (!from || !to || more !== undefined || !TIME.test(from) || !TIME.test(to)) {
            return `“${part}” is no time of the day: 22:00-24:00`;
        }
        if (from.padStart(5, '0') >= to.padStart(5, '0')) {
            return `${part} ends before it begins: over midnight takes two, 22:00-24:00, 00:00-06:00`;
        }
    }
    return row.days.length === 0 && row.times.trim() === '' && Object.keys(row.kept).length === 0 ? 'It silences always: choose days or times' : null;
}

export function toInterval(row: Recurrence): TimeInterval {
    const times = row.times.split(',').map((t) => t.trim()).filter(Boolean).map((part) => {
        const [start_time, end_time] = part.split(/[-–]/).map((t) => t.trim().padStart(5, '0')) as [string, string];
        return { start_time, end_time };
    });
    return {
        ...row.kept,
        ...(row.days.length > 0 && row.days.length < DAYS.length ? { weekdays: [...row.days] } : {}),
        ...(times.length > 0 ? { times } : {}),
        ...(row.location !== '' && row.location !== 'UTC' ? { location: row.location } : {}),
    };
}

/* Neighbours are told as a range: "Mon–Fri, Sun". */
function daysText(days: readonly string[]): string {
    const at = days.map((day) => DAYS.findIndex((one) => one === day));
    const parts: string[] = [];
    for (let i = 0; i < at.length; i++) {
        let end = i;
        while (end + 1 < at.length && at[end + 1] === at[end]! + 1) {
            end++;
        }
        parts.push(end - i >= 2 ? `${title(days[i]!)}–${title(days[end]!)}` : days.slice(i, end + 1).map(title).join(', '));
        i = end;
    }
    return parts.join(', ');
}

/** describe tells an interval in a line. */
export function describe(interval: TimeInterval): string {
    const row = fromInterval(interval);
    const other = ['months', 'days_of_month', 'years'].flatMap((name) => {
        const list = (row.kept as Record<string, unknown>)[name];
        return Array.isArray(list) && list.length > 0 ? [`${name === 'days_of_month' ? 'days' : name} ${list.join(', ')}`] : [];
    });
    const words = [row.days.length > 0 ? daysText(row.days) : 'every day', ...other, row.times.replaceAll('-', '–') || 'all day'];
    return `${words.join(', ')} (${row.location})`;
}
