/* What may be chosen for texts. */
import { choice, type OptionRow } from '../../dashboard/options';

export const ROWS: readonly OptionRow[] = [
    { in: 'options', id: 'mode', group: 'Text', label: 'Mode', kind: 'segments', choices: [choice('markdown', 'Markdown'), choice('html', 'HTML'), choice('code', 'Code')], fallback: 'markdown' },
    { in: 'options', id: 'content', group: 'Text', label: 'Content', kind: 'lines' },
];
