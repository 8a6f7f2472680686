/* growth: metrics that have more series than some time ago. */
import { query } from '../../api/prometheus';
import type { Series, TsdbCount } from '../../api/types';

const GROWN_MAX = 50;

const countsOf = (list: readonly Series[]) => new Map(list.map((one) => [one.labels.__name__ ?? '', one.values[0] ?? 0]));

/* grownOf subtracts, and gives those that grew most first; what was not there has grown by all that it has. */
export function grownOf(now: readonly Series[], before: readonly Series[]): TsdbCount[] {
    const then = countsOf(before);
    return [...countsOf(now)]
        .map(([name, count]) => ({ name, value: count - (then.get(name) ?? 0) }))
        .filter((one) => one.value > 0)
        .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1))
        .slice(0, GROWN_MAX);
}

/* loadGrown counts the series of each metric now and `since` ("1d") ago. */
export async function loadGrown(since: string, at: number, signal: AbortSignal): Promise<TsdbCount[]> {
    const count = (offset: string) => query(`count by (__name__) ({__name__!=""}${offset})`, at, { signal });
    const [now, before] = await Promise.all([count(''), count(` offset ${since}`)]);
    return grownOf(now.data.series, before.data.series);
}
