/* What may be chosen for tables. */
import { choice, LINK_ROWS, type OptionRow } from '../../dashboard/options';

const CELLS = [
    choice('auto', 'Auto'), choice('color-text', 'Colored text'), choice('color-background', 'Colored background'), choice('gauge', 'Gauge'),
    choice('sparkline', 'Sparkline'), choice('data-links', 'Data links'), choice('json-view', 'JSON view'), choice('image', 'Image'), choice('pill', 'Pill'),
];

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'showHeader', group: 'Table', label: 'Show table header', kind: 'switch', fallback: true },
    { in: 'options', id: 'cellHeight', group: 'Table', label: 'Cell height', kind: 'segments', choices: [choice('sm', 'Small'), choice('md', 'Medium'), choice('lg', 'Large')], fallback: 'sm' },
    { in: 'options', id: 'sortBy.0.displayName', group: 'Table', label: 'Sort by', kind: 'field' },
    { in: 'options', id: 'sortBy.0.desc', group: 'Table', label: 'Descending', kind: 'switch', fallback: false, when: (get) => Boolean(get('options', 'sortBy.0.displayName')) },
    { in: 'options', id: 'footer.show', group: 'Table footer', label: 'Show table footer', kind: 'switch', fallback: false },
    { in: 'options', id: 'footer.reducer', group: 'Table footer', label: 'Calculation', kind: 'reducers', help: 'The first counts', when: (get) => get('options', 'footer.show') === true },
    { in: 'options', id: 'footer.countRows', group: 'Table footer', label: 'Count rows', kind: 'switch', fallback: false, when: (get) => get('options', 'footer.show') === true },
    { in: 'options', id: 'footer.enablePagination', group: 'Table footer', label: 'Pages', kind: 'switch', fallback: false, help: 'As many rows as there is room for' },
    { in: 'custom', id: 'width', group: 'Table', label: 'Column width', kind: 'number', min: 20, max: 2000, unset: 'auto' },
    { in: 'custom', id: 'align', group: 'Table', label: 'Column alignment', kind: 'segments', choices: [choice('auto', 'Auto'), choice('left', 'Left'), choice('center', 'Center'), choice('right', 'Right')], fallback: 'auto' },
    { in: 'custom', id: 'filterable', group: 'Table', label: 'Column filter', kind: 'switch', fallback: false },
    { in: 'custom', id: 'inspect', group: 'Table', label: 'Show the whole value on a click', kind: 'switch', fallback: false },
    { in: 'custom', id: 'hidden', group: 'Table', label: 'Hide in table', kind: 'switch', fallback: false, overrideOnly: true },
    { in: 'custom', id: 'cellOptions.type', group: 'Cell options', label: 'Cell type', kind: 'select', choices: CELLS, fallback: 'auto' },
    { in: 'custom', id: 'cellOptions.wrapText', group: 'Cell options', label: 'Wrap text', kind: 'switch', fallback: false, when: (get) => ['auto', 'color-text', 'color-background', 'data-links', undefined].includes(get('custom', 'cellOptions.type') as string | undefined) },
    { in: 'custom', id: 'cellOptions.applyToRow', group: 'Cell options', label: 'Apply to the entire row', kind: 'switch', fallback: false, when: (get) => get('custom', 'cellOptions.type') === 'color-background' },
    { in: 'custom', id: 'cellOptions.hideValue', group: 'Cell options', label: 'Hide value', kind: 'switch', fallback: false, when: (get) => get('custom', 'cellOptions.type') === 'sparkline' },
    { in: 'custom', id: 'cellOptions.valueDisplayMode', group: 'Cell options', label: 'Value display', kind: 'segments', choices: [choice('color', 'Its color'), choice('text', 'Text color'), choice('hidden', 'Hidden')], fallback: 'color', when: (get) => get('custom', 'cellOptions.type') === 'gauge' },
    ...LINK_ROWS,
];
