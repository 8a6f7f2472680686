/* Annotations: what is marked on the time axis of all panels: a list, and for each what it asks and what that gives now. */
import { lazy, Suspense, useEffect, useState } from 'react';
import type { PanelAnnotation } from '../../../dashboard/annotations';
import type { OptionRow } from '../../../dashboard/options';
import { formatDate, FULL_DATE, type TimeZone } from '../../../grafana/datetime';
import {
    addAnnotation, ANNOTATIONS, annotationEntries, annotationNameFault, getAnnotation, isBuiltInAnnotation, setAnnotation, updateAnnotation,
} from '../../../grafana/edit/board';
import { setMember } from '../../../grafana/edit/patch';
import { asArray, asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { Button, Empty, Icon, MultiSelect, SegmentedControl, State, TextInput, UnstyledButton } from '../../../ui';
import { EntryActions } from './EntryActions';
import { ColorButton, OptionField } from './inputs';
import type { Change } from './Settings';

const Editor = lazy(() => import('../../../promql/Editor'));

/* What is asked of a query; the members are those of the file. */
const ROWS: readonly OptionRow[] = [
    { in: 'panel', id: 'step', group: 'Query', label: 'Min step', kind: 'text', placeholder: '60s', help: 'Samples that follow each other at this step are one span' },
    { in: 'panel', id: 'titleFormat', group: 'Query', label: 'Title', kind: 'text', placeholder: '{{alertname}}', help: '{{name}} is the value of a label' },
    { in: 'panel', id: 'textFormat', group: 'Query', label: 'Text', kind: 'text', placeholder: '{{instance}}' },
    { in: 'panel', id: 'tagKeys', group: 'Query', label: 'Tags', kind: 'text', placeholder: 'job,instance', help: 'Labels whose values are tags' },
    { in: 'panel', id: 'useValueForTime', group: 'Query', label: 'The value is the time', kind: 'switch', help: 'In ms since 1970: an event there, instead of where the sample stands', fallback: false },
];
const SHOWN_ROWS: readonly OptionRow[] = [
    { in: 'panel', id: 'enable', group: 'General', label: 'Enabled', kind: 'switch', help: 'When the dashboard is opened; its switch in the top bar turns it on and off', fallback: true },
    { in: 'panel', id: 'hide', group: 'General', label: 'Without a switch in the top bar', kind: 'switch', fallback: false },
];
const EVENTS_SHOWN = 5;

export interface AnnotationsProps {
    board: Json;
    /* The events that are shown now, of all annotations. */
    events: readonly PanelAnnotation[];
    variables: readonly string[];
    zone: TimeZone;
    onChange: Change;
}

function Preview({ events, zone }: { events: readonly PanelAnnotation[]; zone: TimeZone }) {
    return (
        <section className="stack" aria-label="Preview of events" style={{ gap: 4 }}>
            <span className="field-label">Events in the range that is shown ({events.length})</span>
            {events.slice(-EVENTS_SHOWN).reverse().map((one, i) => (
                <span key={i} className="row" style={{ gap: 6 }}><span className="num muted">{formatDate(one.from, FULL_DATE, zone)}</span><b>{one.title}</b><span className="truncate">{one.text.replaceAll('\n', ' ')}</span></span>
            ))}
            {events.length === 0 && <span className="muted">None: a sample above 0 is an event.</span>}
        </section>
    );
}

/* Rows of a board's panels, those in folded rows too. */
function panelChoices(board: Json): { value: string; label: string }[] {
    return asRecords(board.panels).flatMap((p) => [p, ...asRecords(p.panels)]).filter((p) => p.type !== 'row').map((p) => ({ value: String(p.id), label: `${asText(p.title) || 'Panel'} (${String(p.id)})` }));
}

function PanelFilter({ board, json, onChange }: { board: Json; json: Json; onChange: (filter: Json | undefined) => void }) {
    const filter = asRecord(json.filter);
    const ids = asArray(filter.ids).map(String);
    const mode = json.filter === undefined ? 'all' : filter.exclude === true ? 'but' : 'these';
    return (
        <div className="stack tight">
            <span className="field-label">Shown in</span>
            <SegmentedControl
                aria-label="Shown in" data={[{ value: 'all', label: 'All panels' }, { value: 'these', label: 'These panels' }, { value: 'but', label: 'All but these' }]} value={mode}
                onChange={(v) => onChange(v === 'all' ? undefined : { ...filter, exclude: v === 'but', ids: asArray(filter.ids) })}
            />
            {mode !== 'all' && <MultiSelect aria-label="Panels" data={panelChoices(board)} value={ids} onChange={(v) => onChange({ ...filter, ids: v.map(Number) })} searchable placeholder="Choose panels" />}
        </div>
    );
}

function Query({ json, variables, put }: { json: Json; variables: readonly string[]; put: (label: string, key: string, value: unknown) => void }) {
    const stored = asText(getAnnotation(json, 'expr')) ?? '';
    const [text, setText] = useState(stored);
    useEffect(() => setText(stored), [stored]);
    const run = (): void => {
        if (text !== stored) {
            put('Change query of annotation', 'expr', text);
        }
    };
    return (
        <>
            <div className="query-editor" onBlur={run}>
                <Suspense fallback={<div className="editor" />}>
                    <Editor label="Expression of the annotation" value={text} onChange={setText} onRun={run} placeholder="changes(process_start_time_seconds[1m]) > 0" variables={variables} />
                </Suspense>
            </div>
            {ROWS.map((row) => <OptionField key={row.id} row={row} value={getAnnotation(json, row.id)} onChange={(value) => put(`Change ${row.label.toLowerCase()}`, row.id, value)} />)}
        </>
    );
}

function Form({ board, index, json, events, variables, zone, onChange, back }: AnnotationsProps & { index: number; json: Json; back: () => void }) {
    const put = (label: string, key: string, value: unknown): void => onChange(label, (now) => updateAnnotation(now, index, (one) => setAnnotation(one, key, value)), `annotation ${index} ${key}`);
    const stored = asText(json.name) ?? '';
    const [name, setName] = useState(stored);
    useEffect(() => setName(stored), [stored]);
    const fault = annotationNameFault(board, index, name);
    const builtIn = isBuiltInAnnotation(json);
    return (
        <div className="stack settings-form">
            <div className="row"><Button variant="default" onClick={back} leftSection={<Icon name="left" size={13} />}>All annotations</Button></div>
            <div className="row" style={{ alignItems: 'end' }}>
                <TextInput className="grow" label="Name" value={name} error={fault || undefined} onChange={(e) => setName(e.currentTarget.value)} onBlur={() => (fault === '' && name !== stored ? put('Rename annotation', 'name', name) : setName(stored))} />
                {!builtIn && <ColorButton label="Color" value={asText(json.iconColor) ?? 'red'} onChange={(color) => put('Change color of annotation', 'iconColor', color)} />}
            </div>
            {SHOWN_ROWS.map((row) => <OptionField key={row.id} row={row} value={json[row.id]} onChange={(value) => put(`Change ${row.label.toLowerCase()}`, row.id, value)} />)}
            {builtIn ? <p className="muted">It shows the alerts that fired, each on the panels that draw a metric of its rule.</p> : <Query json={json} variables={variables} put={put} />}
            <PanelFilter board={board} json={json} onChange={(filter) => onChange('Change panels of annotation', (now) => updateAnnotation(now, index, (one) => setMember(one, 'filter', filter)), `annotation ${index} filter`)} />
            <Preview events={events.filter((one) => one.source === (builtIn ? 'Alerts' : stored))} zone={zone} />
        </div>
    );
}

export function Annotations(props: AnnotationsProps) {
    const { board, onChange } = props;
    const entries = annotationEntries(board);
    const [open, setOpen] = useState<number | null>(null);
    const entry = entries.find((e) => e.index === open);
    if (entry) {
        return <Form key={entry.index} {...props} index={entry.index} json={entry.json} back={() => setOpen(null)} />;
    }
    const add = (): void => {
        setOpen(addAnnotation(board).index);
        onChange('Add annotation', (now) => addAnnotation(now).board);
    };
    return (
        <div className="stack">
            {entries.length === 0 ? (
                <Empty icon="flag" title="No annotations yet">An annotation marks on every graph when something happened: a restart, a deployment. The alerts that fired are marked without one.</Empty>
            ) : (
                <div className="table-wrap" tabIndex={0} role="region" aria-label="Annotations">
                    <table className="table">
                        <thead><tr><th>Name</th><th>Query</th><th>When opened</th><th aria-label="Actions" /></tr></thead>
                        <tbody>
                            {entries.map(({ index, json }, i) => {
                                const name = asText(json.name) ?? '';
                                return (
                                    <tr key={index}>
                                        <td><UnstyledButton className="link" onClick={() => setOpen(index)}>{name || '(no name)'}</UnstyledButton></td>
                                        <td className="mono definition">{isBuiltInAnnotation(json) ? <span className="muted">the alerts that fired</span> : asText(getAnnotation(json, 'expr'))}</td>
                                        <td>{json.enable === false ? <State kind="none">off</State> : <State kind="ok">on</State>}</td>
                                        <td>
                                            <EntryActions path={ANNOTATIONS} index={index} what="annotation" name={name} first={i === 0} last={i === entries.length - 1} fixed={isBuiltInAnnotation(json)} onChange={onChange} />
                                        </td>
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                </div>
            )}
            <div className="row"><Button variant="default" onClick={add} leftSection={<Icon name="plus" size={13} />}>New annotation</Button></div>
        </div>
    );
}
