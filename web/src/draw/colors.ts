/* colors: our own series colours. Any two differ for normal sight and three kinds of colour blindness (docs/decisions/web-ui.md). */

export type Scheme = 'dark' | 'light';

export const SERIES_COLORS: Record<Scheme, readonly string[]> = {
    dark: ['#3b80bd', '#c45d0f', '#57e8c6', '#e9206d', '#c4d81a', '#a1c9f6', '#f0b877', '#8a5ef4'],
    light: ['#2d4a92', '#773e0a', '#189c94', '#a9184d', '#a98c0c', '#1d31e8', '#cc7055', '#8f65ee'],
};

/* hashText is FNV-1a over 32 bits: the same labels have the same colour on every page and day. */
export function hashText(text: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) {
        hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
    }
    return hash;
}

function channel(color: string, at: number): number {
    return parseInt(color.slice(at, at + 2), 16);
}

/* mix blends two #rrggbb colours; share 0 is the first. */
export function mix(a: string, b: string, share: number): string {
    const parts = [1, 3, 5].map((at) => Math.round(channel(a, at) * (1 - share) + channel(b, at) * share));
    return `#${parts.map((n) => n.toString(16).padStart(2, '0')).join('')}`;
}

export function alpha(color: string, opacity: number): string {
    return `rgba(${channel(color, 1)}, ${channel(color, 3)}, ${channel(color, 5)}, ${opacity})`;
}

/*
 * colorsFor gives each key a colour: the hash of the key chooses it, so that a series keeps its colour when others come and
 * go; within the first eight keys a colour that is taken goes on to the next free one. Further rounds are lighter or darker.
 */
export function colorsFor(keys: readonly string[], scheme: Scheme): string[] {
    const palette = SERIES_COLORS[scheme];
    const taken = new Map<string, string>();
    const used: number[] = new Array<number>(palette.length).fill(0);
    for (const key of [...new Set(keys)].sort()) {
        const round = Math.floor(taken.size / palette.length);
        let index = hashText(key) % palette.length;
        while (used[index]! > round) {
            index = (index + 1) % palette.length;
        }
        used[index]!++;
        const base = palette[index]!;
        const shade = round % 3;
        taken.set(key, shade === 0 ? base : mix(base, shade === 1 ? '#ffffff' : '#000000', shade === 1 ? 0.35 : 0.3));
    }
    return keys.map((key) => taken.get(key)!);
}
