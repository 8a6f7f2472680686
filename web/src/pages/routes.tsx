/* routes: the table of pages. A page is a folder here and a row below; each is a chunk that loads when it is opened. */
import { type ComponentType, lazy, type LazyExoticComponent } from 'react';
import type { IconName, NavItem } from '../ui';

export interface PageRow {
    path: string;
    title: string;
    icon?: IconName;
    /* "e" of the keys "g e". */
    key?: string;
    component: LazyExoticComponent<ComponentType>;
}

export const pages: PageRow[] = [
    { path: '/', title: 'Home', icon: 'home', key: 'h', component: lazy(() => import('./home/Home')) },
    { path: '/targets', title: 'Targets', icon: 'target', key: 't', component: lazy(() => import('./targets/Targets')) },
];

export const nav: NavItem[] = [
    { title: 'Home', to: '/', icon: 'home' },
    { title: 'Targets', to: '/targets', icon: 'target', gap: true },
];

/* Paths of Prometheus's own UI, old and new. */
export const redirects: { from: string; to: (search: string) => string }[] = [];
