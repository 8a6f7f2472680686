/* plotParts: what a Plot is made of: styles of lines, labels of the time axis, the tooltip, the shared cursor, thresholds and marks. */
import uPlot from 'uplot';
import { calendarTime, formatDate, FULL_DATE, FULL_DATE_MS, type TimeZone } from '../grafana/datetime';
import { alpha } from './colors';
import { joinCursor, moveCursor, type CursorListener } from './cursor';
import { type ColorStops, footOf, stopsOf } from './gradient';
import type { PlotProps, PlotSeries } from './Plot';

export interface Threshold {
    value: number;
    color: string;
    label?: string;
    /* Without a line, dashed unless it is said. */
    line?: 'solid' | 'dashed' | 'none';
    /* Tints what lies on that side, or up to `until`; a region may begin at -Infinity. */
    fill?: 'above' | 'below' | 'region';
    until?: number;
}

/** scaleKey names the scale of an axis by its number. */
export const scaleKey = (axis: number | undefined): string => (axis ? `y${axis}` : 'y');

/* A time with a line, a span that is shaded, or a point (an exemplar). */
export interface Mark {
    from: number;
    to?: number;
    color: string;
    text: string;
    /* Of a point, on the left axis. */
    value?: number;
    onClick?: () => void;
    /* A sign below the graph that tells this when it is pointed at: what happened, line by line. */
    flag?: { title: string; lines: string[] };
}

export interface TooltipOptions {
    mode?: 'single' | 'multi' | 'none';
    sort?: 'none' | 'asc' | 'desc';
    hidesZeros?: boolean;
}

/* Rows in a tooltip; a screen has no room for more. */
const TOOLTIP_ROWS_MAX = 24;
const ROW_PX = 18;
/* Points in the canvas as elements that can be clicked. */
const POINT_MARKS_MAX = 300;
const FLAGS_MAX = 300;
const FLAG_PX_MIN = 8;

const two = (n: number) => String(n).padStart(2, '0');

/* Upwards through the whole plot; before the first layout there is none. */
function upwards(u: uPlot, paint: (gradient: CanvasGradient) => void): CanvasGradient | undefined {
    const { top, height } = u.bbox;
    if (!(height > 0)) {
        return undefined;
    }
    const gradient = u.ctx.createLinearGradient(0, top + height, 0, top);
    paint(gradient);
    return gradient;
}

function byValue(u: uPlot, scale: string, colors: ColorStops, opacity: number): CanvasGradient | string {
    const { top, height } = u.bbox;
    const share = (at: number): number => {
        const y = Number.isFinite(at) ? (top + height - u.valToPos(at, scale, true)) / height : at > 0 ? 1 : 0;
        return Math.min(1, Math.max(0, Number.isFinite(y) ? y : 0));
    };
    return upwards(u, (gradient) => stopsOf(colors, share).forEach((stop) => gradient.addColorStop(stop.share, alpha(stop.color, opacity)))) ?? alpha(colors.stops[0]?.color ?? '#808080', opacity);
}

function fillOf(series: PlotSeries, opacity: number): uPlot.Series.Fill {
    const { gradient, color } = series;
    const flat = alpha(color, opacity);
    if (gradient === undefined) {
        return flat;
    }
    if (typeof gradient === 'object') {
        return (u) => byValue(u, scaleKey(series.axis), gradient, opacity);
    }
    const foot = footOf(gradient, color);
    return (u) => upwards(u, (one) => {
        one.addColorStop(0, alpha(foot.color, foot.opacity * opacity));
        one.addColorStop(1, flat);
    }) ?? flat;
}

