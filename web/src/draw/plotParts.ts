/* plotParts: what a Plot is made of: styles of lines, labels of the time axis, the tooltip, thresholds and marks. */
import uPlot from 'uplot';
import { alpha } from './colors';
import type { PlotProps, PlotSeries } from './Plot';

export interface Threshold {
    value: number;
    color: string;
    label?: string;
    /* Tints what lies on that side. */
    fill?: 'above' | 'below';
}

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
}

/* Rows in a tooltip; a screen has no room for more. */
const TOOLTIP_ROWS_MAX = 24;
/* Points in the canvas as elements that can be clicked. */
const POINT_MARKS_MAX = 300;
const FLAGS_MAX = 300;
const FLAG_PX_MIN = 8;

const two = (n: number) => String(n).padStart(2, '0');

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
        scale: series.axis === 'right' ? 'y2' : 'y',
        stroke: series.color,
        width: draw === 'points' ? 0 : (series.width ?? 1.25),
        fill: fill > 0 && draw !== 'points' ? alpha(series.color, fill) : undefined,
        dash: series.dash,
        paths: draw === 'bars' ? uPlot.paths.bars!({ size: [0.8, 60], align: 0 }) : draw === 'points' ? () => null : paths[series.interpolation ?? 'linear'],
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

/* timeLabels names ticks by what changes between them: seconds, minutes, days, months. */
export function timeLabels(utc: boolean): uPlot.Axis.Values {
    return (_u, splits, _axis, _space, incr) => {
        let lastDay = '';
        return splits.map((seconds) => {
            const ms = seconds * 1000;
            const d = new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
            const day = `${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
            const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
            if (incr >= 86_400 * 28) {
                return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}`;
            }
            if (incr >= 86_400) {
                return day;
            }
            const isMidnight = clock === '00:00' && d.getUTCSeconds() === 0;
            const text = isMidnight && day !== lastDay ? day : incr < 60 ? `${clock}:${two(d.getUTCSeconds())}` : clock;
            lastDay = day;
            return text;
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
            if (threshold.fill && Number.isFinite(threshold.value)) {
                const y = u.valToPos(threshold.value, 'y', true);
                ctx.fillStyle = alpha(threshold.color, 0.09);
                ctx.fillRect(left, threshold.fill === 'above' ? top : y, width, threshold.fill === 'above' ? y - top : top + height - y);
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
            if (!Number.isFinite(threshold.value)) {
                continue;
            }
            const y = Math.round(u.valToPos(threshold.value, 'y', true)) + 0.5;
            ctx.strokeStyle = threshold.color;
            ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
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
        if (u.series[index + 1]?.show && value !== null && value !== undefined) {
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
            const axis = props.series[row.index]?.axis === 'right' && props.rightAxis ? props.rightAxis : props.axis;
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

/* makeTooltip shows the values at the cursor, the nearest series first in sight. Text only: names come from outside. */
export function makeTooltip(get: () => PlotProps): uPlot.Plugin {
    const box = document.createElement('div');
    box.className = 'plot-tip';
    box.hidden = true;
    let focused = -1;
    let shownAt = -1;
    let inside = false;
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

    function fill(u: uPlot, at: number): boolean {
        const props = get();
        let rows = tipRows(u, props, at);
        if (props.tooltip?.mode === 'single') {
            rows = rows.filter((row) => row.index === focused);
        }
        if (rows.length === 0) {
            return false;
        }
        const nearest = rows.findIndex((row) => row.index === focused);
        const start = Math.max(0, Math.min(nearest - TOOLTIP_ROWS_MAX / 2, rows.length - TOOLTIP_ROWS_MAX));
        const ms = u.data[0][at]! * 1000;
        const d = new Date(props.utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
        setText(head, d.toISOString().replace('T', ' ').replace(/(\.000)?Z$/, ''));
        const more = rows.length - TOOLTIP_ROWS_MAX;
        setText(tail, more > 0 ? `and ${more} more` : '');
        const visible = rows.slice(start, start + TOOLTIP_ROWS_MAX);
        resize(visible.length);
        visible.forEach((row, i) => lines[i]!.write(row, props, row.index === focused));
        return true;
    }

    function place(u: uPlot): void {
        const bounds = u.rect;
        const x = bounds.left + (u.cursor.left ?? 0);
        const y = bounds.top + (u.cursor.top ?? 0);
        const width = box.offsetWidth;
        const height = box.offsetHeight;
        const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
        box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, Math.min(y + 12, innerHeight - height - 4))}px)`;
    }

    function update(u: uPlot): void {
        const at = u.cursor.idx;
        /* A cursor that another plot moves has a line here, but no tooltip. */
        if (!inside || at === null || at === undefined || (u.cursor.left ?? -1) < 0) {
            box.hidden = true;
            shownAt = -1;
            return;
        }
        if (at !== shownAt || box.dataset.focused !== String(focused)) {
            shownAt = at;
            box.dataset.focused = String(focused);
            box.hidden = !fill(u, at);
        }
        place(u);
    }

    return {
        hooks: {
            ready: [
                (u) => {
                    document.body.appendChild(box);
                    u.over.addEventListener('mouseenter', () => { inside = true; });
                    u.over.addEventListener('mouseleave', () => { inside = false; update(u); });
                    /* Arrow keys on the frame count as being inside. */
                    u.root.parentElement?.parentElement?.addEventListener('keydown', () => { inside = true; });
                    u.root.parentElement?.parentElement?.addEventListener('focusout', () => { inside = false; update(u); });
                },
            ],
            setSeries: [(_u, index) => { focused = index === null ? -1 : index - 1; }],
            setCursor: [update],
            destroy: [() => box.remove()],
        },
    };
}
