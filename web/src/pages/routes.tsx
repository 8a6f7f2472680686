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
    { path: '/explore', title: 'Explore', icon: 'explore', key: 'e', component: lazy(() => import('./explore/Explore')) },
    { path: '/dashboards', title: 'Dashboards', icon: 'dashboards', key: 'd', component: lazy(() => import('./dashboards/Dashboards')) },
    { path: '/d/:uid/:slug?', title: 'Dashboard', component: lazy(() => import('./board/Board')) },
    { path: '/dashboard/new', title: 'New dashboard', icon: 'plus', component: lazy(() => import('./board/Board')) },
    { path: '/alerts', title: 'Alerts', icon: 'alert', key: 'a', component: lazy(() => import('./alerts/Alerts')) },
    { path: '/alerts/:fingerprint', title: 'Alert', component: lazy(() => import('./alerts/AlertPage')) },
    { path: '/silences', title: 'Silences', icon: 'silence', key: 's', component: lazy(() => import('./silences/Silences')) },
    { path: '/silences/new', title: 'New silence', icon: 'plus', component: lazy(() => import('./silences/NewSilence')) },
    { path: '/routing', title: 'Routing', icon: 'routing', component: lazy(() => import('./routing/Routing')) },
    { path: '/notifications', title: 'Notifications', icon: 'history', component: lazy(() => import('./notifications/Notifications')) },
    { path: '/rules', title: 'Rules', icon: 'rules', key: 'r', component: lazy(() => import('./rules/Rules')) },
    { path: '/backtest', title: 'Backtest', icon: 'history', component: lazy(() => import('./backtest/Backtest')) },
    { path: '/targets', title: 'Targets', icon: 'target', key: 't', component: lazy(() => import('./targets/Targets')) },
    { path: '/service-discovery', title: 'Service discovery', icon: 'discovery', component: lazy(() => import('./discovery/Discovery')) },
    { path: '/cardinality', title: 'Cardinality', icon: 'cardinality', key: 'c', component: lazy(() => import('./cardinality/Cardinality')) },
    { path: '/status/:tab', title: 'Status', icon: 'status', component: lazy(() => import('./status/Status')) },
];

export const nav: NavItem[] = [
    { title: 'Home', to: '/', icon: 'home' },
    { title: 'Explore', to: '/explore', icon: 'explore' },
    { title: 'Dashboards', to: '/dashboards', icon: 'dashboards', under: ['/d', '/dashboard'] },
    { title: 'Alerts', to: '/alerts', icon: 'alert', gap: true },
    { title: 'Silences', to: '/silences', icon: 'silence' },
    { title: 'Routing', to: '/routing', icon: 'routing' },
    { title: 'Notifications', to: '/notifications', icon: 'history' },
    { title: 'Rules', to: '/rules', icon: 'rules', under: ['/backtest'] },
    { title: 'Targets', to: '/targets', icon: 'target', gap: true },
    { title: 'Service discovery', to: '/service-discovery', icon: 'discovery' },
    { title: 'Cardinality', to: '/cardinality', icon: 'cardinality' },
    { title: 'Status', to: '/status/runtime', icon: 'status', under: ['/status'] },
];

/* Links of Prometheus's own UI to an expression. */
export const oldLinks = { paths: ['/graph', '/query'], component: lazy(() => import('./explore/OldLink')) };

/* Paths of Prometheus's own UI, old and new. */
export const redirects: { from: string; to: string }[] = [
    { from: '/tsdb-status', to: '/status/tsdb' },
    { from: '/flags', to: '/status/flags' },
    { from: '/config', to: '/status/config' },
    { from: '/status', to: '/status/runtime' },
    { from: '/classic/*', to: '/' },
];
