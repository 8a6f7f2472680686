/* Palette: Ctrl-K: pages, dashboards and actions by a few letters. */
import { Modal, TextInput, UnstyledButton } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Icon } from './icons';
import { useLocation } from './router';
import { type Command, useWindow } from './store';

const SHOWN_MAX = 50;

/* score tells how well letters fit a title: all must be there in order; lower is better, Infinity is not at all. */
export function score(title: string, typed: string): number {
    const text = title.toLowerCase();
    const letters = typed.toLowerCase().replace(/\s+/g, '');
    const at = text.indexOf(typed.toLowerCase().trim());
    if (at >= 0) {
        return at === 0 || text[at - 1] === ' ' ? at / 100 : 1 + at / 100;
    }
    let position = -1;
    let gaps = 0;
    for (const letter of letters) {
        const next = text.indexOf(letter, position + 1);
        if (next < 0) {
            return Infinity;
        }
        gaps += next - position - 1;
        position = next;
    }
    return 10 + gaps;
}

function PaletteBody({ close }: { close: () => void }) {
    const commands = useWindow((w) => w.commands);
    const [, navigate] = useLocation();
    const [typed, setTyped] = useState('');
    const [chosen, setChosen] = useState(0);
    const found = useMemo(() => {
        const all = Object.values(commands).flat();
        return all
            .map((command) => ({ command, rank: score(command.title, typed) }))
            .filter((one) => one.rank < Infinity)
            .sort((a, b) => a.rank - b.rank)
            .slice(0, SHOWN_MAX)
            .map((one) => one.command);
    }, [commands, typed]);
    const index = Math.min(chosen, found.length - 1);

    function run(command: Command | undefined): void {
        if (!command) {
            return;
        }
        close();
        if (command.to !== undefined) {
            navigate(command.to);
        }
        command.run?.();
    }

    function onKeyDown(event: React.KeyboardEvent): void {
        const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
        if (step !== 0 && found.length > 0) {
            event.preventDefault();
            const next = (index + step + found.length) % found.length;
            setChosen(next);
            document.getElementById(`palette-${next}`)?.scrollIntoView({ block: 'nearest' });
        } else if (event.key === 'Enter') {
            event.preventDefault();
            run(found[index]);
        }
    }

    return (
        <>
            <TextInput
                data-autofocus
                aria-label="Search pages, dashboards and actions"
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant={found.length > 0 ? `palette-${index}` : undefined}
                size="sm"
                placeholder="Go to a page, a dashboard, an action"
                leftSection={<Icon name="search" />}
                value={typed}
                onChange={(event) => {
                    setTyped(event.currentTarget.value);
                    setChosen(0);
                }}
                onKeyDown={onKeyDown}
            />
            <div className="palette-list" id="palette-list" role="listbox" aria-label="Found">
                {found.map((command, i) => (
                    <UnstyledButton
                        key={command.id}
                        id={`palette-${i}`}
                        role="option"
                        tabIndex={-1}
                        aria-selected={i === index}
                        className="palette-item"
                        onClick={() => run(command)}
                        onMouseMove={() => setChosen(i)}
                    >
                        <Icon name={command.icon ?? 'right'} />
                        <span className="truncate">{command.title}</span>
                        {command.hint && <span className="hint">{command.hint}</span>}
                    </UnstyledButton>
                ))}
                {found.length === 0 && <div className="empty">Nothing is called that.</div>}
            </div>
        </>
    );
}

export function Palette() {
    const open = useWindow((w) => w.palette);
    const setPalette = useWindow((w) => w.setPalette);
    return (
        <Modal.Root opened={open} onClose={() => setPalette(false)} size={560} yOffset="12vh" padding="sm" transitionProps={{ duration: 80 }}>
            <Modal.Overlay />
            <Modal.Content aria-label="Command palette">
                <Modal.Body><PaletteBody close={() => setPalette(false)} /></Modal.Body>
            </Modal.Content>
        </Modal.Root>
    );
}
