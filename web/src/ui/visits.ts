/* visits: the dashboards that are starred and those that were seen last, kept in this browser. */
import { create } from 'zustand';

const KEY = 'barograph-boards';
const RECENT_MAX = 12;
const STARRED_MAX = 200;

interface Kept {
    /* Uids; of the recent ones the last comes first. */
    starred: readonly string[];
    recent: readonly string[];
}

interface Visits extends Kept {
    toggleStar: (uid: string) => void;
    visit: (uid: string) => void;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);

/** readVisits reads what is kept; what is none of ours counts as nothing. */
export function readVisits(text: string | null): Kept {
    try {
        const json = (JSON.parse(text ?? '{}') ?? {}) as Record<string, unknown>;
        return { starred: texts(json.starred).slice(0, STARRED_MAX), recent: texts(json.recent).slice(0, RECENT_MAX) };
    } catch {
        return { starred: [], recent: [] };
    }
}

export const visited = (recent: readonly string[], uid: string): string[] => [uid, ...recent.filter((one) => one !== uid)].slice(0, RECENT_MAX);

/** byVisits orders entries: starred ones first, then those seen last, then the rest as they are. */
export function byVisits<T extends { uid: string }>(list: readonly T[], { starred, recent }: Kept): T[] {
    const place = ({ uid }: T): number => (starred.includes(uid) ? -1000 + starred.indexOf(uid) : recent.includes(uid) ? -100 + recent.indexOf(uid) : 0);
    return [...list].sort((a, b) => place(a) - place(b));
}

function stored(): string | null {
    try {
        return localStorage.getItem(KEY);
    } catch {
        return null; /* storage is forbidden: nothing is kept */
    }
}

export const useVisits = create<Visits>()((set, get) => {
    const keep = (next: Partial<Kept>): void => {
        set(next);
        try {
            localStorage.setItem(KEY, JSON.stringify({ starred: get().starred, recent: get().recent }));
        } catch {
            /* as above */
        }
    };
    return {
        ...readVisits(stored()),
        toggleStar: (uid) => keep({ starred: get().starred.includes(uid) ? get().starred.filter((one) => one !== uid) : [...get().starred, uid].slice(-STARRED_MAX) }),
        visit: (uid) => keep({ recent: visited(get().recent, uid) }),
    };
});
