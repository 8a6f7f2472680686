/* What may be chosen for a stat. */
import { choice, LINK_ROWS, REDUCE_ROWS, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    ...REDUCE_ROWS,
    { in: 'options', id: 'orientation', group: 'Stat styles', label: 'Orientation', kind: 'segments', choices: [choice('auto', 'Auto'), choice('horizontal', 'Horizontal'), choice('vertical', 'Vertical')], fallback: 'auto' },
    {
        in: 'options', id: 'textMode', group: 'Stat styles', label: 'Text mode', kind: 'select', fallback: 'auto',
        choices: [choice('auto', 'Auto'), choice('value', 'Value'), choice('value_and_name', 'Value and name'), choice('name', 'Name'), choice('none', 'None')],
    },
    {
        in: 'options', id: 'colorMode', group: 'Stat styles', label: 'Color mode', kind: 'select', fallback: 'value',
        choices: [choice('none', 'None'), choice('value', 'Value'), choice('background', 'Background gradient'), choice('background_solid', 'Background solid')],
    },
    { in: 'options', id: 'graphMode', group: 'Stat styles', label: 'Graph mode', kind: 'segments', choices: [choice('none', 'None'), choice('area', 'Area')], fallback: 'area' },
    { in: 'options', id: 'justifyMode', group: 'Stat styles', label: 'Text alignment', kind: 'segments', choices: [choice('auto', 'Auto'), choice('center', 'Center')], fallback: 'auto' },
    { in: 'options', id: 'wideLayout', group: 'Stat styles', label: 'Name beside the value where there is room', kind: 'switch', fallback: true },
    { in: 'options', id: 'showPercentChange', group: 'Stat styles', label: 'Show percent change', kind: 'switch', fallback: false },
    {
        in: 'options', id: 'percentChangeColorMode', group: 'Stat styles', label: 'Color of the change', kind: 'select', fallback: 'standard', when: (get) => get('options', 'showPercentChange') === true,
        choices: [choice('standard', 'Up is good'), choice('inverted', 'Down is good'), choice('same_as_value', 'Same as value')],
    },
    { in: 'options', id: 'text.titleSize', group: 'Text size', label: 'Title', kind: 'number', min: 6, max: 200, unset: 'auto' },
    { in: 'options', id: 'text.valueSize', group: 'Text size', label: 'Value', kind: 'number', min: 6, max: 400, unset: 'auto' },
    ...LINK_ROWS,
];
