/* Page: the frame of every page: breadcrumb, one h1, the page's controls, the search button, and what scrolls. */
import { UnstyledButton } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { Tooltip } from './Floating';
import { Icon } from './icons';
import { Link } from './router';
import { useWindow } from './store';

interface PageProps {
    title: string;
    /* What stands before the title: "Status" of "Status / Flags". */
    crumbs?: { title: string; to?: string }[];
    /* Controls at the right of the bar: time range, refresh, share. */
    actions?: ReactNode;
    /* Directly behind the title. */
    aside?: ReactNode;
    children: ReactNode;
}

function SearchButton() {
    const setPalette = useWindow((w) => w.setPalette);
    const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
    return (
        <Tooltip label="Search">
            <UnstyledButton className="search-button" aria-label="Search" data-keys={isMac ? '⌘ K' : 'Ctrl K'} onClick={() => setPalette(true)}>
                <Icon name="search" size={14} />
                <span className="words">Search</span>
            </UnstyledButton>
        </Tooltip>
    );
}

export function Page({ title, crumbs = [], actions, aside, children }: PageProps) {
    useEffect(() => {
        document.title = title === 'barograph' ? title : `${title} - barograph`;
    }, [title]);
    return (
        <>
            <header className="topbar">
                <div className="crumbs">
                    {crumbs.map((crumb) => (
                        <span key={crumb.title} className="row" style={{ gap: 6 }}>
                            {crumb.to ? <Link href={crumb.to}>{crumb.title}</Link> : <span>{crumb.title}</span>}
                            <Icon name="right" size={12} />
                        </span>
                    ))}
                    <h1>{title}</h1>
                </div>
                {aside}
                <div className="grow" />
                {actions}
                <SearchButton />
            </header>
            <main className="page" id="main" tabIndex={-1}>
                {children}
            </main>
        </>
    );
}
