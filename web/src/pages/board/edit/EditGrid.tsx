/*
 * EditGrid: the dashboard while it is edited: panels are moved and sized with the mouse, or with the arrow keys once one
 * has the focus. What it shows is the outermost list of the file; repeated panels stand once, folded rows hold their own.
 */
import { useEffect, useMemo, useRef, useState } from 'react';
import { GridLayout, verticalCompactor, type Layout } from 'react-grid-layout';
import { gridPlaces } from '../../../grafana/edit/panels';
import { moved, sized, type Direction } from '../../../grafana/edit/place';
import { COLUMNS, GAP_PX, gridHeight, ROW_PX } from '../../../grafana/layout';
import type { GridPos, PanelModel } from '../../../grafana/model';
import { ActionIcon, Icon, Menu, VisuallyHidden } from '../../../ui';

export interface EditGridProps {
    panels: readonly PanelModel[];
    width: number;
    fill: (text: string) => string;
    children: (panel: PanelModel, size: { width: number; height: number }) => React.ReactNode;
    onPlace: (places: ReadonlyMap<number, GridPos>, label: string) => void;
    onFold: (row: PanelModel) => void;
    onRemove: (panel: PanelModel, keepsInner: boolean) => void;
    onRow: (row: PanelModel) => void;
    /* A panel that has just been added: it is scrolled to and has the focus. */
    fresh: number | null;
}

const FOCUS_AFTER_MS = 50;
const DIRECTIONS: Record<string, Direction> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

function toMap(panels: readonly PanelModel[], places: readonly GridPos[]): Map<number, GridPos> {
    return new Map(panels.map((p, i) => [p.id, places[i]!]));
}

function RowBar({ row, props }: { row: PanelModel; props: EditGridProps }) {
    const title = props.fill(row.title) || 'Row';
    const isFolded = row.collapsed || row.panels.length > 0;
    return (
        <div className="grid-row edit">
            <span className="edit-grip" title="Drag the row"><Icon name="grip" size={14} /></span>
            <button type="button" className="row-fold" aria-expanded={!isFolded} onClick={() => props.onFold(row)}>
                <Icon name={isFolded ? 'right' : 'down'} size={13} />
                <b>{title}</b>
            </button>
            {isFolded && <span className="muted">{row.panels.length} panels</span>}
            {row.repeat && <span className="muted">repeats by ${row.repeat}</span>}
            <ActionIcon size={24} aria-label={`Settings of row ${title}`} onClick={() => props.onRow(row)}><Icon name="settings" size={14} /></ActionIcon>
            <Menu position="bottom-end">
                <Menu.Target><ActionIcon size={24} aria-label={`Remove row ${title}`}><Icon name="trash" size={14} /></ActionIcon></Menu.Target>
                <Menu.Dropdown>
                    <Menu.Item onClick={() => props.onRemove(row, true)}>Row alone</Menu.Item>
                    <Menu.Item onClick={() => props.onRemove(row, false)}>Row and its panels</Menu.Item>
                </Menu.Dropdown>
            </Menu>
        </div>
    );
}

export function EditGrid(props: EditGridProps) {
    const { panels, width, onPlace, fresh } = props;
    const places = useMemo(() => gridPlaces(panels), [panels]);
    const layout = useMemo<Layout>(
        () => panels.map((p, i) => ({ i: String(p.id), ...places[i]!, minH: p.type === 'row' ? 1 : 2, isResizable: p.type !== 'row' })),
        [panels, places],
    );
    /* The size of the one that is being sized, so that it is drawn so. */
    const [sizing, setSizing] = useState<{ id: string; w: number; h: number } | null>(null);
    const [said, setSaid] = useState('');
    const box = useRef<HTMLDivElement>(null);
    const columnPx = (width + GAP_PX) / COLUMNS;
    useEffect(() => {
        if (fresh === null) {
            return;
        }
        /* The menu that it came from closes first. */
        const timer = setTimeout(() => {
            const cell = box.current?.querySelector<HTMLElement>(`[data-cell="${fresh}"]`);
            cell?.focus();
            cell?.scrollIntoView({ block: 'nearest' });
        }, FOCUS_AFTER_MS);
        return () => clearTimeout(timer);
    }, [fresh]);

    function take(next: Layout, label: string): void {
        onPlace(new Map(next.map((item) => [Number(item.i), { x: item.x, y: item.y, w: item.w, h: item.h }])), label);
    }

    function onKey(event: React.KeyboardEvent, index: number): void {
        const direction = DIRECTIONS[event.key];
        if (event.target !== event.currentTarget || !direction || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        event.preventDefault();
        const isRow = panels[index]!.type === 'row';
        if (isRow && (event.shiftKey || direction === 'left' || direction === 'right')) {
            return;
        }
        const next = (event.shiftKey ? sized : moved)(places, index, direction);
        const own = next[index]!;
        setSaid(`Column ${own.x + 1}, line ${own.y + 1}, ${own.w} columns wide, ${own.h} lines high`);
        onPlace(toMap(panels, next), event.shiftKey ? 'Resize panel' : 'Move panel');
    }

    return (
        <div ref={box} className="edit-grid">
            <VisuallyHidden id="edit-grid-help">Arrow keys move the panel, with Shift they change its size.</VisuallyHidden>
            <VisuallyHidden role="status">{said}</VisuallyHidden>
            <GridLayout
                width={width} layout={layout} compactor={verticalCompactor}
                gridConfig={{ cols: COLUMNS, rowHeight: ROW_PX, margin: [GAP_PX, GAP_PX], containerPadding: [0, 0], maxRows: Infinity }}
                dragConfig={{ enabled: true, bounded: false, handle: '.board-panel-head, .grid-row.edit', cancel: 'button, a, input', threshold: 3 }}
                resizeConfig={{ enabled: true, handles: ['se', 'e', 's'] }}
                onDragStop={(next) => take(next, 'Move panel')}
                onResize={(_next, _old, item) => item && setSizing({ id: item.i, w: item.w, h: item.h })}
                onResizeStop={(next) => { setSizing(null); take(next, 'Resize panel'); }}
            >
                {panels.map((panel, i) => {
                    const id = String(panel.id);
                    const { w, h } = sizing?.id === id ? sizing : places[i]!;
                    return (
                        <div
                            key={id} data-cell={id} className="edit-cell" tabIndex={0} role="group" aria-describedby="edit-grid-help"
                            aria-label={`${panel.type === 'row' ? 'Row' : 'Place of panel'} ${props.fill(panel.title) || panel.id}`} onKeyDown={(event) => onKey(event, i)}
                        >
                            {panel.type === 'row'
                                ? <RowBar row={panel} props={props} />
                                : props.children(panel, { width: Math.round(w * columnPx - GAP_PX), height: gridHeight(h) })}
                            {panel.repeat && panel.type !== 'row' && <span className="edit-badge">repeats by ${panel.repeat}</span>}
                        </div>
                    );
                })}
            </GridLayout>
        </div>
    );
}