export function lineOptions(series: PlotSeries, props: PlotProps, index: number): uPlot.Series {
    const paths = {
        linear: uPlot.paths.linear!(),
        smooth: uPlot.paths.spline!(),
        before: uPlot.paths.stepped!({ align: -1 }),
        after: uPlot.paths.stepped!({ align: 1 }),
    };
    const draw = series.draw ?? 'line';
    const fill = series.fill ?? (props.stacked ? 0.35 : draw === 'bars' ? 0.6 : 0);
    const points = series.points ?? 'auto';
    return {
        label: series.name || `series ${index + 1}`,
        show: series.shown ?? true,
        scale: scaleKey(series.axis),
        stroke: typeof series.gradient === 'object' ? (u) => byValue(u, scaleKey(series.axis), series.gradient as ColorStops, 1) : series.color,
        width: draw === 'points' ? 0 : (series.width ?? 1.25),
        fill: fill > 0 && draw !== 'points' ? fillOf(series, fill) : undefined,
        dash: series.dash,
        cap: series.round ? 'round' : 'butt',
        paths: draw === 'bars' ? uPlot.paths.bars!({ size: [series.bars?.factor ?? 0.8, series.bars?.most ?? 60], align: series.bars?.align ?? 0 }) : draw === 'points' ? () => null : paths[series.interpolation ?? 'linear'],
        points: {
            /* A lone point between two gaps would not be seen as a line. */
            show: draw === 'points' || points === 'always' ? true : points === 'never' ? false : undefined,
            size: series.pointSize ?? 5,
            fill: series.color,
            width: 0,
            filter: draw === 'line' && points === 'auto' ? lonePoints : undefined,
        },
    };
}

/* The indexes of points that have a gap on both sides. */
function lonePoints(u: uPlot, seriesIdx: number, _show: boolean, gaps?: null | number[][]): number[] | null {
    const found: number[] = [];
    const data = u.data[seriesIdx]!;
    const [low, high] = u.series[0]!.idxs ?? [0, data.length - 1];
    if (gaps === undefined) {
        return null;
    }
    const has = (at: number, step: number) => {
        let i = at + step;
        while (data[i] === undefined && i >= 0 && i < data.length) {
            i += step;
        }
        return data[i] !== null && data[i] !== undefined;
    };
    for (let i = low; i <= high; i++) {
        if (data[i] !== null && data[i] !== undefined && !has(i, -1) && !has(i, 1)) {
            found.push(i);
        }
    }
    return found;
}

/* Of a character of the axes' font, on average. */
const CHARACTER_PX = 6.2;

/* Whether a label in the middle of its tick ends within the canvas; before the first layout nobody knows. */
export function hasRoom(u: uPlot, seconds: number, text: string): boolean {
    return !(u.bbox.width > 0) || u.bbox.left / devicePixelRatio + u.valToPos(seconds, 'x') + (text.length * CHARACTER_PX) / 2 <= u.width;
}

/* timeLabels names ticks by what changes between them: seconds, minutes, days, months. A label that would be cut off is left out. */
export function timeLabels(zone: TimeZone): uPlot.Axis.Values {
    return (u, splits, _axis, _space, incr) => {
        let lastDay = '';
        return splits.map((seconds) => {
            const t = calendarTime(seconds * 1000, zone);
            const day = `${two(t.month)}-${two(t.day)}`;
            const clock = `${two(t.hour)}:${two(t.minute)}`;
            const isMidnight = clock === '00:00' && t.second === 0;
            const text = incr >= 86_400 * 28 ? `${t.year}-${two(t.month)}` : incr >= 86_400 || (isMidnight && day !== lastDay) ? day : incr < 60 ? `${clock}:${two(t.second)}` : clock;
            lastDay = day;
            return hasRoom(u, seconds, text) ? text : '';
        });
    };
}

/* flagTip is the box that tells of a flag. Text only: it comes from outside. */
function flagTip(flag: NonNullable<Mark['flag']>, color: string, at: DOMRect): HTMLElement {
    const box = document.createElement('div');
    box.className = 'plot-tip plot-flag-tip';
    const title = document.createElement('b');
    title.textContent = flag.title;
    title.style.borderLeft = `3px solid ${color}`;
    box.append(title, ...flag.lines.filter((line) => line !== '').map((line) => {
        const row = document.createElement('div');
        row.textContent = line;
        return row;
    }));
    document.body.appendChild(box);
    box.style.left = `${Math.max(4, Math.min(at.left, innerWidth - box.offsetWidth - 4))}px`;
    box.style.top = `${Math.max(4, at.top - box.offsetHeight - 6)}px`;
    return box;
}

