/* Options: the pane beside the picture: which visualization, and everything that may be chosen for it, found by words. */
import { useMemo, useState } from 'react';
import { getOption, isShown, overridable, setOption, withType, type OptionRow } from '../../../dashboard/options';
import { asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { setIn } from '../../../grafana/edit/patch';
import { KINDS, kindOf, rowsOf } from '../../../panels/kinds';
import { Button, Icon, Section, SegmentedControl, TextInput, UnstyledButton } from '../../../ui';
import { OptionField } from './inputs';
import { Overrides } from './Overrides';

interface OptionsProps {
    panel: Json;
    /* The JSON of the types that were chosen before. */
    seen: Map<string, Json>;
    onChange: (label: string, edit: (panel: Json) => Json, key?: string) => void;
}

function TypePicker({ type, onPick, close }: { type: string; onPick: (type: string) => void; close: () => void }) {
    const [find, setFind] = useState('');
    const words = find.toLowerCase().split(/\s+/).filter(Boolean);
    const list = Object.entries(KINDS).filter(([id, kind]) => words.every((w) => `${id} ${kind.name} ${kind.hint}`.toLowerCase().includes(w)));
    return (
        <div className="stack">
            <div className="row">
                <TextInput className="grow" aria-label="Find a visualization" placeholder="Find a visualization" value={find} onChange={(e) => setFind(e.currentTarget.value)} data-autofocus autoFocus />
                <Button variant="default" onClick={close}>Close</Button>
            </div>
            <div className="type-list" role="listbox" aria-label="Visualizations">
                {list.map(([id, kind]) => (
                    <UnstyledButton key={id} role="option" aria-selected={id === type} className="type-choice" onClick={() => onPick(id)}>
                        <b>{kind.name}</b>
                        <span className="muted">{kind.hint}</span>
                    </UnstyledButton>
                ))}
                {list.length === 0 && <p className="muted">None is called so.</p>}
            </div>
        </div>
    );
}

function grouped(rows: readonly OptionRow[]): [string, OptionRow[]][] {
    const groups = new Map<string, OptionRow[]>();
    for (const row of rows) {
        groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
    }
    return [...groups];
}

/* Groups that are open without being asked: what is changed most. */
const OPEN = new Set(['Panel options', 'Standard options', 'Thresholds', 'Value options', 'Graph styles', 'Text', 'Alerts', 'Dashboards', 'Table']);

export function Options({ panel, seen, onChange }: OptionsProps) {
    const type = asText(panel.type) ?? 'timeseries';
    const kind = kindOf(type);
    const [picking, setPicking] = useState(false);
    const [find, setFind] = useState('');
    const [tab, setTab] = useState('all');
    const rows = useMemo(() => rowsOf(type), [type]);
    const words = find.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => isShown(panel, row) && words.every((w) => `${row.label} ${row.group}`.toLowerCase().includes(w)));
    const overrides = asRecords(asRecord(panel.fieldConfig).overrides);
    const refIds = asRecords(panel.targets).map((t, i) => asText(t.refId) ?? String.fromCharCode(65 + i));

    function pick(next: string): void {
        setPicking(false);
        if (next !== type) {
            seen.set(type, panel);
            onChange('Change visualization', (p) => withType(p, next, kindOf(next), seen));
        }
    }
    return (
        <div className="stack options-pane">
            {picking ? <TypePicker type={type} onPick={pick} close={() => setPicking(false)} /> : (
                <>
                    <UnstyledButton className="type-button" onClick={() => setPicking(true)} aria-label={`Visualization: ${kind.name}. Change`}>
                        <b className="grow">{kind.name}</b>
                        <Icon name="down" size={14} />
                    </UnstyledButton>
                    <TextInput aria-label="Find options" placeholder="Find options" value={find} onChange={(e) => setFind(e.currentTarget.value)} leftSection={<Icon name="search" size={13} />} />
                    {!kind.isPlain && <SegmentedControl aria-label="Options" data={[{ value: 'all', label: 'All' }, { value: 'overrides', label: `Overrides${overrides.length > 0 ? ` (${overrides.length})` : ''}` }]} value={tab} onChange={setTab} fullWidth />}
                    {tab === 'overrides' && !kind.isPlain ? (
                        <Overrides
                            overrides={overrides} rows={overridable(rows)} refIds={refIds}
                            onChange={(label, next, key) => onChange(label, (p) => setIn(p, ['fieldConfig', 'overrides'], next), key)}
                        />
                    ) : grouped(shown).map(([group, list]) => (
                        <Section key={`${group} ${words.length > 0}`} title={group} open={words.length > 0 || OPEN.has(group)}>
                            <div className="stack panel-body">
                                {list.map((row) => (
                                    <OptionField
                                        key={`${row.in} ${row.id}`} row={row} value={getOption(panel, row)}
                                        onChange={(value) => onChange(`Change ${row.label.toLowerCase()}`, (p) => setOption(p, row, value), `${row.in} ${row.id}`)}
                                    />
                                ))}
                            </div>
                        </Section>
                    ))}
                </>
            )}
        </div>
    );
}
