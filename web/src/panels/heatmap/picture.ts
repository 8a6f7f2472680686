/* picture: a heatmap on its canvas: cells, their axes, and their counts. */
import type { PanelProps } from '../../dashboard/types';
import { timeTicks } from '../../draw/ticks';
import { textOn } from '../../grafana/color';
import { formatDate } from '../../grafana/datetime';
import { asNumber, asRecord, asText } from '../../grafana/json';
import { formatValue } from '../../grafana/units';
import type { Cells } from './cells';
import { paintOf, type Paint } from './paint';

const AXIS_PX = 64;
const RIGHT_PX = 6;
export const BOTTOM_PX = 22;
/* Of the axis's own label, and beside an axis that is hidden. */
const LABEL_PX = 16;
const HIDDEN_PX = 4;
const AXIS_PX_MAX = 400;
/* Half of a line of text: no label is cut. */
const LABEL_EDGE_PX = 6;
/* Lower cells have no room for text. */
const VALUE_FROM_PX = 12;
/* Of a cell that is small. */
const GAP_SHARE_MAX = 0.25;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";

export interface Style {
    paint: Paint;
    /* Px beside the plot. */
    left: number;
    right: number;
    placement: string;
    label: string;
    showValue: string;
    /* Px between cells. */
    gap: number;
    isReversed: boolean;
    bound: (value: number) => string;
    count: (value: number) => string;
}

/** styleOf reads what the options say of the picture. */
export function styleOf({ options, fieldConfig }: PanelProps['panel'], look: PanelProps['look'], cells: Cells | undefined): Style {
    const axis = asRecord(options.yAxis);
    const values = asRecord(options.cellValues);
    const unit = asText(axis.unit) ?? fieldConfig.defaults.unit;
    const decimals = asNumber(axis.decimals) ?? fieldConfig.defaults.decimals;
    const placement = asText(axis.axisPlacement) ?? 'left';
    const label = asText(axis.axisLabel) ?? '';
    const axisPx = placement === 'hidden' ? HIDDEN_PX : Math.min(AXIS_PX_MAX, (asNumber(axis.axisWidth) || AXIS_PX) + (label === '' ? 0 : LABEL_PX));
    return {
        left: placement === 'right' ? RIGHT_PX : axisPx,
        right: placement === 'right' ? axisPx : RIGHT_PX,
        placement, label,
        /* Nothing said: none, as in Grafana, which has no values in cells at all. */
        showValue: asText(options.showValue) ?? 'never',
        paint: paintOf(options, look, cells?.most ?? 0),
        gap: Math.max(0, asNumber(options.cellGap) ?? 1),
        isReversed: axis.reverse === true,
        bound: (value) => (Number.isFinite(value) ? formatValue(value, unit, decimals) : value > 0 ? '+Inf' : '-Inf'),
        count: (value) => formatValue(value, asText(values.unit) ?? 'short', asNumber(values.decimals)),
    };
}

type Box = Pick<PanelProps, 'width' | 'height' | 'from' | 'to' | 'zone'>;

