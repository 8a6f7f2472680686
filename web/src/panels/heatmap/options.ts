/* What may be chosen for heatmaps. */
import { choice, type OptionRow } from '../../dashboard/options';

const SCHEMES = ['Oranges', 'Blues', 'Greens', 'Reds', 'Purples', 'Greys', 'Viridis', 'Magma', 'Plasma', 'Inferno', 'Cividis'].map((name) => choice(name, name));

const isCalculated = (get: (place: 'options', id: string) => unknown): boolean => get('options', 'calculate') === true;

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'calculate', group: 'Heatmap', label: 'Calculate from data', kind: 'switch', fallback: false, help: 'Of series that are no buckets' },
    { in: 'options', id: 'calculation.xBuckets.mode', group: 'Heatmap', label: 'X buckets', kind: 'segments', choices: [choice('size', 'Size'), choice('count', 'Count')], fallback: 'size', when: isCalculated },
    { in: 'options', id: 'calculation.xBuckets.value', group: 'Heatmap', label: 'X: interval or number', kind: 'text', placeholder: 'auto', when: isCalculated },
    { in: 'options', id: 'calculation.yBuckets.mode', group: 'Heatmap', label: 'Y buckets', kind: 'segments', choices: [choice('size', 'Size'), choice('count', 'Count')], fallback: 'size', when: isCalculated },
    { in: 'options', id: 'calculation.yBuckets.value', group: 'Heatmap', label: 'Y: size or number', kind: 'text', placeholder: 'auto', when: isCalculated },
    { in: 'options', id: 'calculation.yBuckets.scale.type', group: 'Heatmap', label: 'Y scale', kind: 'segments', choices: [choice('linear', 'Linear'), choice('log', 'Logarithmic')], fallback: 'linear', when: isCalculated },
    { in: 'options', id: 'rowsFrame.layout', group: 'Y axis', label: 'Names of rows', kind: 'select', choices: [choice('auto', 'Auto'), choice('unknown', 'In the middle: names alone'), choice('ge', 'Lower bounds'), choice('le', 'Upper bounds')], fallback: 'auto', when: (get) => !isCalculated(get) },
    { in: 'options', id: 'yAxis.axisPlacement', group: 'Y axis', label: 'Placement', kind: 'segments', choices: [choice('left', 'Left'), choice('right', 'Right'), choice('hidden', 'Hidden')], fallback: 'left' },
    { in: 'options', id: 'yAxis.axisLabel', group: 'Y axis', label: 'Label', kind: 'text' },
    { in: 'options', id: 'yAxis.axisWidth', group: 'Y axis', label: 'Width', kind: 'number', min: 5, max: 400, unset: 'auto' },
    { in: 'options', id: 'yAxis.min', group: 'Y axis', label: 'Min', kind: 'number', unset: 'of the data' },
    { in: 'options', id: 'yAxis.max', group: 'Y axis', label: 'Max', kind: 'number', unset: 'of the data' },
    { in: 'options', id: 'yAxis.unit', group: 'Y axis', label: 'Unit', kind: 'unit' },
    { in: 'options', id: 'yAxis.decimals', group: 'Y axis', label: 'Decimals', kind: 'number', min: 0, max: 10, unset: 'auto' },
    { in: 'options', id: 'yAxis.reverse', group: 'Y axis', label: 'Reverse', kind: 'switch', fallback: false, help: 'The lowest bucket stands at the top' },
    { in: 'options', id: 'color.mode', group: 'Colors', label: 'Mode', kind: 'segments', choices: [choice('scheme', 'Scheme'), choice('opacity', 'Opacity')], fallback: 'scheme' },
    { in: 'options', id: 'color.scheme', group: 'Colors', label: 'Scheme', kind: 'select', choices: SCHEMES, fallback: 'Oranges', when: (get) => get('options', 'color.mode') !== 'opacity' },
    { in: 'options', id: 'color.fill', group: 'Colors', label: 'Color', kind: 'fixedColor', fallback: 'dark-orange', when: (get) => get('options', 'color.mode') === 'opacity' },
    { in: 'options', id: 'color.exponent', group: 'Colors', label: 'Exponent', kind: 'number', min: 0.01, max: 2, step: 0.05, fallback: 0.5 },
    { in: 'options', id: 'color.steps', group: 'Colors', label: 'Steps', kind: 'number', min: 2, max: 128, fallback: 64 },
    { in: 'options', id: 'color.reverse', group: 'Colors', label: 'Reverse', kind: 'switch', fallback: false },
    { in: 'options', id: 'color.min', group: 'Colors', label: 'Start the scale from', kind: 'number', unset: '0' },
    { in: 'options', id: 'color.max', group: 'Colors', label: 'End the scale at', kind: 'number', unset: 'auto' },
    { in: 'options', id: 'cellGap', group: 'Cells', label: 'Gap', kind: 'number', min: 0, max: 25, fallback: 1 },
    { in: 'options', id: 'showValue', group: 'Cells', label: 'Show values', kind: 'segments', choices: [choice('never', 'Never'), choice('auto', 'Auto'), choice('always', 'Always')], fallback: 'never', help: 'Auto: where a cell has room' },
    { in: 'options', id: 'cellValues.unit', group: 'Cells', label: 'Unit', kind: 'unit' },
    { in: 'options', id: 'cellValues.decimals', group: 'Cells', label: 'Decimals', kind: 'number', min: 0, max: 10, unset: 'auto' },
    { in: 'options', id: 'filterValues.le', group: 'Cells', label: 'Hide counts up to', kind: 'number', unset: '0' },
    { in: 'options', id: 'filterValues.ge', group: 'Cells', label: 'Hide counts from', kind: 'number', unset: 'none' },
    { in: 'options', id: 'tooltip.mode', group: 'Tooltip', label: 'Tooltip mode', kind: 'segments', choices: [choice('single', 'Single'), choice('none', 'Hidden')], fallback: 'single' },
    { in: 'options', id: 'tooltip.yHistogram', group: 'Tooltip', label: 'Histogram of the column', kind: 'switch', fallback: false },
    { in: 'options', id: 'tooltip.showColorScale', group: 'Tooltip', label: 'Scale of colors', kind: 'switch', fallback: false, help: 'With the place of the count', when: (get) => get('options', 'tooltip.mode') !== 'none' },
    { in: 'options', id: 'legend.show', group: 'Legend', label: 'Show what the colors mean', kind: 'switch', fallback: true },
];
