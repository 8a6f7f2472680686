/* Variables: the dashboard's variables: a list, and for each what it asks and what that gives now. */
import { useState } from 'react';
import { choice, getOption, isShown, setOption, type OptionRow } from '../../../dashboard/options';
import type { VariableState } from '../../../dashboard/variables';
import { addVariable, nameFault, queryText, updateVariable, usesOf, variableEntries, VARIABLES, withQueryText, withVariableType, type VariableType } from '../../../grafana/edit/board';
import { setMember } from '../../../grafana/edit/patch';
import { asText, type Json } from '../../../grafana/json';
import { Badge, Button, Empty, Fault, Icon, Select, Textarea, TextInput, UnstyledButton } from '../../../ui';
import { EntryActions } from './EntryActions';
import { OptionField } from './inputs';
import type { Change } from './Settings';

const TYPES: readonly { value: VariableType; label: string }[] = [
    { value: 'query', label: 'Query' }, { value: 'custom', label: 'Custom' }, { value: 'interval', label: 'Interval' }, { value: 'datasource', label: 'Data source' },
    { value: 'textbox', label: 'Text box' }, { value: 'constant', label: 'Constant' }, { value: 'adhoc', label: 'Ad hoc filters' },
];

const of = (...types: VariableType[]) => (get: (place: 'panel', id: string) => unknown): boolean => types.includes(get('panel', 'type') as VariableType);
const SORTS = ['Disabled', 'Alphabetical (asc)', 'Alphabetical (desc)', 'Numerical (asc)', 'Numerical (desc)', 'Alphabetical, no case (asc)', 'Alphabetical, no case (desc)', 'Natural (asc)', 'Natural (desc)'];

/* In the order of the form; the members are those of the file. */
const ROWS: readonly OptionRow[] = [
    { in: 'panel', id: 'label', group: 'General', label: 'Label', kind: 'text', placeholder: 'as the name' },
    { in: 'panel', id: 'description', group: 'General', label: 'Description', kind: 'text' },
    { in: 'panel', id: 'hide', group: 'General', label: 'Show on the dashboard', kind: 'segments', choices: [choice(0, 'Label and value'), choice(1, 'Value'), choice(2, 'Nothing')], fallback: 0 },
    { in: 'panel', id: 'regex', group: 'Options', label: 'Regex', kind: 'text', placeholder: '/.*-(?<text>.*)-(?<value>.*)-.*/', when: of('query', 'datasource') },
    { in: 'panel', id: 'sort', group: 'Options', label: 'Sort', kind: 'select', choices: SORTS.map((label, i) => choice(i, label)), fallback: 0, when: of('query') },
    { in: 'panel', id: 'refresh', group: 'Options', label: 'Refresh', kind: 'segments', choices: [choice(1, 'On dashboard load'), choice(2, 'On time range change')], fallback: 1, when: of('query') },
    { in: 'panel', id: 'auto', group: 'Options', label: 'Auto option', kind: 'switch', fallback: false, when: of('interval') },
    { in: 'panel', id: 'auto_count', group: 'Options', label: 'Step count', kind: 'number', min: 1, max: 1000, fallback: 30, when: (get) => get('panel', 'type') === 'interval' && get('panel', 'auto') === true },
    { in: 'panel', id: 'auto_min', group: 'Options', label: 'Min interval', kind: 'text', placeholder: '10s', when: (get) => get('panel', 'type') === 'interval' && get('panel', 'auto') === true },
    { in: 'panel', id: 'multi', group: 'Selection', label: 'Multi-value', kind: 'switch', fallback: false, when: of('query', 'custom', 'datasource') },
    { in: 'panel', id: 'includeAll', group: 'Selection', label: 'Include All option', kind: 'switch', fallback: false, when: of('query', 'custom', 'datasource') },
    { in: 'panel', id: 'allValue', group: 'Selection', label: 'Custom all value', kind: 'text', placeholder: 'all values', when: (get) => of('query', 'custom', 'datasource')(get) && get('panel', 'includeAll') === true },
];

const QUERIES: Partial<Record<VariableType, { label: string; help: string }>> = {
    query: { label: 'Query', help: 'label_values(metric, label), label_names(), metrics(regex), query_result(expr), or a selector of series' },
    custom: { label: 'Values separated by comma', help: 'a, b, text : value' },
    interval: { label: 'Intervals', help: '1m,10m,1h' },
    datasource: { label: 'Type', help: 'prometheus: every data source is this server' },
    textbox: { label: 'Default value', help: '' },
    constant: { label: 'Value', help: '' },
};

const VALUES_SHOWN = 60;

function Preview({ state }: { state: VariableState | undefined }) {
    if (!state || state.model.type === 'adhoc') {
        return null;
    }
    return (
        <section className="stack" aria-label="Preview of values" style={{ gap: 4 }}>
            <span className="field-label">Preview of values{state.busy ? ' …' : ` (${state.options.length})`}</span>
            {state.error !== null && <Fault error={state.error} what="Query" />}
            <div className="row wrap" style={{ gap: 4 }}>
                {state.options.slice(0, VALUES_SHOWN).map((o) => <Badge key={`${o.text} ${o.value}`} variant="default" tt="none">{o.text}{o.text !== o.value ? ` : ${o.value}` : ''}</Badge>)}
                {state.options.length > VALUES_SHOWN && <span className="muted">and {state.options.length - VALUES_SHOWN} more</span>}
                {!state.busy && state.error === null && state.options.length === 0 && <span className="muted">No values</span>}
            </div>
        </section>
    );
}

