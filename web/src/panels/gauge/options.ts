/* What may be chosen for gauges. */
import { ORIENTATION, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { ...ORIENTATION, group: 'Gauge' },
    { in: 'options', id: 'showThresholdMarkers', group: 'Gauge', label: 'Show threshold markers', kind: 'switch', fallback: true },
];
