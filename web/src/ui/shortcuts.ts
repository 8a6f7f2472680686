/* shortcuts: keys, one or two in a row ("g e"), as Grafana has them. */
import { useEffect } from 'react';

export interface Shortcut {
    /* "g e", "?", "mod+k", "mod+shift+z": mod is Ctrl, or Cmd on a Mac. */
    keys: string;
    help: string;
    run: () => void;
    /* Also while a text field has the focus. */
    inText?: boolean;
}

const SEQUENCE_MS = 1000;
const stack: Shortcut[][] = [];
let pending = '';
let pendingAt = 0;

/* keyOf names a key press as `keys` does. */
export function keyOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
    const name = event.key === ' ' ? 'space' : event.key.length === 1 ? event.key : event.key.toLowerCase().replace('arrow', '');
    return event.ctrlKey || event.metaKey ? `mod+${event.shiftKey ? 'shift+' : ''}${name.toLowerCase()}` : event.altKey ? `alt+${name}` : name;
}

/* Whether something that Esc closes was open before anybody heard of the key: that one takes it. */
let wasOpen = false;
/* Lists of closed fields stay in the page, unseen. */
const CLOSES = '[role="dialog"], [role="menu"], [role="listbox"], .cm-tooltip-autocomplete';

if (typeof window !== 'undefined') {
    window.addEventListener('keydown', () => { wasOpen = [...document.querySelectorAll(CLOSES)].some((one) => one.checkVisibility({ visibilityProperty: true })); }, true);
}

function isText(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

function find(keys: string, inText: boolean): Shortcut | undefined {
    for (const list of [...stack].reverse()) {
        const found = list.find((one) => one.keys === keys && (!inText || one.inText));
        if (found) {
            return found;
        }
    }
    return undefined;
}

function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || ['Shift', 'Control', 'Meta', 'Alt'].includes(event.key)) {
        return;
    }
    const key = keyOf(event);
    if (key === 'escape' && wasOpen) {
        return;
    }
    const inText = isText(event.target);
    const now = performance.now();
    const sequence = pending && now - pendingAt < SEQUENCE_MS ? `${pending} ${key}` : key;
    const found = find(sequence, inText) ?? find(key, inText);
    pending = found || inText ? '' : key;
    pendingAt = now;
    if (found) {
        event.preventDefault();
        found.run();
    }
}

/* allShortcuts lists what works now, the page's own first. */
export function allShortcuts(): Shortcut[] {
    return [...stack].reverse().flat();
}

/* useShortcuts makes keys work while the component is there. The list must be stable (useMemo). */
export function useShortcuts(list: Shortcut[]): void {
    useEffect(() => {
        if (stack.length === 0) {
            document.addEventListener('keydown', onKey);
        }
        stack.push(list);
        return () => {
            stack.splice(stack.indexOf(list), 1);
            if (stack.length === 0) {
                document.removeEventListener('keydown', onKey);
            }
        };
    }, [list]);
}
