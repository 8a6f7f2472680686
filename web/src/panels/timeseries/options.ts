/* What may be chosen for time series and trends. */
import { choice, LEGEND_ROWS, LEGEND_VALUE_ROWS, TOOLTIP_ROWS, type OptionRow } from '../../dashboard/options';

const isStacked = (get: (place: 'custom', id: string) => unknown): boolean => !['none', undefined].includes(get('custom', 'stacking.mode') as string | undefined);
const isLine = (get: (place: 'custom', id: string) => unknown): boolean => !['bars', 'points'].includes(String(get('custom', 'drawStyle')));
const hasPoints = (get: (place: 'custom', id: string) => unknown): boolean => get('custom', 'showPoints') !== 'never' || get('custom', 'drawStyle') === 'points';

export const ROWS: readonly OptionRow[] = [
    ...TOOLTIP_ROWS,
    ...LEGEND_ROWS,
    ...LEGEND_VALUE_ROWS,
    { in: 'custom', id: 'axisPlacement', group: 'Axis', label: 'Placement', kind: 'select', choices: [choice('auto', 'Auto'), choice('left', 'Left'), choice('right', 'Right'), choice('hidden', 'Hidden')], fallback: 'auto' },
    { in: 'custom', id: 'axisLabel', group: 'Axis', label: 'Label', kind: 'text' },
    { in: 'custom', id: 'scaleDistribution.type', group: 'Axis', label: 'Scale', kind: 'segments', choices: [choice('linear', 'Linear'), choice('log', 'Logarithmic'), choice('symlog', 'Symlog')], fallback: 'linear' },
    { in: 'custom', id: 'scaleDistribution.log', group: 'Axis', label: 'Log base', kind: 'segments', choices: [choice(2, '2'), choice(10, '10')], fallback: 10, when: (get) => get('custom', 'scaleDistribution.type') === 'log' },
    { in: 'custom', id: 'scaleDistribution.linearThreshold', group: 'Axis', label: 'Linear threshold', kind: 'number', min: 0, fallback: 1, when: (get) => get('custom', 'scaleDistribution.type') === 'symlog' },
    { in: 'custom', id: 'axisCenteredZero', group: 'Axis', label: 'Centered zero', kind: 'switch', fallback: false },
    { in: 'custom', id: 'axisGridShow', group: 'Axis', label: 'Grid lines', kind: 'switch', fallback: true },
    { in: 'custom', id: 'axisSoftMin', group: 'Axis', label: 'Soft min', kind: 'number', unset: 'auto' },
    { in: 'custom', id: 'axisSoftMax', group: 'Axis', label: 'Soft max', kind: 'number', unset: 'auto' },
    { in: 'custom', id: 'drawStyle', group: 'Graph styles', label: 'Style', kind: 'segments', choices: [choice('line', 'Lines'), choice('bars', 'Bars'), choice('points', 'Points')], fallback: 'line' },
    {
        in: 'custom', id: 'lineInterpolation', group: 'Graph styles', label: 'Line interpolation', kind: 'segments', fallback: 'linear', when: isLine,
        choices: [choice('linear', 'Linear'), choice('smooth', 'Smooth'), choice('stepBefore', 'Step before'), choice('stepAfter', 'Step after')],
    },
    { in: 'custom', id: 'lineWidth', group: 'Graph styles', label: 'Line width', kind: 'number', min: 0, max: 10, fallback: 1 },
    { in: 'custom', id: 'fillOpacity', group: 'Graph styles', label: 'Fill opacity', kind: 'number', min: 0, max: 100, fallback: 0 },
    { in: 'custom', id: 'gradientMode', group: 'Graph styles', label: 'Gradient mode', kind: 'select', choices: [choice('none', 'None'), choice('opacity', 'Opacity'), choice('hue', 'Hue'), choice('scheme', 'Scheme')], fallback: 'none' },
    { in: 'custom', id: 'barAlignment', group: 'Graph styles', label: 'Bar alignment', kind: 'segments', choices: [choice(-1, 'Before'), choice(0, 'Center'), choice(1, 'After')], fallback: 0, when: (get) => get('custom', 'drawStyle') === 'bars' },
    { in: 'custom', id: 'lineStyle.fill', group: 'Graph styles', label: 'Line style', kind: 'select', choices: [choice('solid', 'Solid'), choice('dash', 'Dashes'), choice('dot', 'Dots')], fallback: 'solid', when: isLine },
    { in: 'custom', id: 'spanNulls', group: 'Graph styles', label: 'Connect null values', kind: 'segments', choices: [choice(false, 'Never'), choice(true, 'Always')], fallback: false, when: isLine },
    { in: 'custom', id: 'showPoints', group: 'Graph styles', label: 'Show points', kind: 'segments', choices: [choice('auto', 'Auto'), choice('always', 'Always'), choice('never', 'Never')], fallback: 'auto' },
    { in: 'custom', id: 'pointSize', group: 'Graph styles', label: 'Point size', kind: 'number', min: 1, max: 40, fallback: 5, when: hasPoints },
    { in: 'custom', id: 'stacking.mode', group: 'Graph styles', label: 'Stack series', kind: 'segments', choices: [choice('none', 'Off'), choice('normal', 'Normal'), choice('percent', '100 %')], fallback: 'none' },
    { in: 'custom', id: 'stacking.group', group: 'Graph styles', label: 'Stacking group', kind: 'text', fallback: 'A', when: isStacked },
    { in: 'custom', id: 'transform', group: 'Graph styles', label: 'Transform', kind: 'select', choices: [choice('', 'As they are'), choice('negative-Y', 'Negative Y')], overrideOnly: true },
    { in: 'custom', id: 'fillBelowTo', group: 'Graph styles', label: 'Fill below to', kind: 'text', placeholder: 'name of a series', overrideOnly: true },
    { in: 'custom', id: 'hideFrom.viz', group: 'Graph styles', label: 'Hide in the graph', kind: 'switch', overrideOnly: true },
    { in: 'custom', id: 'hideFrom.legend', group: 'Graph styles', label: 'Hide in the legend', kind: 'switch', overrideOnly: true },
    { in: 'custom', id: 'hideFrom.tooltip', group: 'Graph styles', label: 'Hide in the tooltip', kind: 'switch', overrideOnly: true },
    {
        in: 'custom', id: 'thresholdsStyle.mode', group: 'Thresholds', label: 'Show thresholds', kind: 'select', fallback: 'off',
        choices: [choice('off', 'Off'), choice('line', 'As lines'), choice('dashed', 'As dashed lines'), choice('area', 'As filled regions'), choice('line+area', 'As filled regions and lines')],
    },
];

export const TREND_ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'xField', group: 'Trend', label: 'X field', kind: 'field', help: 'Of ascending numbers; without one, the first field of numbers' },
    ...ROWS,
];
