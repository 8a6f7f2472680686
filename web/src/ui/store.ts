/* store: what the whole window shares: whether the palette is open, whether the rail is wide, and what pages add to the palette. */
import { create } from 'zustand';
import type { IconName } from './icons';

export interface Command {
    id: string;
    title: string;
    icon?: IconName;
    hint?: string;
    /* A path of ours, or something to do. */
    to?: string;
    run?: () => void;
}

interface Window {
    palette: boolean;
    help: boolean;
    wide: boolean;
    /* Something was told at the corner: what shows it is loaded. */
    notices: boolean;
    /* How many alerts fire: those that somebody is told, and those that are muted. */
    alerts: { told: number; muted: number };
    /* By source: the shell, the dashboards' search, the page that is open. */
    commands: Record<string, Command[]>;
    setPalette: (open: boolean) => void;
    setHelp: (open: boolean) => void;
    toggleWide: () => void;
    setCommands: (source: string, commands: Command[]) => void;
}

const WIDE_KEY = 'barograph-rail';

function storedWide(): boolean {
    try {
        return localStorage.getItem(WIDE_KEY) === 'wide';
    } catch {
        return false; /* storage is forbidden: the rail starts narrow */
    }
}

export const useWindow = create<Window>()((set, get) => ({
    palette: false,
    help: false,
    wide: storedWide(),
    notices: false,
    alerts: { told: 0, muted: 0 },
    commands: {},
    setPalette: (palette) => set({ palette }),
    setHelp: (help) => set({ help }),
    toggleWide: () => {
        const wide = !get().wide;
        try {
            localStorage.setItem(WIDE_KEY, wide ? 'wide' : 'narrow');
        } catch {
            /* It is then forgotten at the next load. */
        }
        set({ wide });
    },
    setCommands: (source, commands) => set({ commands: { ...get().commands, [source]: commands } }),
}));

const UTC_KEY = 'barograph-utc';

/** storedUtc is whether times are shown in UTC in this browser. */
export function storedUtc(): boolean {
    try {
        return localStorage.getItem(UTC_KEY) === '1';
    } catch {
        return false; /* storage is forbidden */
    }
}

/** toggleUtc changes that, and loads the page anew: times stand everywhere. */
export function toggleUtc(): void {
    try {
        localStorage.setItem(UTC_KEY, storedUtc() ? '0' : '1');
        window.location.reload();
    } catch {
        /* It cannot be kept: times stay as they are. */
    }
}

const AUTHOR_KEY = 'barograph-author';

/** storedAuthor is who silenced or acknowledged last in this browser. */
export function storedAuthor(): string {
    try {
        return localStorage.getItem(AUTHOR_KEY) ?? '';
    } catch {
        return ''; /* storage is forbidden */
    }
}

export function storeAuthor(name: string): void {
    try {
        localStorage.setItem(AUTHOR_KEY, name.trim());
    } catch {
        /* It is then asked for again. */
    }
}
