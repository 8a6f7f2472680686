/* What may be chosen for gauges. */
import { LINK_ROWS, ORIENTATION, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { ...ORIENTATION, group: 'Gauge' },
    { in: 'options', id: 'showThresholdMarkers', group: 'Gauge', label: 'Show threshold markers', kind: 'switch', fallback: true },
    { in: 'options', id: 'showThresholdLabels', group: 'Gauge', label: 'Show threshold labels', kind: 'switch', fallback: false },
    ...LINK_ROWS,
];
