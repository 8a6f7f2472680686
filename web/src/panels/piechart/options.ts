/* What may be chosen for pie charts. */
import { choice, LEGEND_ROWS, LINK_ROWS, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { in: 'options', id: 'pieType', group: 'Pie chart', label: 'Type', kind: 'segments', choices: [choice('pie', 'Pie'), choice('donut', 'Donut')], fallback: 'pie' },
    { in: 'options', id: 'displayLabels', group: 'Pie chart', label: 'Labels', kind: 'choices', choices: [choice('percent', 'Percent'), choice('name', 'Name'), choice('value', 'Value')] },
    ...LEGEND_ROWS,
    { in: 'options', id: 'legend.values', group: 'Legend', label: 'Legend values', kind: 'choices', choices: [choice('percent', 'Percent'), choice('value', 'Value')], when: (get) => get('options', 'legend.showLegend') !== false },
    ...LINK_ROWS,
];
