/* EntryActions: what is done with an entry of a list of settings: moved, copied, removed. */
import { duplicateIn, moveIn, removeIn } from '../../../grafana/edit/board';
import type { Path } from '../../../grafana/edit/patch';
import { ActionIcon, Icon } from '../../../ui';
import type { Change } from './Settings';

export interface EntryActionsProps {
    /* Of the list in the dashboard's JSON, and the entry's place in it. */
    path: Path;
    index: number;
    /* "variable", and the name of this one. */
    what: string;
    name: string;
    first: boolean;
    last: boolean;
    /* Grafana's own: it can be neither copied nor removed. */
    fixed?: boolean;
    onChange: Change;
}

export function EntryActions({ path, index, what, name, first, last, fixed = false, onChange }: EntryActionsProps) {
    return (
        <span className="row" style={{ gap: 2 }}>
            <ActionIcon size={24} aria-label={`${name} up`} disabled={first} onClick={() => onChange(`Move ${what}`, (now) => moveIn(now, path, index, -1))}><Icon name="up" size={14} /></ActionIcon>
            <ActionIcon size={24} aria-label={`${name} down`} disabled={last} onClick={() => onChange(`Move ${what}`, (now) => moveIn(now, path, index, 1))}><Icon name="down" size={14} /></ActionIcon>
            <ActionIcon size={24} aria-label={`Duplicate ${name}`} disabled={fixed} onClick={() => onChange(`Duplicate ${what}`, (now) => duplicateIn(now, path, index))}><Icon name="copy" size={14} /></ActionIcon>
            <ActionIcon size={24} aria-label={`Remove ${name}`} disabled={fixed} onClick={() => onChange(`Remove ${what}`, (now) => removeIn(now, path, index))}><Icon name="trash" size={14} /></ActionIcon>
        </span>
    );
}
