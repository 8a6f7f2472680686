/* Transformations: what is done with the data on the way to the panel: a list; each with its main options, or its JSON. */
import { lazy, Suspense, useContext, useEffect, useRef, useState } from 'react';
import { asArray, asNumber, asRecord, asRecords, asText, isRecord, isSame, type Json } from '../../../grafana/json';
import { faultText, parseRecord } from '../../../grafana/jsonfault';
import { getIn, setIn, setMember } from '../../../grafana/edit/patch';
import { reducerChoices } from '../../../dashboard/options';
import { ActionIcon, Button, Checkbox, Icon, Menu, MultiSelect, NumberInput, Select, Switch, TextInput, Tooltip } from '../../../ui';
import { Inputs } from './inputs';
import { moveEntry } from './Queries';
import { ConfigFromData, ConvertFieldType, FilterByValue } from './transformForms';

const JsonEditor = lazy(() => import('../../../promql/JsonEditor'));

type Field =
    | { kind: 'select'; path: string; label: string; choices: readonly [value: string, label: string][]; fallback: string }
    | { kind: 'text' | 'number' | 'switch'; path: string; label: string; fallback?: unknown }
    | { kind: 'field' | 'fields' | 'reducer' | 'reducers' | 'organize' | 'groupBy' | 'filters' | 'conversions' | 'config'; path: string; label: string };

interface TransformKind {
    name: string;
    hint: string;
    fields: readonly Field[];
    /* What a new one has. */
    start?: Json;
}

