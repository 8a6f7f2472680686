/*
 * bounds: how much of a dashboard is taken in. It comes from outside: lists that no dashboard needs are cut, rows are one level
 * deep, as Grafana has them, and JSON that is nested without end is refused before anything walks through it by recursion.
 */
import { asRecords, isRecord, own, type Json } from './json';

/** Deeper JSON browsers read, but no dashboard has it. */
export const DEPTH_MAX = 500;
/** Of a dashboard, those in rows too: the largest public one has 1,300. */
export const PANELS_MAX = 5000;

/* The dashboard's panels, and those of a row. */
const LEVELS_MAX = 2;

/* By the list's name; each entry costs a request, a look at every series, or an element of the page. */
const MOST: Readonly<Record<string, number>> = {
    targets: 200, transformations: 200, links: 200, list: 500, overrides: 1000, properties: 200, mappings: 1000, valueMaps: 1000, rangeMaps: 1000, steps: 200,
    seriesOverrides: 1000, styles: 1000, thresholds: 200, tags: 200, calcs: 50, refresh_intervals: 50, filters: 200,
};
const MOST_OF_OTHERS = 10_000;

/** What was left out: how many, by the name of their list. */
export type Cuts = Map<string, number>;

/** isTooDeep tells whether JSON is nested more than DEPTH_MAX deep; it does not recurse itself. */
export function isTooDeep(value: unknown): boolean {
    const open: [unknown, number][] = [[value, 0]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const [at, depth] = next;
        if (typeof at !== 'object' || at === null) {
            continue;
        }
        const inner = Object.values(at) as unknown[];
        if (depth >= DEPTH_MAX && inner.length > 0) {
            return true;
        }
        for (const one of inner) {
            open.push([one, depth + 1]);
        }
    }
    return false;
}

class Bounding {
    private left = PANELS_MAX;

    constructor(private readonly cuts: Cuts) {}

    private leaveOut(count: number, name: string): void {
        if (count > 0) {
            this.cuts.set(name, (this.cuts.get(name) ?? 0) + count);
        }
    }

    private first<T>(list: readonly T[], most: number, name: string): readonly T[] {
        this.leaveOut(list.length - most, name);
        return list.length <= most ? list : list.slice(0, most);
    }

    private value(value: unknown, name: string): unknown {
        if (Array.isArray(value)) {
            return this.first<unknown>(value, own(MOST, name) ?? MOST_OF_OTHERS, name).map((one) => this.value(one, name));
        }
        return isRecord(value) ? this.record(value, name, () => undefined) : value;
    }

    /* `instead` gives another value of a member. */
    private record(json: Json, name: string, instead: (key: string, value: unknown) => unknown): Json {
        return Object.fromEntries(this.first(Object.entries(json), MOST_OF_OTHERS, name).map(([key, value]) => [key, instead(key, value) ?? this.value(value, key)]));
    }

    private panels(value: unknown, level: number): unknown[] {
        const list = asRecords(value);
        const taken: Json[] = [];
        for (const panel of level < LEVELS_MAX ? list : []) {
            if (this.left === 0) {
                break;
            }
            this.left--;
            taken.push(this.record(panel, 'panels', (key, inner) => (key === 'panels' ? this.panels(inner, level + 1) : undefined)));
        }
        this.leaveOut(list.slice(taken.length).reduce((count, panel) => count + 1 + asRecords(panel.panels).length, 0), 'panels');
        return taken;
    }

    panel(json: Json): Json {
        return this.record(json, 'panels', (key, inner) => (key === 'panels' ? this.panels(inner, 1) : undefined));
    }

    dashboard(json: Json): Json {
        return this.record(json, 'dashboard', (key, value) => (['panels', 'rows'].includes(key) && Array.isArray(value) ? this.panels(value, 0) : undefined));
    }
}

/** bounded gives a copy of a dashboard with no more than the page can show. */
export function bounded(json: Json, cuts: Cuts = new Map()): Json {
    if (isTooDeep(json)) {
        throw new Error(`This dashboard's JSON is nested more than ${DEPTH_MAX} deep: it is not shown`);
    }
    return new Bounding(cuts).dashboard(json);
}

/** boundedPanel is the same for one panel or row. */
export function boundedPanel(json: Json): Json {
    return new Bounding(new Map()).panel(json);
}

/** cutText is "95,000 of panels, 3 of targets"; empty where nothing is left out. */
export function cutText(cuts: Cuts): string {
    return [...cuts].map(([name, count]) => `${count.toLocaleString('en-US')} of “${name.slice(0, 40)}”`).slice(0, 5).join(', ');
}
