/* Shown: a long list is drawn as far as somebody looks: some rows, and more of them when the end comes into view. */
import { Button } from '@mantine/core';
import { useCallback, useEffect, useRef, useState } from 'react';
import { formatCount } from './format';

const ROWS_STEP = 60;

/* cutSections takes the first `rows` rows out of sections, and leaves empty ones out; `total` counts all. */
export function cutSections<S extends { list: readonly unknown[] }>(sections: readonly S[], rows: number): { cut: S[]; total: number } {
    const cut: S[] = [];
    let total = 0;
    for (const section of sections) {
        const room = rows - total;
        total += section.list.length;
        if (room > 0 && section.list.length > 0) {
            cut.push(section.list.length > room ? { ...section, list: section.list.slice(0, room) } : section);
        }
    }
    return { cut, total };
}

/* useShown tells how many rows are drawn, and draws more; another `key` (the search, the choice) begins anew. */
export function useShown(key: string): [number, () => void] {
    const [state, setState] = useState({ key, rows: ROWS_STEP });
    const more = useCallback(() => setState((last) => ({ key, rows: (last.key === key ? last.rows : ROWS_STEP) + ROWS_STEP })), [key]);
    return [state.key === key ? state.rows : ROWS_STEP, more];
}

/* More stands behind the last row; nothing is there when all are drawn. */
export function More({ shown, total, more }: { shown: number; total: number; more: () => void }) {
    const end = useRef<HTMLDivElement>(null);
    useEffect(() => {
        if (!end.current) {
            return;
        }
        const observer = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && more());
        observer.observe(end.current);
        return () => observer.disconnect();
    }, [shown, total, more]);
    return shown >= total ? null : (
        <div ref={end} className="row" style={{ padding: 8 }}>
            <span className="muted num">{formatCount(shown)} of {formatCount(total)}</span>
            <Button variant="subtle" size="compact-xs" onClick={more}>Show more</Button>
        </div>
    );
}