/* The names of rows, as many as there is room for, and the label of all. */
function drawAxis(ctx: CanvasRenderingContext2D, { rows, labelAt, isNamed }: Cells, { width, height }: Box, { placement, label, left, right, bound }: Style, place: (row: number) => number, rowPx: number): void {
    if (placement === 'hidden') {
        return;
    }
    const isRight = placement === 'right';
    const room = (isRight ? right : left) - (label === '' ? 0 : LABEL_PX) - 8;
    const every = Math.max(1, Math.ceil(16 / rowPx));
    ctx.textAlign = isRight ? 'left' : 'right';
    ctx.textBaseline = 'middle';
    rows.forEach((r, i) => {
        if (i % every === 0) {
            const name = isNamed || (r.label && Number.isNaN(Number(r.label.replace(/^[+-]Inf$/, '0')))) ? r.label : bound(labelAt === 0 ? r.low : r.high);
            ctx.fillText(name.slice(0, Math.max(1, Math.floor(room / 4.6))), isRight ? width - right + 6 : left - 6, place(i), room);
        }
    });
    ctx.save();
    ctx.translate(isRight ? width - LABEL_PX / 2 : LABEL_PX / 2, (height - BOTTOM_PX) / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = 'center';
    ctx.fillText(label, 0, 0, height - BOTTOM_PX);
    ctx.restore();
}

/* The count of a cell in it: always, or where there is room. */
function drawValue(ctx: CanvasRenderingContext2D, text: string, color: string, box: { x: number; y: number; width: number; height: number }, isForced: boolean): void {
    if (isForced || (box.height >= VALUE_FROM_PX && ctx.measureText(text).width + 4 <= box.width)) {
        ctx.fillStyle = textOn(color);
        ctx.fillText(text, box.x + box.width / 2, box.y + box.height / 2);
    }
}

/** labelY is where the name of a row stands: in its middle, or at the bound that it names, within the plot. */
export function labelY({ labelAt }: Cells, top: number, rowPx: number, plotPx: number, isReversed: boolean): number {
    return labelAt === undefined ? top + rowPx / 2 : Math.max(LABEL_EDGE_PX, Math.min(plotPx - LABEL_EDGE_PX, top + rowPx * (isReversed ? labelAt : 1 - labelAt)));
}

/** draw paints cells, their axes and, where it is asked for, their counts. */
export function draw(canvas: HTMLCanvasElement, cells: Cells, props: Box, style: Style): void {
    const { paint, gap, isReversed, showValue } = style;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const { width, height } = props;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const ctx = canvas.getContext('2d');
    if (!ctx) {
        return;
    }
    ctx.scale(ratio, ratio);
    const css = getComputedStyle(document.documentElement);
    const text = css.getPropertyValue('--muted').trim();
    const plotWidth = width - style.left - style.right;
    const plotHeight = height - BOTTOM_PX;
    const [from, to] = [props.from / 1000, props.to / 1000];
    const x = (t: number): number => style.left + ((t - from) / (to - from)) * plotWidth;
    const rowPx = plotHeight / cells.rows.length;
    const top = (row: number): number => (isReversed ? row : cells.rows.length - 1 - row) * rowPx;
    const columns = cells.times.length;
    const across = Math.min(gap, (x(cells.step) - x(0)) * GAP_SHARE_MAX);
    const down = Math.min(gap, rowPx * GAP_SHARE_MAX);
    ctx.font = FONT;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    for (let row = 0; row < cells.rows.length; row++) {
        const y = top(row) + down / 2;
        for (let i = 0; i < columns; i++) {
            const count = cells.counts[row * columns + i]!;
            const color = paint.colorOf(count);
            if (color === undefined) {
                continue;
            }
            const left = Math.max(style.left, x(cells.times[i]! - cells.step));
            const right = Math.min(width - style.right, x(cells.times[i]!));
            const box = { x: left + across / 2, y, width: Math.max(1, right - left - across), height: Math.max(1, rowPx - down) };
            ctx.fillStyle = color;
            ctx.fillRect(box.x, box.y, box.width, box.height);
            if (showValue !== 'never') {
                drawValue(ctx, style.count(count), color, box, showValue === 'always');
            }
        }
    }
    ctx.fillStyle = text;
    drawAxis(ctx, cells, props, style, (row) => labelY(cells, top(row), rowPx, plotHeight, isReversed), rowPx);
    ctx.textAlign = 'center';
    for (const tick of timeTicks(props.from, props.to, Math.max(2, Math.floor(plotWidth / 80)), props.zone)) {
        if (x(tick.at / 1000) <= width - 18) {
            ctx.fillText(formatDate(tick.at, tick.pattern, props.zone), Math.max(style.left + 12, x(tick.at / 1000)), height - 9);
        }
    }
}
