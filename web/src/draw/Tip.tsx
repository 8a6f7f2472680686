/* Tip: what stands at the pointer, in the form that graphs have: a title, and rows of a colour, a name and a value. */
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { createPortal } from 'react-dom';
import './plot.css';

export interface TipRow {
    color?: string;
    name: string;
    text: string;
    /* The one that is pointed at. */
    near?: boolean;
}

export interface TipContent {
    head: string;
    rows: readonly TipRow[];
    /* What is pointed at among its neighbours. */
    bars?: readonly { size: number; near: boolean }[];
    foot?: ReactNode;
}

/* A screen has no room for more. */
const ROWS_MAX = 24;
const GAP_PX = 16;

const BARS_PX = { width: 200, height: 44 };

function Bars({ bars }: { bars: NonNullable<TipContent['bars']> }) {
    const most = Math.max(...bars.map((one) => one.size), Number.MIN_VALUE);
    const wide = BARS_PX.width / bars.length;
    return (
        <svg {...BARS_PX} aria-hidden="true">
            {bars.map(({ size, near }, i) => {
                const high = (size / most) * (BARS_PX.height - 2) + 1;
                return <rect key={i} x={i * wide} y={BARS_PX.height - high} width={Math.max(1, wide - 1)} height={high} fill={near ? 'var(--accent)' : 'var(--muted)'} />;
            })}
        </svg>
    );
}

/* Of the window, px; a tip that stays within a picture ends at `right` and is no wider than `width`. */
export function Tip({ x, y, content, within }: { x: number; y: number; content: TipContent; within?: { right: number; width: number } | undefined }) {
    const box = useRef<HTMLDivElement>(null);
    const { head, rows, bars } = content;
    useLayoutEffect(() => {
        const element = box.current;
        if (element) {
            const { offsetWidth: width, offsetHeight: height } = element;
            const left = x + GAP_PX + width > (within?.right ?? innerWidth) ? x - GAP_PX - width : x + GAP_PX;
            element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, Math.min(y + 12, innerHeight - height - 4))}px)`;
        }
    }, [x, y, content, within]);
    const near = rows.findIndex((row) => row.near);
    const start = Math.max(0, Math.min(near - ROWS_MAX / 2, rows.length - ROWS_MAX));
    return createPortal(
        <div ref={box} className="plot-tip" style={{ maxWidth: within?.width }}>
            <div className="plot-tip-time">{head}</div>
            {rows.slice(start, start + ROWS_MAX).map((row, i) => (
                <div key={i} className={row.near ? 'plot-tip-row near' : 'plot-tip-row'}><i style={{ background: row.color }} /><span>{row.name}</span><b>{row.text}</b></div>
            ))}
            {bars && <Bars bars={bars} />}
            {content.foot}
            {rows.length > ROWS_MAX && <div className="plot-tip-time">{`and ${rows.length - ROWS_MAX} more`}</div>}
        </div>,
        document.body,
    );
}
