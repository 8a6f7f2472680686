/* What may be chosen for bar gauges. */
import { choice, ORIENTATION, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { ...ORIENTATION, group: 'Bar gauge' },
    { in: 'options', id: 'displayMode', group: 'Bar gauge', label: 'Display mode', kind: 'segments', choices: [choice('gradient', 'Gradient'), choice('lcd', 'Retro LCD'), choice('basic', 'Basic')], fallback: 'gradient' },
    { in: 'options', id: 'showUnfilled', group: 'Bar gauge', label: 'Show unfilled area', kind: 'switch', fallback: true },
];
