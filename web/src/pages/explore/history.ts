/* history: the expressions that were run, the newest first, in the browser. */
export interface HistoryEntry {
    expr: string;
    at: number;
    starred: boolean;
}

const KEY = 'barograph-query-history';
export const HISTORY_MAX = 200;

/* addTo puts an expression first; what is starred is never dropped. */
export function addTo(entries: readonly HistoryEntry[], expr: string, at: number): HistoryEntry[] {
    const before = entries.find((entry) => entry.expr === expr);
    const next = [{ expr, at, starred: before?.starred ?? false }, ...entries.filter((entry) => entry.expr !== expr)];
    let plain = 0;
    return next.filter((entry) => entry.starred || ++plain <= HISTORY_MAX);
}

export function parseHistory(text: string | null): HistoryEntry[] {
    try {
        const parsed: unknown = JSON.parse(text ?? '[]');
        return Array.isArray(parsed)
            ? parsed.filter((one): one is HistoryEntry => typeof one?.expr === 'string' && typeof one?.at === 'number')
            : [];
    } catch {
        return [];
    }
}

export function loadHistory(): HistoryEntry[] {
    try {
        return parseHistory(localStorage.getItem(KEY));
    } catch {
        return []; /* storage is forbidden */
    }
}

export function saveHistory(entries: readonly HistoryEntry[]): void {
    try {
        localStorage.setItem(KEY, JSON.stringify(entries));
    } catch {
        /* Full or forbidden: the history is then that of this page alone. */
    }
}
