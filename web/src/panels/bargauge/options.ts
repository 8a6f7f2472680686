/* What may be chosen for bar gauges. */
import { choice, LINK_ROWS, ORIENTATION, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { ...ORIENTATION, group: 'Bar gauge' },
    { in: 'options', id: 'displayMode', group: 'Bar gauge', label: 'Display mode', kind: 'segments', choices: [choice('gradient', 'Gradient'), choice('lcd', 'Retro LCD'), choice('basic', 'Basic')], fallback: 'gradient' },
    { in: 'options', id: 'showUnfilled', group: 'Bar gauge', label: 'Show unfilled area', kind: 'switch', fallback: true },
    { in: 'options', id: 'valueMode', group: 'Bar gauge', label: 'Value display', kind: 'segments', choices: [choice('color', 'Its color'), choice('text', 'Text color'), choice('hidden', 'Hidden')], fallback: 'color' },
    { in: 'options', id: 'namePlacement', group: 'Bar gauge', label: 'Name placement', kind: 'segments', choices: [choice('auto', 'Auto'), choice('top', 'Top'), choice('left', 'Left'), choice('hidden', 'Hidden')], fallback: 'auto' },
    ...LINK_ROWS,
];
