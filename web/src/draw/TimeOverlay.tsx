/*
 * TimeOverlay: what lies over a picture whose axis is time, and which no graph is: the cursor that it shares with others, the tooltip,
 * and what happened meanwhile. It listens on the element that it lies in, so that the picture itself is not drawn anew.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Annotation } from '../grafana/annotations';
import { withAlpha } from '../grafana/color';
import type { TimeZone } from '../grafana/datetime';
import { joinCursor, moveCursor, type CursorListener } from './cursor';
import { annotationLines } from './events';
import { Tip, type TipContent } from './Tip';

interface OverlayProps {
    group: string | undefined;
    sharesTip: boolean;
    /* Ms since 1970 at the edges of the plot, and px of those. */
    from: number;
    to: number;
    left: number;
    right: number;
    height: number;
    zone: TimeZone;
    annotations: readonly Annotation[];
    /* What there is at a time (ms) and, where the pointer itself is here, at a height (px). */
    tip: (time: number, y: number | null) => TipContent | null;
}

/* Where is pointed: by the pointer that is here, or by others. */
interface Pointed {
    time: number;
    y: number | null;
    /* Of the picture in the window. */
    edge: { left: number; top: number };
}

const ANNOTATIONS_MAX = 300;
const FLAG_PX = 8;

/* A line, or a span, and a sign below that tells of it. */
function Events({ annotations, place, left, right, height, zone }: Pick<OverlayProps, 'annotations' | 'left' | 'right' | 'height' | 'zone'> & { place: (time: number) => number }) {
    const [told, setTold] = useState<{ x: number; y: number; content: TipContent } | null>(null);
    const seen = annotations.map((one) => ({ one, x0: Math.max(left, place(one.from)), x1: Math.min(right, place(one.to ?? one.from)) })).filter(({ x0, x1 }) => x1 >= left && x0 <= right && x1 >= x0);
    return (
        <>
            {seen.slice(0, ANNOTATIONS_MAX).map(({ one, x0, x1 }, i) => {
                const lines = annotationLines(one, zone);
                const isSpan = one.to !== undefined;
                const wide = isSpan ? Math.max(FLAG_PX, x1 - x0) : FLAG_PX;
                return (
                    <div key={i}>
                        <i className="time-event" style={{ left: x0, width: isSpan ? Math.max(1, x1 - x0) : 0, height, borderColor: one.color, ...(isSpan ? { background: withAlpha(one.color, 0.14) } : {}) }} />
                        <i
                            className={isSpan ? 'plot-flag span' : 'plot-flag'} role="img" aria-label={[one.title, ...lines].join(', ')} style={{ top: height - 1, bottom: 'auto', left: isSpan ? Math.min(x0, right - wide) : x0 - FLAG_PX / 2, width: wide, color: one.color }}
                            onMouseEnter={(event) => setTold({ x: event.clientX, y: event.clientY, content: { head: one.title, rows: lines.map((line) => ({ name: line, text: '' })) } })} onMouseLeave={() => setTold(null)}
                        />
                    </div>
                );
            })}
            {told && <Tip {...told} />}
        </>
    );
}

export function TimeOverlay(props: OverlayProps) {
    const { group, sharesTip, from, to, left, right, height, tip } = props;
    const box = useRef<HTMLDivElement>(null);
    const [pointed, setPointed] = useState<Pointed | null>(null);
    const place = (time: number): number => left + ((time - from) / (to - from)) * (right - left);
    const latest = useRef(props);
    useEffect(() => {
        latest.current = props;
    });
    const follow = useCallback<CursorListener>((seconds) => setPointed(seconds === null || !box.current ? null : { time: seconds * 1000, y: null, edge: box.current.getBoundingClientRect() }), []);
    useEffect(() => (group ? joinCursor(group, follow) : undefined), [group, follow]);
    useEffect(() => {
        const around = box.current?.parentElement;
        const move = (event: PointerEvent): void => {
            const now = latest.current;
            const edge = around!.getBoundingClientRect();
            const time = now.from + ((event.clientX - edge.left - now.left) / Math.max(1, now.right - now.left)) * (now.to - now.from);
            const y = event.clientY - edge.top;
            const isInside = time >= now.from && time <= now.to && y >= 0 && y <= now.height;
            setPointed(isInside ? { time, y, edge } : null);
            if (group) {
                moveCursor(group, isInside ? time / 1000 : null, follow);
            }
        };
        const leave = (): void => {
            setPointed(null);
            if (group) {
                moveCursor(group, null, follow);
            }
        };
        around?.addEventListener('pointermove', move);
        around?.addEventListener('pointerleave', leave);
        return () => {
            around?.removeEventListener('pointermove', move);
            around?.removeEventListener('pointerleave', leave);
        };
    }, [group, follow]);
    const seen = pointed !== null && pointed.time >= from && pointed.time <= to ? pointed : null;
    const isInSight = seen !== null && (seen.y !== null || (sharesTip && seen.edge.top + height / 2 > 0 && seen.edge.top + height / 2 < innerHeight));
    const content = isInSight ? tip(seen.time, seen.y) : null;
    return (
        <div ref={box} className="time-overlay">
            {seen && <i className="time-cursor" style={{ left: place(seen.time), height }} />}
            <Events {...props} place={place} />
            {seen && content && <Tip x={seen.edge.left + place(seen.time)} y={seen.edge.top + (seen.y ?? -8)} content={content} within={seen.y === null ? { right: seen.edge.left + right, width: right - left } : undefined} />}
        </div>
    );
}