/* marksPlugin draws thresholds, shaded spans and lines into the canvas, and points as small buttons above it. */
export function marksPlugin(get: () => { thresholds: Threshold[]; marks: Mark[] }): uPlot.Plugin {
    const layer = document.createElement('div');
    layer.className = 'plot-points';
    const flags = document.createElement('div');
    flags.className = 'plot-flags';
    let tip: HTMLElement | null = null;

    function hideTip(): void {
        tip?.remove();
        tip = null;
    }

    function flagElement(u: uPlot, mark: Mark): HTMLElement[] {
        const x0 = Math.max(0, u.valToPos(mark.from, 'x'));
        const x1 = Math.min(u.over.clientWidth, mark.to === undefined ? x0 : u.valToPos(mark.to, 'x'));
        if (x0 > u.over.clientWidth || x1 < 0) {
            return [];
        }
        const element = document.createElement('div');
        const width = Math.max(FLAG_PX_MIN, x1 - x0);
        element.className = mark.to === undefined ? 'plot-flag' : 'plot-flag span';
        element.setAttribute('role', 'img');
        element.setAttribute('aria-label', [mark.flag!.title, ...mark.flag!.lines].filter(Boolean).join(', '));
        element.style.left = `${mark.to === undefined ? x0 - FLAG_PX_MIN / 2 : Math.min(x0, u.over.clientWidth - width)}px`;
        element.style.width = `${mark.to === undefined ? FLAG_PX_MIN : width}px`;
        element.style.color = mark.color;
        element.addEventListener('mouseenter', () => {
            hideTip();
            tip = flagTip(mark.flag!, mark.color, element.getBoundingClientRect());
        });
        element.addEventListener('mouseleave', hideTip);
        return [element];
    }

    function placeFlags(u: uPlot, marks: Mark[]): void {
        hideTip();
        flags.replaceChildren(...marks.filter((mark) => mark.flag).slice(0, FLAGS_MAX).flatMap((mark) => flagElement(u, mark)));
    }

    function spans(u: uPlot): void {
        const { thresholds, marks } = get();
        const { left, top, width, height } = u.bbox;
        const ctx = u.ctx;
        ctx.save();
        ctx.beginPath();
        ctx.rect(left, top, width, height);
        ctx.clip();
        for (const mark of marks) {
            if (mark.value === undefined && mark.to !== undefined) {
                const x0 = u.valToPos(mark.from, 'x', true);
                const x1 = u.valToPos(mark.to, 'x', true);
                ctx.fillStyle = alpha(mark.color, 0.14);
                ctx.fillRect(x0, top, Math.max(1, x1 - x0), height);
            }
        }
        for (const threshold of thresholds) {
            if (threshold.fill && !Number.isNaN(threshold.value)) {
                const at = (value: number): number => (Number.isFinite(value) ? u.valToPos(value, 'y', true) : value < 0 ? top + height : top);
                const high = threshold.fill === 'region' ? at(threshold.until ?? Infinity) : threshold.fill === 'above' ? top : at(threshold.value);
                const low = threshold.fill === 'below' ? top + height : at(threshold.value);
                ctx.fillStyle = alpha(threshold.color, 0.09);
                ctx.fillRect(left, high, width, low - high);
            }
        }
        ctx.restore();
    }

    function lines(u: uPlot): void {
        const { thresholds, marks } = get();
        const { left, top, width, height } = u.bbox;
        const ctx = u.ctx;
        ctx.save();
        ctx.beginPath();
        ctx.rect(left, top, width, height);
        ctx.clip();
        ctx.lineWidth = devicePixelRatio;
        for (const threshold of thresholds) {
            if (!Number.isFinite(threshold.value) || threshold.line === 'none') {
                continue;
            }
            const y = Math.round(u.valToPos(threshold.value, 'y', true)) + 0.5;
            ctx.strokeStyle = threshold.color;
            ctx.setLineDash(threshold.line === 'solid' ? [] : [6 * devicePixelRatio, 4 * devicePixelRatio]);
            ctx.beginPath();
            ctx.moveTo(left, y);
            ctx.lineTo(left + width, y);
            ctx.stroke();
        }
        for (const mark of marks) {
            for (const at of mark.value !== undefined ? [] : mark.to === undefined ? [mark.from] : mark.flag ? [mark.from, mark.to] : []) {
                const x = Math.round(u.valToPos(at, 'x', true)) + 0.5;
                ctx.strokeStyle = mark.color;
                ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
                ctx.beginPath();
                ctx.moveTo(x, top);
                ctx.lineTo(x, top + height);
                ctx.stroke();
            }
        }
        ctx.restore();
        placePoints(u, marks);
        placeFlags(u, marks);
    }

    function placePoints(u: uPlot, marks: Mark[]): void {
        const points = marks.filter((mark) => mark.value !== undefined).slice(0, POINT_MARKS_MAX);
        layer.replaceChildren(
            ...points.flatMap((mark) => {
                const x = u.valToPos(mark.from, 'x');
                const y = u.valToPos(mark.value!, 'y');
                if (x < 0 || x > u.over.clientWidth || y < 0 || y > u.over.clientHeight) {
                    return [];
                }
                const button = document.createElement('button');
                button.type = 'button';
                button.className = 'plot-point';
                button.title = mark.text;
                button.setAttribute('aria-label', mark.text);
                button.tabIndex = -1;
                button.style.left = `${x}px`;
                button.style.top = `${y}px`;
                button.style.background = mark.color;
                button.addEventListener('click', (event) => {
                    event.stopPropagation();
                    mark.onClick?.();
                });
                return [button];
            }),
        );
    }

    return {
        hooks: {
            ready: [(u) => { u.over.append(layer, flags); }],
            destroy: [hideTip],
            drawAxes: [spans],
            draw: [lines],
        },
    };
}

