/* The panel types by their name in dashboards. To add one: a folder beside, and a row here. */
import { lazy } from 'react';
import type { PanelType } from '../dashboard/types';

const table: PanelType = { component: lazy(() => import('./table/Panel')) };
const barchart: PanelType = { component: lazy(() => import('./barchart/Panel')) };
const states: PanelType = { component: lazy(() => import('./statetimeline/Panel')) };

export const PANELS: Readonly<Record<string, PanelType>> = {
    alertlist: { component: lazy(() => import('./list/Alerts')), needsNoData: true },
    barchart,
    bargauge: { component: lazy(() => import('./bargauge/Panel')) },
    dashlist: { component: lazy(() => import('./list/Dashboards')), needsNoData: true },
    gauge: { component: lazy(() => import('./gauge/Panel')) },
    heatmap: { component: lazy(() => import('./heatmap/Panel')) },
    histogram: barchart,
    piechart: { component: lazy(() => import('./piechart/Panel')) },
    stat: { component: lazy(() => import('./stat/Panel')) },
    'state-timeline': states,
    'status-history': states,
    table,
    text: { component: lazy(() => import('./text/Panel')), needsNoData: true },
    timeseries: { component: lazy(() => import('./timeseries/Panel')) },
    trend: { component: lazy(() => import('./timeseries/Trend')) },
};

/** What shows the data of a panel type that is not known. */
export const UNKNOWN: PanelType = table;