/* By id, in the order of the menu. What is not here is edited as JSON. */
export const TRANSFORMS: Readonly<Record<string, TransformKind>> = {
    organize: { name: 'Organize fields by name', hint: 'Hide, rename and order fields', fields: [{ kind: 'organize', path: '', label: 'Fields' }], start: { excludeByName: {}, indexByName: {}, renameByName: {} } },
    merge: { name: 'Merge series/tables', hint: 'One table of many', fields: [] },
    joinByField: { name: 'Join by field', hint: 'Tables side by side', fields: [{ kind: 'field', path: 'byField', label: 'Field' }, { kind: 'select', path: 'mode', label: 'Mode', choices: [['outer', 'Outer (time series)'], ['outerTabular', 'Outer (tabular)'], ['inner', 'Inner']], fallback: 'outer' }] },
    groupBy: { name: 'Group by', hint: 'Rows of equal values become one', fields: [{ kind: 'groupBy', path: 'fields', label: 'Fields' }], start: { fields: {} } },
    groupToNestedTable: { name: 'Group to nested tables', hint: 'Rows of equal values, each with its table', fields: [{ kind: 'groupBy', path: 'fields', label: 'Fields' }, { kind: 'switch', path: 'showSubframeHeaders', label: 'Show headers within', fallback: true }, { kind: 'switch', path: 'expandAllRows', label: 'All open' }], start: { fields: {} } },
    calculateField: {
        name: 'Add field from calculation', hint: 'A new field out of others', start: { mode: 'reduceRow', reduce: { reducer: 'sum' } },
        fields: [
            { kind: 'select', path: 'mode', label: 'Mode', choices: [['reduceRow', 'Reduce row'], ['binary', 'Binary operation'], ['unary', 'Unary operation'], ['cumulativeFunctions', 'Cumulative'], ['windowFunctions', 'Window'], ['index', 'Row index']], fallback: 'reduceRow' },
            { kind: 'reducer', path: 'reduce.reducer', label: 'Calculation' }, { kind: 'fields', path: 'reduce.include', label: 'Of fields' },
            { kind: 'field', path: 'binary.left', label: 'Left' }, { kind: 'select', path: 'binary.operator', label: 'Operator', choices: ['+', '-', '*', '/', '**', '%'].map((o): [string, string] => [o, o]), fallback: '+' }, { kind: 'text', path: 'binary.right', label: 'Right: a field or a number' },
            { kind: 'select', path: 'unary.operator', label: 'Operation', choices: ['abs', 'exp', 'ln', 'floor', 'ceil', 'round', 'percent'].map((o): [string, string] => [o, o]), fallback: 'abs' }, { kind: 'field', path: 'unary.fieldName', label: 'Field' },
            { kind: 'field', path: 'cumulative.field', label: 'Field' }, { kind: 'select', path: 'cumulative.reducer', label: 'Calculation', choices: [['sum', 'Total'], ['mean', 'Mean']], fallback: 'sum' },
            { kind: 'field', path: 'window.field', label: 'Field' }, { kind: 'select', path: 'window.reducer', label: 'Calculation', choices: [['mean', 'Mean'], ['stdDev', 'Standard deviation'], ['variance', 'Variance']], fallback: 'mean' }, { kind: 'number', path: 'window.windowSize', label: 'Size', fallback: 0.1 },
            { kind: 'text', path: 'alias', label: 'Alias' }, { kind: 'switch', path: 'replaceFields', label: 'Replace all fields' },
        ],
    },
    filterFieldsByName: { name: 'Filter fields by name', hint: 'Some fields alone', fields: [{ kind: 'fields', path: 'include.names', label: 'Fields' }, { kind: 'text', path: 'include.pattern', label: 'Or a regex' }] },
    filterByRefId: { name: 'Filter data by query refId', hint: 'Some queries alone', fields: [{ kind: 'text', path: 'include', label: 'RefIds, as a regex' }] },
    reduce: { name: 'Reduce', hint: 'Each field becomes one value', fields: [{ kind: 'select', path: 'mode', label: 'Mode', choices: [['seriesToRows', 'Series to rows'], ['reduceFields', 'Reduce fields']], fallback: 'seriesToRows' }, { kind: 'reducers', path: 'reducers', label: 'Calculations' }, { kind: 'switch', path: 'labelsToFields', label: 'Labels to fields' }], start: { reducers: ['max'] } },
    sortBy: { name: 'Sort by', hint: 'Rows in another order', fields: [{ kind: 'field', path: 'sort.0.field', label: 'Field' }, { kind: 'switch', path: 'sort.0.desc', label: 'Descending' }], start: { fields: {}, sort: [{ field: '' }] } },
    limit: { name: 'Limit', hint: 'The first rows alone', fields: [{ kind: 'number', path: 'limitField', label: 'Rows', fallback: 10 }], start: { limitField: 10 } },
    labelsToFields: { name: 'Labels to fields', hint: 'A column for each label', fields: [{ kind: 'select', path: 'mode', label: 'Mode', choices: [['columns', 'Columns'], ['rows', 'Rows']], fallback: 'columns' }, { kind: 'text', path: 'valueLabel', label: 'Label that names the value' }] },
    renameByRegex: { name: 'Rename fields by regex', hint: 'Part of names as names', fields: [{ kind: 'text', path: 'regex', label: 'Match' }, { kind: 'text', path: 'renamePattern', label: 'Replace' }], start: { regex: '(.*)', renamePattern: '$1' } },
    timeSeriesTable: { name: 'Time series to table', hint: 'A row a series, with a sparkline', fields: [] },
    joinByLabels: { name: 'Join by labels', hint: 'A column for each value of a label', fields: [{ kind: 'text', path: 'value', label: 'Label whose values become columns' }] },
    partitionByValues: { name: 'Partition by values', hint: 'A frame for each value', fields: [{ kind: 'fields', path: 'fields', label: 'Fields' }, { kind: 'switch', path: 'keepFields', label: 'Keep these fields' }, { kind: 'switch', path: 'naming.asLabels', label: 'Values as labels' }] },
    seriesToRows: { name: 'Series to rows', hint: 'Time, metric, value', fields: [] },
    rowsToFields: { name: 'Rows to fields', hint: 'A field for each row', fields: [] },
    concatenate: { name: 'Concatenate fields', hint: 'All fields in one frame', fields: [{ kind: 'select', path: 'frameNameMode', label: 'Name', choices: [['field', 'Before the name'], ['label', 'As a label'], ['drop', 'Left out']], fallback: 'field' }] },
    prepareTimeSeries: { name: 'Prepare time series', hint: 'Long, wide or many frames', fields: [{ kind: 'select', path: 'format', label: 'Format', choices: [['wide', 'Wide'], ['multi', 'Multi-frame'], ['long', 'Long']], fallback: 'wide' }] },
    histogram: { name: 'Histogram', hint: 'How often values occur', fields: [{ kind: 'number', path: 'bucketCount', label: 'Bucket count' }, { kind: 'number', path: 'bucketSize', label: 'Bucket size' }, { kind: 'switch', path: 'combine', label: 'Combine series' }] },
    groupingToMatrix: { name: 'Grouping to matrix', hint: 'Rows and columns of values', fields: [{ kind: 'field', path: 'columnField', label: 'Column' }, { kind: 'field', path: 'rowField', label: 'Row' }, { kind: 'field', path: 'valueField', label: 'Value' }] },
    transpose: { name: 'Transpose', hint: 'Rows become columns', fields: [] },
    filterByValue: { name: 'Filter data by values', hint: 'Rows that pass a test', fields: [{ kind: 'filters', path: '', label: 'Conditions' }], start: { filters: [{ fieldName: '', config: { id: 'greater', options: { value: 0 } } }], match: 'any', type: 'include' } },
    convertFieldType: { name: 'Convert field type', hint: 'Texts become numbers or times', fields: [{ kind: 'conversions', path: '', label: 'Conversions' }], start: { conversions: [{ targetField: '', destinationType: 'number' }], fields: {} } },
    configFromData: { name: 'Config from query results', hint: 'Units, limits, colors out of another query', fields: [{ kind: 'config', path: '', label: 'Config' }], start: { mappings: [] } },
    formatTime: { name: 'Format time', hint: 'Times become texts', fields: [{ kind: 'field', path: 'timeField', label: 'Time field' }, { kind: 'text', path: 'outputFormat', label: 'Format' }], start: { timeField: '', outputFormat: 'YYYY-MM-DD HH:mm:ss', useTimezone: true } },
    extractFields: { name: 'Extract fields', hint: 'Out of JSON or key=value', fields: [{ kind: 'field', path: 'source', label: 'Source' }, { kind: 'select', path: 'format', label: 'Format', choices: [['auto', 'Auto'], ['json', 'JSON'], ['kvp', 'Key and value pairs']], fallback: 'auto' }] },
};

