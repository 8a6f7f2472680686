/* Nested: the table of a row, which another one holds. */
import { useMemo } from 'react';
import type { PanelProps } from '../../dashboard/types';
import { applyFieldConfig, panelDefaults } from '../../grafana/fieldconfig';
import type { Frame } from '../../grafana/frame';
import { Cell, type CellProps } from './Cell';
import { columnsOf, rowColor } from './columns';
import { INNER_ROWS_MAX } from './nesting';

type NestedProps = Pick<PanelProps, 'panel' | 'look' | 'zone'> & Pick<CellProps, 'rowPx' | 'from' | 'to' | 'fill' | 'onInspect'> & { frame: Frame };

export default function Nested({ frame, panel, look, zone, ...cell }: NestedProps) {
    const columns = useMemo(() => columnsOf(applyFieldConfig([frame], panelDefaults(panel.type, panel.fieldConfig))[0]!, look, zone), [frame, panel, look, zone]);
    const rows = Array.from({ length: Math.min(frame.length, INNER_ROWS_MAX) }, (_, i) => i);
    return (
        <table className="data-table">
            {!frame.meta?.hidesHeader && <thead><tr style={{ height: cell.rowPx }}>{columns.map((c, i) => <th key={i} style={{ textAlign: c.align, width: c.width }}>{c.name}</th>)}</tr></thead>}
            <tbody>
                {rows.map((row) => <tr key={row} style={{ height: cell.rowPx, background: rowColor(columns, row) }}>{columns.map((c, i) => <Cell key={i} column={c} columns={columns} row={row} {...cell} />)}</tr>)}
                {frame.length > INNER_ROWS_MAX && <tr style={{ height: cell.rowPx }}><td colSpan={columns.length} className="muted">and {frame.length - INNER_ROWS_MAX} more</td></tr>}
            </tbody>
        </table>
    );
}
