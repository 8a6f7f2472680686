/*
 * edit: dashboards that are being changed: the JSON as loaded, as it is now, and the steps between for undo and redo. A
 * draft outlives its page: who goes back by the browser's button finds it again.
 */
import { create } from 'zustand';
import { isSame, type Json } from '../grafana/json';

/* Steps that can be undone. */
export const STEPS_MAX = 200;
/* Changes of the same thing within this time are one step: letters of a text. */
const JOIN_MS = 1000;

export interface Step {
    /* What was done, for people: "Move panel". */
    label: string;
    before: Json;
}

export interface Draft {
    base: Json;
    now: Json;
    past: readonly Step[];
    future: readonly Step[];
    lastKey: string;
    lastAt: number;
}

export function newDraft(base: Json): Draft {
    return { base, now: base, past: [], future: [], lastKey: '', lastAt: 0 };
}

/** isDirty tells whether a draft differs from what is stored. */
export function isDirty(draft: Draft | undefined): boolean {
    return draft !== undefined && draft.now !== draft.base && !isSame(draft.now, draft.base);
}

/** stepped makes a change; one with the key of the last, soon after it, becomes part of it. */
export function stepped(draft: Draft, label: string, next: Json, key: string, at: number): Draft {
    if (next === draft.now) {
        return draft;
    }
    const joins = key !== '' && key === draft.lastKey && at - draft.lastAt < JOIN_MS && draft.past.length > 0;
    const past = joins ? draft.past : [...draft.past, { label, before: draft.now }].slice(-STEPS_MAX);
    return { ...draft, now: next, past, future: [], lastKey: key, lastAt: at };
}

export function undone(draft: Draft): Draft {
    const last = draft.past[draft.past.length - 1];
    return last ? { ...draft, now: last.before, past: draft.past.slice(0, -1), future: [...draft.future, { label: last.label, before: draft.now }], lastKey: '' } : draft;
}

export function redone(draft: Draft): Draft {
    const next = draft.future[draft.future.length - 1];
    return next ? { ...draft, now: next.before, future: draft.future.slice(0, -1), past: [...draft.past, { label: next.label, before: draft.now }], lastKey: '' } : draft;
}

interface Edits {
    /* By the dashboard's uid. */
    drafts: Readonly<Record<string, Draft>>;
    begin: (uid: string, base: Json) => void;
    end: (uid: string) => void;
    change: (uid: string, label: string, change: (now: Json) => Json, key?: string) => void;
    undo: (uid: string) => void;
    redo: (uid: string) => void;
}

export const useEdits = create<Edits>()((set, get) => {
    const update = (uid: string, change: (draft: Draft) => Draft): void => {
        const draft = get().drafts[uid];
        const next = draft && change(draft);
        if (next && next !== draft) {
            set({ drafts: { ...get().drafts, [uid]: next } });
        }
    };
    return {
        drafts: {},
        begin: (uid, base) => set({ drafts: { ...get().drafts, [uid]: newDraft(base) } }),
        end: (uid) => set({ drafts: Object.fromEntries(Object.entries(get().drafts).filter(([name]) => name !== uid)) }),
        change: (uid, label, change, key = '') => update(uid, (draft) => stepped(draft, label, change(draft.now), key, Date.now())),
        undo: (uid) => update(uid, undone),
        redo: (uid) => update(uid, redone),
    };
});

/* A window with changes that are not saved is closed only when that is meant, whichever page it shows. */
if (typeof window !== 'undefined') {
    window.addEventListener('beforeunload', (event) => {
        if (Object.values(useEdits.getState().drafts).some(isDirty)) {
            event.preventDefault();
        }
    });
}
