/* cursor: the time that is pointed at, shared by all pictures of a group: the graphs of a dashboard, its heatmaps, its state timelines. */

/* Seconds since 1970; null: nobody points any more. */
export type CursorListener = (seconds: number | null) => void;

const groups = new Map<string, Set<CursorListener>>();

/** joinCursor hears where the others of a group point; the result leaves it. */
export function joinCursor(group: string, listener: CursorListener): () => void {
    const members = groups.get(group) ?? new Set();
    groups.set(group, members.add(listener));
    return () => {
        members.delete(listener);
        if (members.size === 0 && groups.get(group) === members) {
            groups.delete(group);
        }
    };
}

/** moveCursor tells the others of a group. */
export function moveCursor(group: string, seconds: number | null, by: CursorListener): void {
    groups.get(group)?.forEach((listener) => listener !== by && listener(seconds));
}
