/* TimePicker: range, its neighbours, zoom and refresh, at the right of the top bar. */
import { ActionIcon, Button, UnstyledButton } from '@mantine/core';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { formatDate, FULL_DATE } from '../grafana/datetime';
import { describeRange, isRelative, quickRanges, resolveRange, shiftRange, zoomOut } from '../grafana/time';
import { Menu, Popover, Tooltip } from './Floating';
import { Icon } from './icons';
import { type Shortcut, useShortcuts } from './shortcuts';
import { type Clock, REFRESH_CHOICES } from './timeRange';

/* The form is loaded when it is opened: a page is drawn without fields. */
const RangeForm = lazy(() => import('./RangeForm'));

export function TimePicker({ clock, busy = false, intervals = REFRESH_CHOICES }: { clock: Clock; busy?: boolean; intervals?: readonly string[] }) {
    const [open, setOpen] = useState(false);
    const { setRange, refreshNow, range, calendar } = clock;
    const shift = useCallback((direction: -1 | 1) => setRange(shiftRange(range, direction, Date.now(), calendar)), [setRange, range, calendar]);
    const out = useCallback(() => setRange(zoomOut(range, Date.now(), calendar)), [setRange, range, calendar]);
    const shortcuts = useMemo<Shortcut[]>(
        () => [
            { keys: 't z', help: 'Zoom out', run: out },
            { keys: 't left', help: 'Earlier', run: () => shift(-1) },
            { keys: 't right', help: 'Later', run: () => shift(1) },
            { keys: 'd r', help: 'Refresh', run: refreshNow },
        ],
        [out, shift, refreshNow],
    );
    useShortcuts(shortcuts);
    const ends = resolveRange(range, clock.to, calendar);
    return (
        <div className="time-picker" role="group" aria-label="Time range">
            <Tooltip label="Earlier (t left)">
                <ActionIcon aria-label="Earlier" onClick={() => shift(-1)}><Icon name="left" /></ActionIcon>
            </Tooltip>
            <Popover opened={open} onChange={setOpen} position="bottom-end" width={430}>
                <Popover.Target>
                    <Tooltip label={`${formatDate(ends.from, FULL_DATE, calendar.zone)} to ${formatDate(ends.to, FULL_DATE, calendar.zone)}`}>
                        <UnstyledButton className="range-button" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
                            <Icon name="clock" size={14} />
                            <span className="truncate">{describeRange(range, calendar.zone)}</span>
                            <Icon name="down" size={12} />
                        </UnstyledButton>
                    </Tooltip>
                </Popover.Target>
                <Popover.Dropdown aria-label="Time range">
                    <div className="range-box">
                        <Suspense fallback={<div className="range-form" />}><RangeForm clock={clock} close={() => setOpen(false)} /></Suspense>
                        <div className="range-list">
                            {quickRanges(calendar).map((quick) => (
                                <UnstyledButton
                                    key={quick.title}
                                    className="range-choice"
                                    aria-current={quick.from === range.from && quick.to === range.to}
                                    onClick={() => {
                                        setRange(quick);
                                        setOpen(false);
                                    }}
                                >
                                    {quick.title}
                                </UnstyledButton>
                            ))}
                        </div>
                    </div>
                </Popover.Dropdown>
            </Popover>
            <Tooltip label="Later (t right)">
                <ActionIcon aria-label="Later" disabled={isRelative(range) && range.to === 'now'} onClick={() => shift(1)}>
                    <Icon name="right" />
                </ActionIcon>
            </Tooltip>
            <Tooltip label="Zoom out (t z)">
                <ActionIcon aria-label="Zoom out" onClick={out}><Icon name="zoomOut" /></ActionIcon>
            </Tooltip>
            <Button.Group>
                <Button variant="default" px={8} aria-label="Refresh" loading={busy} loaderProps={{ size: 12 }} onClick={refreshNow}>
                    <Icon name="refresh" size={14} />
                </Button>
                <Menu position="bottom-end" width={110}>
                    <Menu.Target>
                        <Button variant="default" px={7} aria-label={`Refresh every: ${clock.refresh || 'off'}`}>
                            {clock.refresh}
                            <Icon name="down" size={12} />
                        </Button>
                    </Menu.Target>
                    <Menu.Dropdown>
                        {intervals.map((every) => (
                            <Menu.Item key={every} onClick={() => clock.setRefresh(every)}>{every || 'Off'}</Menu.Item>
                        ))}
                    </Menu.Dropdown>
                </Menu>
            </Button.Group>
        </div>
    );
}
