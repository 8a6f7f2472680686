/*
 * Floating: what hangs over the page at an element of it: a tooltip, a menu, a small dialog. They are our own because a
 * dashboard has hundreds of them, and each costs nothing here until it is open; Mantine's cost 45 KB before the first panel.
 */
import {
    cloneElement, createContext, type CSSProperties, type ReactElement, type ReactNode, useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState,
} from 'react';
import { createPortal } from 'react-dom';
import { place, type Position } from './place';

const GAP_PX = 5;
const TOOLTIP_AFTER_MS = 300;

/* Props of an element that is not ours: handlers are called beside ours. */
type Props = Record<string, unknown>;
type Handler = (event: React.SyntheticEvent<HTMLElement>) => void;

function withMore(child: ReactElement, more: Props): ReactElement {
    const own = child.props as Props;
    const merged: Props = { ...more };
    for (const [name, handler] of Object.entries(more)) {
        const before = own[name];
        if (typeof handler === 'function' && typeof before === 'function') {
            merged[name] = (event: React.SyntheticEvent<HTMLElement>) => {
                (before as Handler)(event);
                (handler as Handler)(event);
            };
        }
    }
    return cloneElement(child, merged);
}

interface BoxProps {
    at: Element;
    position: Position;
    className: string;
    style?: CSSProperties | undefined;
    children: ReactNode;
    /* The attributes of the box: role, id, label. */
    attributes?: Props;
    boxRef?: React.RefObject<HTMLDivElement | null> | undefined;
}

/* Box stands beside an element while that is where it is: it follows scrolling and resizing. */
function Box({ at, position, className, style, children, attributes, boxRef }: BoxProps) {
    const own = useRef<HTMLDivElement>(null);
    const box = boxRef ?? own;
    const [where, setWhere] = useState<{ left: number; top: number } | null>(null);
    useLayoutEffect(() => {
        const put = () => {
            const element = box.current;
            if (element) {
                const next = place(at.getBoundingClientRect(), { width: element.offsetWidth, height: element.offsetHeight }, { width: window.innerWidth, height: window.innerHeight }, position, GAP_PX);
                setWhere((now) => (now?.left === next.left && now.top === next.top ? now : next));
            }
        };
        put();
        window.addEventListener('resize', put);
        window.addEventListener('scroll', put, true);
        return () => {
            window.removeEventListener('resize', put);
            window.removeEventListener('scroll', put, true);
        };
    }, [at, position, box, children]);
    return createPortal(
        /* Not `visibility`: what is hidden so takes no focus, and the first item has to. */
        <div ref={box} className={className} style={{ ...style, left: where?.left ?? 0, top: where?.top ?? 0, opacity: where ? 1 : 0 }} {...attributes}>{children}</div>,
        document.body,
    );
}

// ---- tooltip ----

interface TooltipProps {
    label: ReactNode;
    position?: Position;
    /* Lines are broken at maw pixels. */
    multiline?: boolean;
    maw?: number;
    disabled?: boolean;
    children: ReactElement;
}

/* Tooltip says what a control is, or more about it: after a moment under the pointer, at once where the focus is seen. */
export function Tooltip({ label, position = 'bottom', multiline = false, maw = 300, disabled = false, children }: TooltipProps) {
    const [at, setAt] = useState<Element | null>(null);
    const timer = useRef<number>(undefined);
    const id = useId();
    const close = useCallback(() => {
        window.clearTimeout(timer.current);
        setAt(null);
    }, []);
    useEffect(() => close, [close]);
    useEffect(() => {
        if (!at) {
            return;
        }
        const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close();
        document.addEventListener('keydown', onKey);
        return () => document.removeEventListener('keydown', onKey);
    }, [at, close]);
    const shown = at !== null && !disabled;
    return (
        <>
            {withMore(children, {
                onMouseEnter: (event: React.MouseEvent) => {
                    const element = event.currentTarget;
                    timer.current = window.setTimeout(() => setAt(element), TOOLTIP_AFTER_MS);
                },
                onMouseLeave: close,
                onMouseDown: close,
                onFocus: (event: React.FocusEvent<HTMLElement>) => event.currentTarget.matches(':focus-visible') && setAt(event.currentTarget),
                onBlur: close,
                ...(shown ? { 'aria-describedby': id } : {}),
            })}
            {shown && <Box at={at} position={position} className="floating-tip" style={multiline ? { maxWidth: maw, whiteSpace: 'pre-line' } : undefined} attributes={{ role: 'tooltip', id }}>{label}</Box>}
        </>
    );
}

