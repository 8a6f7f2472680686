/* What may be chosen for bar charts and histograms. */
import { choice, type OptionRow } from '../../dashboard/options';

const LEGEND: OptionRow = { in: 'options', id: 'legend.showLegend', group: 'Legend', label: 'Visibility', kind: 'switch', fallback: true };

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'xField', group: 'Bar chart', label: 'X axis', kind: 'field' },
    { in: 'options', id: 'stacking', group: 'Bar chart', label: 'Stacking', kind: 'segments', choices: [choice('none', 'Off'), choice('normal', 'Normal'), choice('percent', '100%')], fallback: 'none' },
    LEGEND,
];

export const HISTOGRAM_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'bucketCount', group: 'Histogram', label: 'Bucket count', kind: 'number', min: 1, max: 500, unset: '30' },
    { in: 'options', id: 'bucketSize', group: 'Histogram', label: 'Bucket size', kind: 'number', min: 0, unset: 'auto' },
    { in: 'options', id: 'bucketOffset', group: 'Histogram', label: 'Bucket offset', kind: 'number', unset: '0' },
    { in: 'options', id: 'combine', group: 'Histogram', label: 'Combine series', kind: 'switch', fallback: false },
    LEGEND,
];
