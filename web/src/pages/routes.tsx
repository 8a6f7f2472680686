/* routes: the table of pages. A page is a folder here and a row below; each is a chunk that loads when it is opened. */
import { type ComponentType, lazy, type LazyExoticComponent } from 'react';
import { fromPrometheusLink } from './explore/state';
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
    { path: '/explore', title: 'Explore', icon: 'explore', key: 'e', component: lazy(() => import('./explore/Explore')) },
    { path: '/targets', title: 'Targets', icon: 'target', key: 't', component: lazy(() => import('./targets/Targets')) },
];

export const nav: NavItem[] = [
    { title: 'Home', to: '/', icon: 'home' },
    { title: 'Explore', to: '/explore', icon: 'explore' },
    { title: 'Targets', to: '/targets', icon: 'target', gap: true },
];

/* Paths of Prometheus's own UI, old and new. */
export const redirects: { from: string; to: (search: string) => string }[] = [
    { from: '/graph', to: fromPrometheusLink },
    { from: '/query', to: fromPrometheusLink },
    { from: '/tsdb-status', to: () => '/status/tsdb' },
    { from: '/flags', to: () => '/status/flags' },
    { from: '/config', to: () => '/status/config' },
    { from: '/status', to: () => '/status/runtime' },
    { from: '/classic/*', to: () => '/' },
];
