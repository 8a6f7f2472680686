/* What may be chosen for lists of alerts and of dashboards. */
import type { OptionRow } from '../../dashboard/options';

export const ALERT_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'maxItems', group: 'Alerts', label: 'Max items', kind: 'number', min: 1, max: 1000, fallback: 20 },
    { in: 'options', id: 'alertName', group: 'Alerts', label: 'Alert name', kind: 'text', placeholder: 'part of the name' },
];

export const DASHBOARD_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'query', group: 'Dashboards', label: 'Title', kind: 'text', placeholder: 'part of the title' },
    { in: 'options', id: 'tags', group: 'Dashboards', label: 'Tags', kind: 'texts' },
    { in: 'options', id: 'maxItems', group: 'Dashboards', label: 'Max items', kind: 'number', min: 1, max: 1000, fallback: 30 },
];
