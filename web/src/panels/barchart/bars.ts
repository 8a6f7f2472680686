/* bars: where the bars of a chart stand, and the axis of their values. */
import { valueTicks } from '../../draw/ticks';

export interface BarOptions {
    isStacked: boolean;
    /* Of the room of a category, what its bars have; and of the room of a bar, what it fills. 0 to 1. */
    groupWidth: number;
    barWidth: number;
}

export interface PlacedBar {
    group: number;
    bar: number;
    /* Px along the axis of categories. */
    at: number;
    thick: number;
    /* Values where it begins and ends. */
    from: number;
    to: number;
}

/** placeBars puts the values of each category side by side or, negative ones apart, on each other. */
export function placeBars(values: readonly (readonly number[])[], spanPx: number, { isStacked, groupWidth, barWidth }: BarOptions): PlacedBar[] {
    const slot = spanPx / Math.max(1, values.length);
    const room = slot * groupWidth;
    return values.flatMap((bars, group) => {
        const each = isStacked ? room : room / Math.max(1, bars.length);
        const thick = Math.max(1, each * barWidth);
        const sums = { up: 0, down: 0 };
        return bars.map((given, bar) => {
            const value = Number.isFinite(given) ? given : 0;
            const way = value < 0 ? 'down' : 'up';
            const from = isStacked ? sums[way] : 0;
            sums[way] += value;
            return { group, bar, at: group * slot + (slot - room) / 2 + (isStacked ? 0 : bar * each) + (each - thick) / 2, thick, from, to: from + value };
        });
    });
}

export interface ValueAxis {
    low: number;
    high: number;
    ticks: number[];
}

/** valueAxis has zero in it, and round ticks: the outermost are its ends where no limit is given. */
export function valueAxis(bars: readonly PlacedBar[], count: number, limits: { min?: number | undefined; max?: number | undefined }, binary = false): ValueAxis {
    const lowest = Math.min(0, limits.min ?? Math.min(0, ...bars.map((b) => b.to)));
    const highest = Math.max(0, limits.max ?? Math.max(0, ...bars.map((b) => b.to)));
    const [first = 0, second = 1] = valueTicks(Math.max(highest, -lowest), count, binary);
    const step = second - first;
    const from = Math.floor(lowest / step + 1e-9);
    const to = Math.max(from + 1, Math.ceil(highest / step - 1e-9));
    const ticks = Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
    const low = limits.min ?? ticks[0]!;
    const high = limits.max ?? ticks[ticks.length - 1]!;
    return high > low ? { low, high, ticks: ticks.filter((tick) => tick >= low && tick <= high) } : { low, high: low + 1, ticks: [low] };
}

/** isLabelled leaves labels out, so that each has the wanted px; below zero they are counted from the last one. */
export function isLabelled(index: number, count: number, slotPx: number, wantedPx: number): boolean {
    const every = Math.max(1, Math.ceil(Math.abs(wantedPx) / Math.max(0.1, slotPx)));
    return (wantedPx < 0 ? count - 1 - index : index) % every === 0;
}

/** barAt is the bar at a place along the categories and at a value: of those on each other the one that has it, else the nearest of its category. */
export function barAt(bars: readonly PlacedBar[], along: number, value: number, slotPx: number): PlacedBar | undefined {
    const own = bars.filter((b) => b.group === Math.floor(along / slotPx));
    const has = (b: PlacedBar): boolean => value >= Math.min(b.from, b.to) && value < Math.max(b.from, b.to);
    const away = (b: PlacedBar): number => Math.max(0, Math.abs(b.at + b.thick / 2 - along) - b.thick / 2) + (has(b) ? 0 : 0.5);
    return own.reduce<PlacedBar | undefined>((best, b) => (best && away(best) <= away(b) ? best : b), undefined);
}
