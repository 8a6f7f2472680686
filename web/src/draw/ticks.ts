/* ticks: round places on an axis, for what draws its own axes. */
import { zoneOffset, type TimeZone } from '../grafana/datetime';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
    SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY,
];

export interface TimeTick {
    /* Ms. */
    at: number;
    /* The pattern that tells it from its neighbours. */
    pattern: string;
}

/** timeTicks gives at most `most` times of a range, round ones of the zone's clock. */
export function timeTicks(from: number, to: number, most: number, zone: TimeZone): TimeTick[] {
    const step = STEPS.find((s) => (to - from) / s <= most) ?? STEPS[STEPS.length - 1]! * Math.ceil((to - from) / STEPS[STEPS.length - 1]! / most);
    const offset = zoneOffset(from, zone);
    const pattern = step >= DAY ? 'MM-DD' : step >= MINUTE ? 'HH:mm' : 'HH:mm:ss';
    const found: TimeTick[] = [];
    for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
        found.push({ at, pattern: step < DAY && (at + offset) % DAY === 0 ? 'MM-DD' : pattern });
    }
    return found;
}

/** isBinary is true of units that read best at powers of two: 16 MiB and not 19.1. */
export const isBinary = (unit: string | undefined): boolean => /^(bytes|kbytes|mbytes|gbytes|bits|binBps|binbps|KiBs|MiBs)$/.test(unit ?? '');

/** valueTicks gives round values from 0 to at least `highest`, about `count` of them; `binary`: a power of two apart. */
export function valueTicks(highest: number, count: number, binary = false): number[] {
    if (!(highest > 0) || !Number.isFinite(highest)) {
        return [0, 1];
    }
    const raw = highest / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = binary && raw >= 1 ? 2 ** Math.ceil(Math.log2(raw) - 1e-9) : [1, 2, 2.5, 5, 10].map((n) => n * power).find((s) => s >= raw * (1 - 1e-9)) ?? 10 * power;
    return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