const MODE_OF: Record<string, string> = { reduce: 'reduceRow', binary: 'binary', unary: 'unary', cumulative: 'cumulativeFunctions', window: 'windowFunctions' };

/* Of a calculation the fields of its mode alone. */
function isWanted(id: string, field: Field, options: Json): boolean {
    const mode = MODE_OF[field.path.split('.')[0]!];
    return id !== 'calculateField' || mode === undefined || mode === (asText(options.mode) ?? 'reduceRow');
}

/** refFilter is the filter of a transformation for the frames of these queries, as Grafana writes it. */
export function refFilter(refIds: readonly string[]): Json {
    const escaped = refIds.map((id) => id.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    return { id: 'byRefId', options: refIds.length === 1 ? refIds[0] : `/^(?:${escaped.join('|')})$/` };
}

/** filterRefs reads such a filter; undefined for a pattern that somebody wrote by hand. */
export function filterRefs(filter: Json): string[] | undefined {
    const text = asText(filter.options) ?? '';
    const list = /^\/\^\(\?:(.*)\)\$\/$/.exec(text);
    return list ? list[1]!.split('|').filter((id) => id !== '').map((id) => id.replace(/\\(.)/g, '$1')) : text.startsWith('/') || filter.id !== 'byRefId' ? undefined : text === '' ? [] : [text];
}

function FilterField({ n, filter, refIds, onChange }: { n: number; filter: Json; refIds: readonly string[]; onChange: (filter: Json) => void }) {
    const chosen = filterRefs(filter);
    return chosen === undefined
        ? <TextInput label="Applies to frames of" value={asText(filter.options) ?? JSON.stringify(filter.options)} onChange={(e) => onChange({ ...filter, options: e.currentTarget.value })} />
        : <MultiSelect label="Applies to frames of" aria-label={`Queries of transformation ${n}`} data={[...new Set([...refIds, ...chosen])]} value={chosen} onChange={(next) => onChange({ ...filter, ...refFilter(next) })} searchable />;
}

const parts = (path: string): (string | number)[] => (path === '' ? [] : path.split('.').map((p) => (/^\d+$/.test(p) ? Number(p) : p)));

function Organize({ options, onChange }: { options: Json; onChange: (options: Json) => void }) {
    const { fields } = useContext(Inputs);
    const renamed = asRecord(options.renameByName);
    const excluded = asRecord(options.excludeByName);
    const index = asRecord(options.indexByName);
    const back = new Map(Object.entries(renamed).map(([from, to]) => [to, from]));
    const names = [...new Set([...fields.map((f) => back.get(f) ?? f), ...Object.keys(excluded), ...Object.keys(index), ...Object.keys(renamed)])]
        .sort((a, b) => (asNumber(index[a]) ?? 1e6) - (asNumber(index[b]) ?? 1e6));
    const move = (i: number, by: -1 | 1): void => onChange({ ...options, indexByName: Object.fromEntries(moveEntry(names, i, by).map((name, at) => [name, at])) });
    return (
        <div className="stack tight">
            {names.map((name, i) => (
                <div key={name} className="row" style={{ gap: 4 }}>
                    <ActionIcon size={24} aria-label={`${name} up`} disabled={i === 0} onClick={() => move(i, -1)}><Icon name="up" size={13} /></ActionIcon>
                    <Checkbox aria-label={`Show ${name}`} checked={excluded[name] !== true} onChange={(e) => onChange({ ...options, excludeByName: setMember(excluded, name, e.currentTarget.checked ? undefined : true) })} />
                    <span className="truncate" style={{ width: 160 }} title={name}>{name}</span>
                    <TextInput className="grow" aria-label={`New name of ${name}`} placeholder="Name" value={asText(renamed[name]) ?? ''} onChange={(e) => onChange({ ...options, renameByName: setMember(renamed, name, e.currentTarget.value || undefined) })} />
                </div>
            ))}
            {names.length === 0 && <span className="muted">Its fields stand here as soon as there are data.</span>}
        </div>
    );
}

function GroupBy({ value, onChange }: { value: Json; onChange: (value: Json) => void }) {
    const { fields } = useContext(Inputs);
    const names = [...new Set([...fields.map((f) => f.replace(/ \([^)]*\)$/, '')), ...Object.keys(value)])];
    return (
        <div className="stack tight">
            {names.map((name) => {
                const rule = asRecord(value[name]);
                const operation = asText(rule.operation) ?? '';
                return (
                    <div key={name} className="row" style={{ gap: 4 }}>
                        <span className="truncate" style={{ width: 160 }} title={name}>{name}</span>
                        <Select aria-label={`What with ${name}`} w={120} data={[{ value: '', label: 'Ignored' }, { value: 'groupby', label: 'Group by' }, { value: 'aggregate', label: 'Calculate' }]} value={operation} onChange={(v) => onChange(setMember(value, name, v ? { ...rule, operation: v, aggregations: asArray(rule.aggregations) } : undefined))} />
                        {operation === 'aggregate' && <MultiSelect className="grow" aria-label={`Calculations of ${name}`} data={reducerChoices().map((c) => ({ value: String(c.value), label: c.label }))} value={asArray(rule.aggregations).map(String)} onChange={(v) => onChange(setMember(value, name, { ...rule, aggregations: v }))} searchable />}
                    </div>
                );
            })}
        </div>
    );
}