interface TipRow {
    index: number;
    name: string;
    color: string;
    value: number;
}

function tipRows(u: uPlot, props: PlotProps, at: number): TipRow[] {
    const rows: TipRow[] = [];
    props.series.forEach((series, index) => {
        const value = props.values[index]?.[at];
        if (u.series[index + 1]?.show && !series.hidesTip && value !== null && value !== undefined && !(value === 0 && props.tooltip?.hidesZeros)) {
            rows.push({ index, name: series.name, color: series.color, value });
        }
    });
    const sort = props.tooltip?.sort ?? 'desc';
    return sort === 'none' ? rows : rows.sort((a, b) => (sort === 'asc' ? a.value - b.value : b.value - a.value));
}

/* Rows are made once and written anew at each move: to make them cost 2 ms. */
function tooltipRow(): { line: HTMLElement; write: (row: TipRow, props: PlotProps, near: boolean) => void } {
    const line = document.createElement('div');
    const swatch = document.createElement('i');
    const name = document.createElement('span');
    const value = document.createElement('b');
    line.append(swatch, name, value);
    return {
        line,
        write: (row, props, near) => {
            const axis = props.moreAxes?.[(props.series[row.index]?.axis ?? 0) - 1] ?? props.axis;
            line.className = near ? 'plot-tip-row near' : 'plot-tip-row';
            swatch.style.background = row.color;
            setText(name, row.name);
            setText(value, axis.format(row.value));
        },
    };
}

