/* What may be chosen for state timelines and status histories. */
import { choice, type OptionRow } from '../../dashboard/options';

const SHARED: readonly OptionRow[] = [
    { in: 'options', id: 'showValue', group: 'States', label: 'Show values', kind: 'segments', choices: [choice('auto', 'Auto'), choice('always', 'Always'), choice('never', 'Never')], fallback: 'auto' },
    { in: 'options', id: 'tooltip.mode', group: 'Tooltip', label: 'Tooltip mode', kind: 'segments', choices: [choice('single', 'Single'), choice('multi', 'All'), choice('none', 'Hidden')], fallback: 'single' },
    { in: 'custom', id: 'fillOpacity', group: 'States', label: 'Fill opacity', kind: 'number', min: 0, max: 100, unset: '100' },
    { in: 'options', id: 'rowHeight', group: 'States', label: 'Row height', kind: 'number', min: 0.1, max: 1, step: 0.05, fallback: 0.9 },
    { in: 'options', id: 'perPage', group: 'States', label: 'Rows on a page', kind: 'number', min: 1, max: 1000, unset: 'all' },
    { in: 'options', id: 'legend.showLegend', group: 'Legend', label: 'Visibility', kind: 'switch', fallback: true },
];

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'mergeValues', group: 'States', label: 'Merge equal consecutive values', kind: 'switch', fallback: true },
    { in: 'options', id: 'alignValue', group: 'States', label: 'Align values', kind: 'segments', choices: [choice('left', 'Left'), choice('center', 'Center'), choice('right', 'Right')], fallback: 'left' },
    ...SHARED,
];

export const HISTORY_ROWS: readonly OptionRow[] = [
    ...SHARED,
    { in: 'options', id: 'colWidth', group: 'States', label: 'Column width', kind: 'number', min: 0.1, max: 1, step: 0.05, fallback: 0.9 },
];