function Form({ board, index, json, state, onChange, back }: { board: Json; index: number; json: Json; state: VariableState | undefined; onChange: Change; back: () => void }) {
    const put = (label: string, next: Json, key?: string): void => onChange(label, (now) => updateVariable(now, index, next), key);
    const stored = asText(json.name) ?? '';
    const [name, setName] = useState(stored);
    const fault = nameFault(board, index, name);
    const type = asText(json.type) as VariableType;
    const query = QUERIES[type];
    const asked = queryText(json);
    const [text, setText] = useState(asked);
    const [seen, setSeen] = useState(`${index} ${stored} ${asked}`);
    /* Undo changes what is stored: the fields follow. */
    if (seen !== `${index} ${stored} ${asked}`) {
        setSeen(`${index} ${stored} ${asked}`);
        setName(stored);
        setText(asked);
    }
    return (
        <div className="stack settings-form">
            <div className="row"><Button variant="default" onClick={back} leftSection={<Icon name="left" size={13} />}>All variables</Button></div>
            <div className="option-grid">
                <Select label="Type" data={TYPES.some((t) => t.value === type) ? [...TYPES] : [...TYPES, { value: type, label: type }]} value={type} onChange={(v) => v && v !== type && put('Change type of variable', withVariableType(json, v as VariableType))} />
                <TextInput label="Name" value={name} error={fault || undefined} onChange={(e) => setName(e.currentTarget.value)} onBlur={() => (fault === '' && name !== stored ? put('Rename variable', setMember(json, 'name', name)) : setName(stored))} />
            </div>
            {query && (
                <Textarea
                    label={query.label} description={query.help || undefined} classNames={{ input: 'mono' }} value={text} autosize minRows={1} maxRows={8} spellCheck={false} onChange={(e) => setText(e.currentTarget.value)}
                    onBlur={() => text !== asked && put('Change query of variable', withQueryText(json, text))}
                    onKeyDown={(e) => { if (e.key === 'Enter' && !e.shiftKey) { e.preventDefault(); if (text !== asked) { put('Change query of variable', withQueryText(json, text)); } } }}
                />
            )}
            {type === 'adhoc' && <p className="muted">Its filters are chosen on the dashboard, and go into every query.</p>}
            {ROWS.filter((row) => isShown(json, row)).map((row) => (
                <OptionField key={row.id} row={row} value={getOption(json, row)} onChange={(value) => put(`Change ${row.label.toLowerCase()}`, setOption(json, row, value), `variable ${index} ${row.id}`)} />
            ))}
            <Preview state={state} />
        </div>
    );
}

export function Variables({ board, states, onChange }: { board: Json; states: readonly VariableState[]; onChange: Change }) {
    const entries = variableEntries(board);
    const [open, setOpen] = useState<number | null>(null);
    const entry = entries.find((e) => e.index === open);
    if (entry) {
        return <Form key={entry.index} board={board} index={entry.index} json={entry.json} state={states.find((s) => s.model.name === entry.json.name)} onChange={onChange} back={() => setOpen(null)} />;
    }
    const add = (): void => {
        setOpen(addVariable(board).index);
        onChange('Add variable', (now) => addVariable(now).board);
    };
    return (
        <div className="stack">
            {entries.length === 0 ? (
                <Empty icon="filter" title="No variables yet">A variable is a field above the panels whose value goes into queries, titles and links as <code className="mono">$name</code>.</Empty>
            ) : (
                <div className="table-wrap" tabIndex={0} role="region" aria-label="Variables">
                    <table className="table">
                        <thead><tr><th>Name</th><th className="hide-narrow">Type</th><th>Definition</th><th className="hide-narrow">Used</th><th aria-label="Actions" /></tr></thead>
                        <tbody>
                            {entries.map(({ index, json }, i) => {
                                const name = asText(json.name) ?? '';
                                const uses = usesOf(board, name);
                                return (
                                    <tr key={index}>
                                        <td><UnstyledButton className="link" onClick={() => setOpen(index)}>{name || '(no name)'}</UnstyledButton></td>
                                        <td className="hide-narrow">{TYPES.find((t) => t.value === json.type)?.label ?? String(json.type)}</td>
                                        <td className="mono definition">{queryText(json)}</td>
                                        <td className="muted hide-narrow">{uses === 0 ? 'nowhere' : `${uses} ${uses === 1 ? 'place' : 'places'}`}</td>
                                        <td>
                                            <EntryActions path={VARIABLES} index={index} what="variable" name={name} first={i === 0} last={i === entries.length - 1} onChange={onChange} />
                                        </td>
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                </div>
            )}
            <div className="row"><Button variant="default" onClick={add} leftSection={<Icon name="plus" size={13} />}>New variable</Button></div>
        </div>
    );
}
