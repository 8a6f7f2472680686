/* HistoryDrawer: what was run before; starred ones stay. */
import { useState } from 'react';
import { since } from '../../grafana/time';
import { ActionIcon, Drawer, Empty, Icon, Switch, TextInput, UnstyledButton } from '../../ui';
import type { HistoryEntry } from './history';

interface HistoryProps {
    opened: boolean;
    onClose: () => void;
    entries: HistoryEntry[];
    onChange: (entries: HistoryEntry[]) => void;
    onUse: (expr: string) => void;
}

export function HistoryDrawer({ opened, onClose, entries, onChange, onUse }: HistoryProps) {
    const [typed, setTyped] = useState('');
    const [starred, setStarred] = useState(false);
    const [now] = useState(() => Date.now());
    const found = entries.filter((entry) => (!starred || entry.starred) && entry.expr.toLowerCase().includes(typed.toLowerCase()));
    return (
        <Drawer opened={opened} onClose={onClose} position="right" size={520} title="History" padding="md" transitionProps={{ duration: 100 }}
            closeButtonProps={{ 'aria-label': 'Close' }}>
            <div className="row" style={{ marginBottom: 10 }}>
                <TextInput className="grow" aria-label="Search history" placeholder="Search" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
                <Switch label="Starred" checked={starred} onChange={(event) => setStarred(event.currentTarget.checked)} />
            </div>
            {found.length === 0 && <Empty title="Nothing here yet" icon="history">Expressions that you run are kept in this browser.</Empty>}
            {found.map((entry) => (
                <div className="row history-row" key={entry.expr}>
                    <ActionIcon
                        aria-label={entry.starred ? 'Take the star away' : 'Star'} aria-pressed={entry.starred}
                        color={entry.starred ? 'yellow' : 'gray'}
                        onClick={() => onChange(entries.map((one) => (one.expr === entry.expr ? { ...one, starred: !one.starred } : one)))}
                    >
                        <Icon name="star" style={entry.starred ? { fill: 'currentColor' } : undefined} />
                    </ActionIcon>
                    <UnstyledButton className="mono grow history-expr" onClick={() => { onUse(entry.expr); onClose(); }}>{entry.expr}</UnstyledButton>
                    <span className="muted num">{since(entry.at, now)}</span>
                    <ActionIcon aria-label="Remove from history" onClick={() => onChange(entries.filter((one) => one.expr !== entry.expr))}>
                        <Icon name="trash" size={14} />
                    </ActionIcon>
                </div>
            ))}
        </Drawer>
    );
}