function setText(element: HTMLElement, text: string): void {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

/* pointed tells whether the pointer, or the keys, are at a plot; `onLeave` hears when they are no more. */
function pointed(u: uPlot, onLeave: () => void): () => boolean {
    let inside = false;
    const enter = (): void => { inside = true; };
    const leave = (): void => {
        inside = false;
        onLeave();
    };
    const frame = u.root.parentElement?.parentElement;
    u.over.addEventListener('mouseenter', enter);
    u.over.addEventListener('mouseleave', leave);
    frame?.addEventListener('keydown', enter);
    frame?.addEventListener('focusout', leave);
    return () => inside;
}

/* Above the plot, so that no series is near to a cursor that others move. */
const FAR_PX = -1000;

/* groupPlugin shares the time of the cursor with all of a group. */
export function groupPlugin(group: string): uPlot.Plugin {
    let isPointed = (): boolean => false;
    let leave = (): void => undefined;
    let follow: CursorListener = () => undefined;
    const tell = (u: uPlot): void => moveCursor(group, (u.cursor.left ?? -1) < 0 ? null : u.posToVal(u.cursor.left!, 'x'), follow);
    return {
        hooks: {
            ready: [(u) => {
                follow = (seconds) => {
                    const { min = 0, max = 0 } = u.scales.x!;
                    const left = seconds === null || seconds < min || seconds > max ? -1 : u.valToPos(seconds, 'x');
                    if (left >= 0 || (u.cursor.left ?? -1) >= 0) {
                        u.setCursor({ left: left < 0 ? -10 : left, top: FAR_PX });
                    }
                };
                isPointed = pointed(u, () => moveCursor(group, null, follow));
                leave = joinCursor(group, follow);
            }],
            setCursor: [(u) => isPointed() && tell(u)],
            destroy: [() => {
                leave();
                if (isPointed()) {
                    moveCursor(group, null, follow);
                }
            }],
        },
    };
}

/* What of the page scrolls: a plot outside of it is not in sight. */
function isInSight(u: uPlot): boolean {
    const view = u.root.closest('main')?.getBoundingClientRect();
    const middle = (u.rect.top + u.rect.bottom) / 2;
    return middle > Math.max(0, view?.top ?? 0) && middle < Math.min(innerHeight, view?.bottom ?? innerHeight);
}

/* makeTooltip shows the values at the cursor, the nearest series first in sight. Text only: names come from outside. */
export function makeTooltip(get: () => PlotProps): uPlot.Plugin {
    const box = document.createElement('div');
    box.className = 'plot-tip';
    box.hidden = true;
    let focused = -1;
    let shown = '';
    let size = { width: 0, height: 0 };
    let isPointed = (): boolean => false;
    const head = document.createElement('div');
    const tail = document.createElement('div');
    head.className = 'plot-tip-time';
    tail.className = 'plot-tip-time';
    box.append(head, tail);
    const lines: ReturnType<typeof tooltipRow>[] = [];

    /* As many rows as are shown. */
    function resize(count: number): void {
        while (lines.length > count) {
            lines.pop()!.line.remove();
        }
        while (lines.length < count) {
            const made = tooltipRow();
            lines.push(made);
            tail.before(made.line);
        }
    }

    /* Where others point there is no nearest series: all are shown, as many as the plot has room for. */
    function fill(u: uPlot, at: number, isOthers: boolean): boolean {
        const props = get();
        let rows = tipRows(u, props, at);
        if (props.tooltip?.mode === 'single' && !isOthers) {
            rows = rows.filter((row) => row.index === focused);
        }
        if (rows.length === 0) {
            return false;
        }
        const most = isOthers ? Math.max(2, Math.min(TOOLTIP_ROWS_MAX, Math.floor(u.over.clientHeight / ROW_PX) - 1)) : TOOLTIP_ROWS_MAX;
        const nearest = rows.findIndex((row) => row.index === focused);
        const start = Math.max(0, Math.min(nearest - most / 2, rows.length - most));
        const x = u.data[0][at]!;
        setText(head, props.x ? `${props.x.name}: ${props.x.format(x)}` : formatDate(x * 1000, (x * 1000) % 1000 === 0 ? FULL_DATE : FULL_DATE_MS, props.zone));
        const more = rows.length - most;
        setText(tail, more > 0 ? `and ${more} more` : '');
        const visible = rows.slice(start, start + most);
        resize(visible.length);
        visible.forEach((row, i) => lines[i]!.write(row, props, row.index === focused));
        return true;
    }

    function place(u: uPlot, isOthers: boolean): void {
        const x = u.rect.left + (u.cursor.left ?? 0);
        const y = Math.max(u.rect.top - 8, u.rect.top + (u.cursor.top ?? 0));
        /* Many at once keep to their own plots. */
        const left = x + 16 + size.width > (isOthers ? u.rect.right : innerWidth) ? x - 16 - size.width : x + 16;
        box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, Math.min(y + 12, innerHeight - size.height - 4))}px)`;
    }

    function hide(): void {
        box.hidden = true;
        shown = '';
    }

    function update(u: uPlot): void {
        const at = u.cursor.idx;
        const isOthers = !isPointed();
        if (at === null || at === undefined || (u.cursor.left ?? -1) < 0 || (isOthers && !(get().sharesTip === true && isInSight(u)))) {
            hide();
            return;
        }
        const now = `${at} ${focused} ${isOthers}`;
        if (now !== shown) {
            shown = now;
            box.style.maxWidth = isOthers ? `${u.rect.width}px` : '';
            box.hidden = !fill(u, at, isOthers);
            size = { width: box.offsetWidth, height: box.offsetHeight };
        }
        place(u, isOthers);
    }

    return {
        hooks: {
            ready: [(u) => {
                document.body.appendChild(box);
                isPointed = pointed(u, hide);
            }],
            setSeries: [(_u, index) => { focused = index === null ? -1 : index - 1; }],
            setCursor: [update],
            destroy: [() => box.remove()],
        },
    };
}
