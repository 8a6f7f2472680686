/* Shell: the rail at the left, the palette, the list of keys; pages stand inside. */
import { ActionIcon, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Tooltip } from './Floating';
import { Icon, type IconName } from './icons';
import { Link, useLocation } from './router';
import { useWindow } from './store';

/* Loaded when the palette or the keys are first asked for, or when nothing else is to be done. */
const Overlays = lazy(() => import('./Overlays'));

export interface NavItem {
    title: string;
    to: string;
    icon: IconName;
    /* Every path that begins so belongs to the item. */
    under?: string[];
    /* A gap stands before it. */
    gap?: boolean;
    /* Shown as a badge when above zero. */
    count?: number;
    /* Counted apart, in grey. */
    muted?: number;
}

function isAt(item: NavItem, path: string): boolean {
    return [item.to, ...(item.under ?? [])].some((to) => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`)));
}

const most = (count = 0) => (count === 0 ? '' : count > 99 ? '99+' : String(count));

function RailLink({ item, wide, here }: { item: NavItem; wide: boolean; here: boolean }) {
    const [count, muted] = [most(item.count), most(item.muted)];
    const name = `${item.title}${count && ` ${count}`}${muted && `, ${muted} muted`}`;
    const link = (
        <Link href={item.to} className="rail-item" aria-current={here ? 'page' : undefined} aria-label={name}>
            <Icon name={item.icon} size={18} />
            <span className="rail-text grow">{item.title}</span>
            {count && <span className="rail-count num">{count}</span>}
            {muted && <span className="rail-count rail-muted num">{muted}</span>}
        </Link>
    );
    return wide ? link : <Tooltip label={name} position="right">{link}</Tooltip>;
}

const schemes = { auto: ['auto', 'As the system'], dark: ['moon', 'Dark'], light: ['sun', 'Light'] } as const;
const nextScheme = { auto: 'dark', dark: 'light', light: 'auto' } as const;

function SchemeButton({ wide }: { wide: boolean }) {
    const { colorScheme, setColorScheme } = useMantineColorScheme();
    const [icon, title] = schemes[colorScheme];
    return (
        <Tooltip label={`Colours: ${title}`} position="right" disabled={wide}>
            <UnstyledButton
                className="rail-item"
                aria-label={`Colours: ${title}. Change`}
                onClick={() => setColorScheme(nextScheme[colorScheme])}
            >
                <Icon name={icon} size={18} />
                <span className="rail-text">{title}</span>
            </UnstyledButton>
        </Tooltip>
    );
}

/* Once open they stay, so that they can close gently. */
function LazyOverlays() {
    const open = useWindow((w) => w.palette || w.help);
    const [was, setWas] = useState(false);
    useEffect(() => {
        if (open) {
            setWas(true);
        }
    }, [open]);
    return open || was ? <Suspense fallback={null}><Overlays /></Suspense> : null;
}

export function Shell({ nav, children }: { nav: NavItem[]; children: ReactNode }) {
    const [path] = useLocation();
    const wide = useWindow((w) => w.wide);
    const toggleWide = useWindow((w) => w.toggleWide);
    const setHelp = useWindow((w) => w.setHelp);
    return (
        <div className="shell">
            <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>
                Skip to the content
            </a>
            <nav className={wide ? 'rail open' : 'rail'} aria-label="Pages">
                <div className="row rail-only-wide" style={{ gap: 0 }}>
                    <Link href="/" className="rail-brand grow" aria-label="barograph: home">
                        <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true" style={{ flex: 'none' }}>
                            <rect width="32" height="32" rx="7" fill="#1f62e0" />
                            <path d="M4 21c3 0 3-9 6-9s3 6 6 6 3-11 6-11 3 8 6 8" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
                        </svg>
                        <span className="rail-text">barograph</span>
                    </Link>
                    {wide && <ActionIcon aria-label="Narrow the rail" onClick={toggleWide}><Icon name="left" /></ActionIcon>}
                </div>
                {nav.map((item) => (
                    <span key={item.to} style={{ display: 'contents' }}>
                        {item.gap && <div className="rail-gap" />}
                        <RailLink item={item} wide={wide} here={isAt(item, path)} />
                    </span>
                ))}
                <div className="grow rail-only-wide" />
                <SchemeButton wide={wide} />
                <UnstyledButton className="rail-item rail-only-wide" aria-label="Keys" onClick={() => setHelp(true)}>
                    <Icon name="help" size={18} />
                    <span className="rail-text">Keys</span>
                </UnstyledButton>
                {!wide && (
                    <UnstyledButton className="rail-item rail-only-wide" aria-label="Widen the rail" onClick={toggleWide}>
                        <Icon name="right" size={18} />
                    </UnstyledButton>
                )}
            </nav>
            <div className="content">{children}</div>
            <LazyOverlays />
        </div>
    );
}
