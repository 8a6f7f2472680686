/* recolor: whether dashboards have our own colours in place of palettes: in this browser, dashboards stay as they are. How they get them is loaded then. */
import { create } from 'zustand';
import type { withOwnColors } from './ownColors';

const KEY = 'barograph-colours';

export const useRecolor = create<{ recolor?: typeof withOwnColors | undefined }>()(() => ({}));

async function load(): Promise<void> {
    const { withOwnColors: recolor } = await import('./ownColors');
    useRecolor.setState({ recolor });
}

/** toggleOwnColors changes it, and tells whether they are our own then. */
export async function toggleOwnColors(): Promise<boolean> {
    const own = !useRecolor.getState().recolor;
    await (own ? load() : useRecolor.setState({ recolor: undefined }));
    try {
        localStorage.setItem(KEY, own ? 'own' : 'dashboard');
    } catch {
        /* It is then forgotten at the next load. */
    }
    return own;
}

try {
    if (localStorage.getItem(KEY) === 'own') {
        void load();
    }
} catch {
    /* Storage is forbidden. */
}
