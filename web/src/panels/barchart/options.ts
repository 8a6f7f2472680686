/* What may be chosen for bar charts and histograms. */
import { choice, LEGEND_ROWS, type OptionRow, ORIENTATION } from '../../dashboard/options';

const isUpright = (get: (place: 'options', id: string) => unknown): boolean => get('options', 'orientation') !== 'horizontal';

const SHARED: readonly OptionRow[] = [
    { in: 'custom', id: 'lineWidth', group: 'Bar chart', label: 'Line width', kind: 'number', min: 0, max: 10, fallback: 1 },
    { in: 'custom', id: 'fillOpacity', group: 'Bar chart', label: 'Fill opacity', kind: 'number', min: 0, max: 100, fallback: 80 },
    { in: 'custom', id: 'gradientMode', group: 'Bar chart', label: 'Gradient mode', kind: 'select', choices: [choice('none', 'None'), choice('opacity', 'Opacity'), choice('hue', 'Hue'), choice('scheme', 'Scheme')], fallback: 'none' },
    { in: 'custom', id: 'hideFrom.viz', group: 'Bar chart', label: 'Hide in the chart', kind: 'switch', overrideOnly: true },
    { in: 'options', id: 'tooltip.mode', group: 'Tooltip', label: 'Tooltip mode', kind: 'segments', choices: [choice('single', 'Single'), choice('multi', 'All'), choice('none', 'Hidden')], fallback: 'single' },
];

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'xField', group: 'Bar chart', label: 'X axis', kind: 'field' },
    { ...ORIENTATION, group: 'Bar chart' },
    { in: 'options', id: 'stacking', group: 'Bar chart', label: 'Stacking', kind: 'segments', choices: [choice('none', 'Off'), choice('normal', 'Normal'), choice('percent', '100%')], fallback: 'none' },
    { in: 'options', id: 'showValue', group: 'Bar chart', label: 'Show values', kind: 'segments', choices: [choice('auto', 'Auto'), choice('always', 'Always'), choice('never', 'Never')], fallback: 'auto' },
    { in: 'options', id: 'groupWidth', group: 'Bar chart', label: 'Group width', kind: 'number', min: 0, max: 1, step: 0.01, fallback: 0.7 },
    { in: 'options', id: 'barWidth', group: 'Bar chart', label: 'Bar width', kind: 'number', min: 0, max: 1, step: 0.01, fallback: 0.97 },
    { in: 'options', id: 'barRadius', group: 'Bar chart', label: 'Bar radius', kind: 'number', min: 0, max: 0.5, step: 0.05, fallback: 0 },
    { in: 'options', id: 'colorByField', group: 'Bar chart', label: 'Color by field', kind: 'field' },
    { in: 'options', id: 'xTickLabelRotation', group: 'Bar chart', label: 'Rotate labels', kind: 'number', min: -90, max: 90, step: 15, fallback: 0, help: 'Degrees, clockwise', when: isUpright },
    { in: 'options', id: 'xTickLabelMaxLength', group: 'Bar chart', label: 'Longest label', kind: 'number', min: 0, max: 1000, unset: 'auto' },
    { in: 'options', id: 'xTickLabelSpacing', group: 'Bar chart', label: 'Label spacing', kind: 'number', min: -1000, max: 1000, fallback: 0, help: 'Pixels; below zero they are counted from the last label' },
    ...SHARED,
    ...LEGEND_ROWS.filter((row) => row.id !== 'legend.displayMode'),
];

export const HISTOGRAM_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'bucketCount', group: 'Histogram', label: 'Bucket count', kind: 'number', min: 1, max: 500, unset: '30' },
    { in: 'options', id: 'bucketSize', group: 'Histogram', label: 'Bucket size', kind: 'number', min: 0, unset: 'auto' },
    { in: 'options', id: 'bucketOffset', group: 'Histogram', label: 'Bucket offset', kind: 'number', unset: '0' },
    { in: 'options', id: 'combine', group: 'Histogram', label: 'Combine series', kind: 'switch', fallback: false },
    ...SHARED.map((row) => ({ ...row, group: row.group === 'Bar chart' ? 'Histogram' : row.group })),
    ...LEGEND_ROWS.filter((row) => row.id !== 'legend.displayMode'),
];
