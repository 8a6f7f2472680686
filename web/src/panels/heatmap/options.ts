/* What may be chosen for heatmaps. */
import { choice, type OptionRow } from '../../dashboard/options';

const SCHEMES = ['Oranges', 'Blues', 'Greens', 'Reds', 'Purples', 'Greys', 'Viridis', 'Magma', 'Plasma', 'Inferno', 'Cividis'].map((name) => choice(name, name));

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'calculate', group: 'Heatmap', label: 'Calculate from data', kind: 'switch', fallback: false, help: 'Of series that are no buckets' },
    { in: 'options', id: 'yAxis.unit', group: 'Y axis', label: 'Unit', kind: 'unit' },
    { in: 'options', id: 'color.mode', group: 'Colors', label: 'Mode', kind: 'segments', choices: [choice('scheme', 'Scheme'), choice('opacity', 'Opacity')], fallback: 'scheme' },
    { in: 'options', id: 'color.scheme', group: 'Colors', label: 'Scheme', kind: 'select', choices: SCHEMES, fallback: 'Oranges', when: (get) => get('options', 'color.mode') !== 'opacity' },
    { in: 'options', id: 'color.fill', group: 'Colors', label: 'Color', kind: 'fixedColor', fallback: 'dark-orange', when: (get) => get('options', 'color.mode') === 'opacity' },
    { in: 'options', id: 'color.exponent', group: 'Colors', label: 'Exponent', kind: 'number', min: 0.01, max: 2, step: 0.05, fallback: 0.5 },
    { in: 'options', id: 'legend.show', group: 'Legend', label: 'Show what the colors mean', kind: 'switch', fallback: true },
];