// ---- menu and popover ----

interface Floating {
    at: Element | null;
    open: (at: Element | null) => void;
    position: Position;
    width: number | string | undefined;
    id: string;
}

const FloatingContext = createContext<Floating | null>(null);

function useFloating(): Floating {
    const found = useContext(FloatingContext);
    if (!found) {
        throw new Error('a part of a menu stands outside of one');
    }
    return found;
}

const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]), select, textarea, [tabindex]:not([tabindex="-1"])';

/* A press outside closes; the element at which it hangs does that itself. */
function useOutside(box: React.RefObject<HTMLElement | null>, at: Element | null, close: () => void): void {
    useEffect(() => {
        if (!at) {
            return;
        }
        const onDown = (event: PointerEvent) => {
            const target = event.target as Node;
            if (!box.current?.contains(target) && !at.contains(target)) {
                close();
            }
        };
        document.addEventListener('pointerdown', onDown, true);
        return () => document.removeEventListener('pointerdown', onDown, true);
    }, [box, at, close]);
}

function focusOn(at: Element | null): void {
    if (at instanceof HTMLElement) {
        at.focus({ preventScroll: true });
    }
}

interface MenuProps {
    position?: Position;
    width?: number | string;
    children: ReactNode;
}

/* Menu: a button that opens a list of commands. */
export function Menu({ position = 'bottom-start', width, children }: MenuProps) {
    const [at, open] = useState<Element | null>(null);
    const id = useId();
    const value = useMemo(() => ({ at, open, position, width, id }), [at, position, width, id]);
    return <FloatingContext value={value}>{children}</FloatingContext>;
}

function MenuTarget({ children }: { children: ReactElement }) {
    const { at, open, id } = useFloating();
    return withMore(children, {
        'aria-haspopup': 'menu',
        'aria-expanded': at !== null,
        ...(at ? { 'aria-controls': id } : {}),
        onClick: (event: React.MouseEvent) => open(at ? null : event.currentTarget),
        onKeyDown: (event: React.KeyboardEvent) => {
            if (event.key === 'ArrowDown' && !at) {
                event.preventDefault();
                open(event.currentTarget);
            }
        },
    });
}

function MenuDropdown({ children }: { children: ReactNode }) {
    const { at, open, position, width, id } = useFloating();
    const box = useRef<HTMLDivElement>(null);
    const close = useCallback(() => open(null), [open]);
    useOutside(box, at, close);
    const items = () => [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitem"]:not([disabled])') ?? [])];
    useEffect(() => {
        if (at) {
            items()[0]?.focus({ preventScroll: true });
        }
    }, [at]);
    if (!at) {
        return null;
    }

    function onKeyDown(event: React.KeyboardEvent): void {
        const all = items();
        const here = all.indexOf(document.activeElement as HTMLElement);
        const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1 + all.length, Home: 0, End: all.length - 1 };
        const typed = event.key.length === 1 ? all.findIndex((item, i) => i > here && item.innerText.toLowerCase().startsWith(event.key.toLowerCase())) : -1;
        const next = steps[event.key] ?? (typed >= 0 ? typed : undefined);
        if (event.key !== 'Enter' && event.key !== ' ') {
            event.stopPropagation();
        }
        if (event.key === 'Escape' || event.key === 'Tab') {
            event.preventDefault();
            focusOn(at);
            close();
        } else if (next !== undefined && all.length > 0) {
            event.preventDefault();
            all[next % all.length]!.focus();
        }
    }

    return (
        <Box at={at} position={position} className="floating-box floating-menu" style={{ width }} boxRef={box} attributes={{ role: 'menu', id, onKeyDown }}>
            {children}
        </Box>
    );
}

