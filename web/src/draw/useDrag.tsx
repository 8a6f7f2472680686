/* useDrag: a range of time chosen by a drag over a picture, as graphs have it; a double click zooms out. */
import { useState } from 'react';

interface DragOptions {
    /* Ms since 1970 at the edges of the plot, and px of those. */
    from: number;
    to: number;
    left: number;
    right: number;
    height: number;
    onZoom: (from: number, to: number) => void;
    onZoomOut: () => void;
}

/* Less is a click. */
const DRAG_PX_MIN = 5;

export interface Drag {
    handlers: Pick<React.DOMAttributes<Element>, 'onPointerDown' | 'onPointerMove' | 'onPointerUp' | 'onPointerCancel' | 'onDoubleClick'>;
    /* The stretch that is being chosen, px. */
    stretch: { left: number; width: number; height: number } | null;
}

const isControl = (target: EventTarget): boolean => (target as Element).closest('a, button, [role="button"]') !== null;

export function useDrag({ from, to, left, right, height, onZoom, onZoomOut }: DragOptions): Drag {
    const [ends, setEnds] = useState<{ begin: number; now: number } | null>(null);
    const place = (event: React.PointerEvent): number => Math.min(right, Math.max(left, event.clientX - event.currentTarget.getBoundingClientRect().left));
    const time = (px: number): number => from + ((px - left) / Math.max(1, right - left)) * (to - from);
    const low = ends ? Math.min(ends.begin, ends.now) : 0;
    const high = ends ? Math.max(ends.begin, ends.now) : 0;
    return {
        handlers: {
            onPointerDown: (event) => {
                if (event.button === 0 && !isControl(event.target)) {
                    event.currentTarget.setPointerCapture(event.pointerId);
                    setEnds({ begin: place(event), now: place(event) });
                }
            },
            onPointerMove: (event) => ends && setEnds({ ...ends, now: place(event) }),
            onPointerUp: () => {
                setEnds(null);
                if (high - low >= DRAG_PX_MIN) {
                    onZoom(time(low), time(high));
                }
            },
            onPointerCancel: () => setEnds(null),
            onDoubleClick: (event) => !isControl(event.target) && onZoomOut(),
        },
        stretch: ends && high - low >= DRAG_PX_MIN ? { left: low, width: high - low, height } : null,
    };
}