function TransformField({ field, options, refIds, onChange }: { field: Field; options: Json; refIds: readonly string[]; onChange: (options: Json) => void }) {
    const { fields } = useContext(Inputs);
    const path = parts(field.path);
    const value = getIn(options, path);
    const put = (next: unknown): void => onChange(setIn(options, path, next));
    const names = [...new Set([...fields, ...(typeof value === 'string' && value !== '' ? [value] : []), ...asArray(value).map(String)])];
    const reducers = reducerChoices().map((c) => ({ value: String(c.value), label: c.label }));
    switch (field.kind) {
        case 'select':
            return <Select label={field.label} data={field.choices.map(([v, label]) => ({ value: v, label }))} value={asText(value) ?? field.fallback} onChange={put} />;
        case 'text':
            return isRecord(value) ? <span className="muted">{field.label}: {JSON.stringify(value)}</span> : <TextInput label={field.label} value={String(value ?? '')} onChange={(e) => put(e.currentTarget.value || undefined)} />;
        case 'number':
            return <NumberInput label={field.label} value={asNumber(value) ?? asNumber(field.fallback) ?? ''} onChange={(v) => put(typeof v === 'number' ? v : undefined)} />;
        case 'switch':
            return <Switch label={field.label} checked={value === true} onChange={(e) => put(e.currentTarget.checked)} />;
        case 'field':
            return isRecord(value) ? <span className="muted">{field.label}: {JSON.stringify(value)}</span> : <Select label={field.label} data={names} value={asText(value) ?? null} onChange={put} searchable placeholder="Choose a field" />;
        case 'fields':
            return <MultiSelect label={field.label} data={names} value={asArray(value).map(String)} onChange={(v) => put(v.length === 0 ? undefined : v)} searchable />;
        case 'reducer':
            return <Select label={field.label} data={reducers} value={asText(value) ?? 'sum'} onChange={put} searchable />;
        case 'reducers':
            return <MultiSelect label={field.label} data={reducers} value={asArray(value).map(String)} onChange={put} searchable />;
        case 'organize':
            return <Organize options={options} onChange={onChange} />;
        case 'groupBy':
            return <GroupBy value={asRecord(value)} onChange={put} />;
        case 'filters':
            return <FilterByValue options={options} onChange={onChange} />;
        case 'conversions':
            return <ConvertFieldType options={options} onChange={onChange} />;
        case 'config':
            return <ConfigFromData options={options} refIds={refIds} onChange={onChange} />;
    }
}

