/* kinds: the panel types that an editor offers, with what may be chosen for each. Loaded by editors alone. */
import { FIELD_ROWS, PANEL_ROWS, type OptionRow, type PanelKind } from '../dashboard/options';
import { HISTOGRAM_ROWS, ROWS as BARCHART } from './barchart/options';
import { ROWS as BARGAUGE } from './bargauge/options';
import { ROWS as GAUGE } from './gauge/options';
import { ROWS as HEATMAP } from './heatmap/options';
import { ALERT_ROWS, DASHBOARD_ROWS } from './list/options';
import { ROWS as PIECHART } from './piechart/options';
import { ROWS as STAT } from './stat/options';
import { HISTORY_ROWS, ROWS as STATES } from './statetimeline/options';
import { ROWS as TABLE } from './table/options';
import { ROWS as TEXT } from './text/options';
import { ROWS as TIMESERIES, TREND_ROWS } from './timeseries/options';

export const KINDS: Readonly<Record<string, PanelKind>> = {
    timeseries: { name: 'Time series', hint: 'Lines, bars and points over time', rows: TIMESERIES },
    stat: { name: 'Stat', hint: 'Large values, with a spark line', rows: STAT },
    gauge: { name: 'Gauge', hint: 'A value between two limits', rows: GAUGE },
    bargauge: { name: 'Bar gauge', hint: 'A bar for each value', rows: BARGAUGE },
    table: { name: 'Table', hint: 'Rows and columns', rows: TABLE },
    piechart: { name: 'Pie chart', hint: 'Shares of a whole', rows: PIECHART },
    barchart: { name: 'Bar chart', hint: 'Values of categories', rows: BARCHART },
    heatmap: { name: 'Heatmap', hint: 'Buckets over time', rows: HEATMAP },
    histogram: { name: 'Histogram', hint: 'How often values occur', rows: HISTOGRAM_ROWS },
    'state-timeline': { name: 'State timeline', hint: 'States and how long they last', rows: STATES },
    'status-history': { name: 'Status history', hint: 'States at regular times', rows: HISTORY_ROWS },
    trend: { name: 'Trend', hint: 'Lines over a number', rows: TREND_ROWS },
    text: { name: 'Text', hint: 'Markdown, HTML or code', rows: TEXT, isPlain: true },
    alertlist: { name: 'Alert list', hint: 'What fires and waits', rows: ALERT_ROWS, isPlain: true },
    dashlist: { name: 'Dashboard list', hint: 'Links to dashboards', rows: DASHBOARD_ROWS, isPlain: true },
};

/* Types that nobody here knows keep their JSON; what all panels have may be changed. */
const OTHER: PanelKind = { name: 'Unknown', hint: '', rows: [] };

export function kindOf(type: string): PanelKind {
    return Object.hasOwn(KINDS, type) ? KINDS[type]! : { ...OTHER, name: type };
}

/** rowsOf lists everything that may be chosen for a panel of that type, in the order of the editor. */
export function rowsOf(type: string): readonly OptionRow[] {
    const kind = kindOf(type);
    return kind.isPlain ? [...PANEL_ROWS, ...kind.rows] : [...PANEL_ROWS, ...kind.rows, ...FIELD_ROWS];
}
