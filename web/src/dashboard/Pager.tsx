/* Pager: which rows are shown, and the ways to those before and behind them. */
import { ActionIcon, Icon } from '../ui';
import type { Page } from './paging';

export const PAGER_PX = 30;

export function Pager({ page, rows, onTurn }: { page: Page; rows: number; onTurn: (to: number) => void }) {
    const { index, count, from, to } = page;
    const button = (label: string, icon: 'left' | 'right', target: number) => <ActionIcon aria-label={label} disabled={target < 0 || target >= count} onClick={() => onTurn(target)}><Icon name={icon} size={13} /></ActionIcon>;
    return (
        <div className="pager num" style={{ height: PAGER_PX }}>
            {button('Page before', 'left', index - 1)}
            <span aria-live="polite">{rows === 0 ? 'no rows' : `${from + 1} to ${to} of ${rows}`}</span>
            {button('Next page', 'right', index + 1)}
        </div>
    );
}
