/* place: where a box goes that hangs at an element: on the wanted side, on the other where there is no room, never outside. */

export type Position = 'top' | 'bottom' | 'left' | 'right' | 'bottom-start' | 'bottom-end' | 'top-start' | 'top-end';

interface Size {
    width: number;
    height: number;
}

const EDGE_PX = 8;

export function place(at: { left: number; top: number; right: number; bottom: number }, box: Size, window: Size, position: Position, gap: number): { left: number; top: number } {
    const [side, align] = position.split('-') as [string, string | undefined];
    const room = {
        top: at.top - gap - box.height, bottom: window.height - at.bottom - gap - box.height,
        left: at.left - gap - box.width, right: window.width - at.right - gap - box.width,
    };
    const other = { top: 'bottom', bottom: 'top', left: 'right', right: 'left' } as const;
    const wanted = side as keyof typeof other;
    const used = room[wanted] < EDGE_PX && room[other[wanted]] > room[wanted] ? other[wanted] : wanted;
    const along = (start: number, end: number, size: number): number => (align === 'start' ? start : align === 'end' ? end - size : (start + end - size) / 2);
    const inside = (value: number, size: number, all: number): number => Math.round(Math.max(EDGE_PX, Math.min(value, all - size - EDGE_PX)));
    const left = used === 'left' ? at.left - gap - box.width : used === 'right' ? at.right + gap : along(at.left, at.right, box.width);
    const top = used === 'top' ? at.top - gap - box.height : used === 'bottom' ? at.bottom + gap : along(at.top, at.bottom, box.height);
    return { left: inside(left, box.width, window.width), top: inside(top, box.height, window.height) };
}