/* The options as JSON; they are taken over while they are one, and follow when they change elsewhere. */
function JsonOptions({ options, onChange, label }: { options: Json; onChange: (options: Json) => void; label: string }) {
    const [text, setText] = useState(() => JSON.stringify(options, null, 2));
    const { json, fault } = parseRecord(text, 'Options are');
    const taken = useRef(options);
    useEffect(() => {
        if (!isSame(taken.current, options)) {
            taken.current = options;
            setText(JSON.stringify(options, null, 2));
        }
    }, [options]);
    useEffect(() => {
        if (json && !isSame(json, taken.current)) {
            taken.current = json;
            onChange(json);
        }
    });
    return (
        <>
            <Suspense fallback={<div className="editor json small" />}><JsonEditor label={label} value={text} onChange={setText} small /></Suspense>
            {fault && <p className="bad-text" role="alert">{faultText(text, fault)}</p>}
        </>
    );
}

interface TransformationsProps {
    panel: Json;
    onChange: (label: string, edit: (panel: Json) => Json, key?: string) => void;
}

export function Transformations({ panel, onChange }: TransformationsProps) {
    const steps = asRecords(panel.transformations);
    const refIds = asRecords(panel.targets).map((t, i) => asText(t.refId) ?? String.fromCharCode(65 + i));
    const [asJson, setAsJson] = useState<ReadonlySet<number>>(new Set());
    const put = (label: string, next: readonly Json[], key?: string): void => onChange(label, (p) => setMember(p, 'transformations', next.length === 0 && p.transformations === undefined ? undefined : next), key);
    return (
        <div className="stack">
            {steps.map((step, i) => {
                const id = asText(step.id) ?? '';
                const kind = TRANSFORMS[id];
                const options = asRecord(step.options);
                const name = kind?.name ?? id;
                const change = (next: Json): void => put('Change transformation', steps.map((s, k) => (k === i ? setMember(s, 'options', next) : s)), `transformation ${i}`);
                const showsJson = !kind || asJson.has(i);
                return (
                    <section key={`${i} ${id}`} className="query-box" aria-label={`Transformation ${i + 1}: ${name}`} data-hidden={step.disabled === true || undefined}>
                        <div className="row query-head">
                            <b>{i + 1}. {name}</b>
                            <span className="grow" />
                            <Tooltip label="Apply to some queries"><ActionIcon size={24} aria-label={`Transformation ${i + 1} for some queries`} aria-pressed={isRecord(step.filter)} onClick={() => put('Filter transformation', steps.map((s, k) => (k === i ? setMember(s, 'filter', isRecord(s.filter) ? undefined : refFilter(refIds.slice(0, 1))) : s)))}><Icon name="filter" size={14} /></ActionIcon></Tooltip>
                            <Tooltip label="As JSON"><ActionIcon size={24} aria-label={`Transformation ${i + 1} as JSON`} aria-pressed={showsJson} onClick={() => setAsJson((now) => { const next = new Set(now); return next.delete(i) ? next : next.add(i); })}><Icon name="tree" size={14} /></ActionIcon></Tooltip>
                            <Tooltip label={step.disabled === true ? 'Enable' : 'Disable'}><ActionIcon size={24} aria-label={`${step.disabled === true ? 'Enable' : 'Disable'} transformation ${i + 1}`} onClick={() => put('Disable transformation', steps.map((s, k) => (k === i ? setMember(s, 'disabled', s.disabled === true ? undefined : true) : s)))}><Icon name={step.disabled === true ? 'eyeOff' : 'eye'} size={14} /></ActionIcon></Tooltip>
                            <ActionIcon size={24} aria-label={`Transformation ${i + 1} up`} disabled={i === 0} onClick={() => put('Move transformation', moveEntry(steps, i, -1))}><Icon name="up" size={14} /></ActionIcon>
                            <ActionIcon size={24} aria-label={`Transformation ${i + 1} down`} disabled={i === steps.length - 1} onClick={() => put('Move transformation', moveEntry(steps, i, 1))}><Icon name="down" size={14} /></ActionIcon>
                            <Tooltip label="Remove"><ActionIcon size={24} aria-label={`Remove transformation ${i + 1}`} onClick={() => put('Remove transformation', steps.filter((_, k) => k !== i))}><Icon name="trash" size={14} /></ActionIcon></Tooltip>
                        </div>
                        <div className="stack query-options">
                            {isRecord(step.filter) && <FilterField n={i + 1} filter={step.filter} refIds={refIds} onChange={(filter) => put('Filter transformation', steps.map((s, k) => (k === i ? setMember(s, 'filter', filter) : s)), `filter ${i}`)} />}
                            {showsJson ? <JsonOptions label={`JSON of transformation ${i + 1}`} options={options} onChange={change} />
                                : kind.fields.filter((f) => isWanted(id, f, options)).map((f) => <TransformField key={f.path} field={f} options={options} refIds={refIds} onChange={change} />)}
                            {!showsJson && kind.fields.length === 0 && <span className="muted">{kind.hint}. It has no options here.</span>}
                        </div>
                    </section>
                );
            })}
            <div className="row">
                <Menu position="bottom-start">
                    <Menu.Target><Button variant="default" leftSection={<Icon name="plus" size={13} />}>Add transformation</Button></Menu.Target>
                    <Menu.Dropdown>
                        {Object.entries(TRANSFORMS).map(([id, kind]) => (
                            <Menu.Item key={id} onClick={() => put('Add transformation', [...steps, { id, options: kind.start ?? {} }])}><span>{kind.name} <span className="muted">{kind.hint}</span></span></Menu.Item>
                        ))}
                    </Menu.Dropdown>
                </Menu>
            </div>
        </div>
    );
}