interface ItemProps {
    children: ReactNode;
    leftSection?: ReactNode;
    disabled?: boolean;
    onClick?: () => void;
    /* A link instead of a command. */
    component?: 'a';
    href?: string | undefined;
    target?: string | undefined;
    rel?: string;
}

function MenuItem({ children, leftSection, disabled, onClick, component, href, target, rel }: ItemProps) {
    const { at, open } = useFloating();
    const run = () => {
        focusOn(at);
        open(null);
        onClick?.();
    };
    return component === 'a'
        ? <a role="menuitem" tabIndex={-1} className="floating-item" href={href} target={target} rel={rel} onClick={run}>{leftSection}{children}</a>
        : <button type="button" role="menuitem" tabIndex={-1} className="floating-item" disabled={disabled} onClick={run}>{leftSection}{children}</button>;
}

Menu.Target = MenuTarget;
Menu.Dropdown = MenuDropdown;
Menu.Item = MenuItem;
Menu.Label = function MenuLabel({ children }: { children: ReactNode }) {
    return <div className="floating-label" role="presentation">{children}</div>;
};
Menu.Divider = function MenuDivider() {
    return <div className="floating-line" role="separator" />;
};

interface PopoverProps extends MenuProps {
    opened: boolean;
    onChange: (open: boolean) => void;
}

/* Popover: a small dialog at a button; the caller says whether it is open. Its focus stays inside and goes back afterwards. */
export function Popover({ opened, onChange, position = 'bottom-start', width, children }: PopoverProps) {
    const [target, setTarget] = useState<Element | null>(null);
    const id = useId();
    const value = useMemo<Floating & { setTarget: typeof setTarget; target: Element | null }>(
        () => ({ at: opened ? target : null, open: (at) => onChange(at !== null), position, width, id, setTarget, target }),
        [opened, onChange, position, width, id, target],
    );
    return <FloatingContext value={value}>{children}</FloatingContext>;
}

function PopoverTarget({ children }: { children: ReactNode }) {
    const { setTarget } = useFloating() as Floating & { setTarget: (at: Element | null) => void };
    const note = useCallback((span: HTMLSpanElement | null) => setTarget(span?.firstElementChild ?? null), [setTarget]);
    return <span ref={note} style={{ display: 'contents' }}>{children}</span>;
}

/* Without `takesFocus` the focus stays where it is: nobody has asked for more than a look. */
function PopoverDropdown({ children, 'aria-label': label, takesFocus = true }: { children: ReactNode; 'aria-label'?: string; takesFocus?: boolean }) {
    const { at, open, position, width, id } = useFloating();
    const box = useRef<HTMLDivElement>(null);
    const close = useCallback(() => open(null), [open]);
    useOutside(box, at, close);
    useEffect(() => {
        if (at && takesFocus) {
            box.current?.querySelector<HTMLElement>(FOCUSABLE)?.focus({ preventScroll: true });
        }
    }, [at, takesFocus]);
    if (!at) {
        return null;
    }

    function onKeyDown(event: React.KeyboardEvent): void {
        if (event.key === 'Escape') {
            event.stopPropagation();
            focusOn(at);
            close();
        } else if (event.key === 'Tab') {
            const all = [...(box.current?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])];
            const edge = event.shiftKey ? all[0] : all.at(-1);
            if (document.activeElement === edge) {
                event.preventDefault();
                (event.shiftKey ? all.at(-1) : all[0])?.focus();
            }
        }
    }

    return (
        <Box at={at} position={position} className="floating-box" style={{ width, maxWidth: 'calc(100vw - 16px)' }} boxRef={box} attributes={{ role: 'dialog', id, 'aria-label': label, onKeyDown }}>
            {children}
        </Box>
    );
}

Popover.Target = PopoverTarget;
Popover.Dropdown = PopoverDropdown;
