/* nearest: the range of the same width, next to the one that is shown, in which an expression has data. Times in seconds. */
import { queryRange } from '../../api/prometheus';

/* So far is looked, back and forth, at each hour by a subquery of its minutes. */
const REACH_S = 30 * 86_400;
const STEP_S = 3600;

/* nearestOf gives the range around the time that is nearest to the middle of the one that is shown; a time stands for the hour before it. */
export function nearestOf(times: readonly number[], from: number, to: number): { from: number; to: number } | null {
    const middle = (from + to) / 2;
    const width = to - from;
    let best: number | null = null;
    for (const time of times) {
        if (best === null || Math.abs(time - middle) < Math.abs(best - middle)) {
            best = time;
        }
    }
    if (best === null) {
        return null;
    }
    /* Before the range its last hour is at the end, behind it its first one at the begin. */
    return best <= middle ? { from: best - Math.max(width, STEP_S), to: best } : { from: best - STEP_S, to: best - STEP_S + Math.max(width, STEP_S) };
}

/* findNearest asks the server; null: nothing within 30 days. */
export async function findNearest(expr: string, from: number, to: number, now: number): Promise<{ from: number; to: number } | null> {
    const end = Math.min(Math.ceil(to / STEP_S) * STEP_S + REACH_S, Math.ceil(now / STEP_S) * STEP_S);
    const start = Math.floor(from / STEP_S) * STEP_S - REACH_S;
    const { data } = await queryRange(`count(present_over_time((${expr})[1h:5m]))`, start, Math.max(start, end), STEP_S);
    return nearestOf(data.series.flatMap((one) => [...one.times]), from, to);
}
