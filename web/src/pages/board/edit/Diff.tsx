/* Diff: two JSON values line by line: what has changed, with some lines around. */
import { useMemo } from 'react';
import type { Json } from '../../../grafana/json';
import { contextLines } from '../diff';

/* More lines help nobody. */
const LINES_MAX = 2000;

export function Diff({ before, after }: { before: Json; after: Json }) {
    const lines = useMemo(() => contextLines(JSON.stringify(before, null, 2), JSON.stringify(after, null, 2)), [before, after]);
    const added = lines.filter((l) => l.sign === '+').length;
    const removed = lines.filter((l) => l.sign === '-').length;
    if (added + removed === 0) {
        return null;
    }
    return (
        <div className="stack tight">
            <span className="muted">{added} {added === 1 ? 'line' : 'lines'} added, {removed} removed</span>
            <pre className="mono diff" tabIndex={0} role="region" aria-label="Changes">
                {lines.slice(0, LINES_MAX).map((l, i) => <div key={i} className={{ '+': 'added', '-': 'removed', '~': 'left-out', ' ': '' }[l.sign]}>{l.sign === '~' ? `… ${l.line} …` : `${l.sign} ${l.line}`}</div>)}
            </pre>
        </div>
    );
}
