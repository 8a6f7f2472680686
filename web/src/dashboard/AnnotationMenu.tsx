/* AnnotationMenu: asks for a dashboard's annotations and hands them up; the button with their switches. It comes after the panels. */
import { lazy, Suspense, useEffect, useState } from 'react';
import type { Look } from '../grafana/color';
import type { Scope } from '../grafana/interpolate';
import type { DashboardModel } from '../grafana/model';
import { ActionIcon, Icon, Popover } from '../ui';
import { useAnnotations, type PanelAnnotation } from './annotations';

interface MenuProps {
    board: DashboardModel;
    scope: Scope;
    look: Look;
    /* Variables are still being looked up. */
    waits: boolean;
    /* There is no bar for the button: events are shown all the same. */
    hidden: boolean;
    onList: (list: readonly PanelAnnotation[]) => void;
    /* Zooms to an event. */
    onPick: (from: number, to: number) => void;
}

const AnnotationList = lazy(() => import('./AnnotationList'));

export default function AnnotationMenu({ board, scope, look, waits, hidden, onList, onPick }: MenuProps) {
    const annotations = useAnnotations(board, scope, look, !waits);
    const { states, list } = annotations;
    const [open, setOpen] = useState(false);
    useEffect(() => onList(list), [list, onList]);
    const shown = states.filter((one) => one.shown);
    if (hidden || shown.length === 0) {
        return null;
    }
    const failed = shown.some((one) => one.error !== '');
    return (
        <Popover opened={open} onChange={setOpen} position="bottom-end" width={380}>
            <Popover.Target>
                <ActionIcon aria-label={`Annotations: ${list.length}`} title="Annotations" aria-expanded={open} className="annotation-button" onClick={() => setOpen(!open)}>
                    <Icon name={failed ? 'warning' : 'flag'} />
                    {list.length > 0 && <span className="num">{list.length > 99 ? '99+' : list.length}</span>}
                </ActionIcon>
            </Popover.Target>
            <Popover.Dropdown aria-label="Annotations">
                <Suspense fallback={null}><AnnotationList annotations={annotations} zone={scope.zone} onPick={onPick} /></Suspense>
            </Popover.Dropdown>
        </Popover>
    );
}
