/* Overrides: fields that look other than the rest: which (a matcher), and what (any option of a field). */
import { useContext } from 'react';
import { propertyId, propertyPath, reducerChoices, type OptionRow } from '../../../dashboard/options';
import { asArray, asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { getIn, setIn, setMember } from '../../../grafana/edit/patch';
import { ActionIcon, Button, Icon, Menu, MultiSelect, NumberInput, Select, TextInput } from '../../../ui';
import { Inputs, OptionField } from './inputs';

export const MATCHERS = [
    { value: 'byName', label: 'Field with name' }, { value: 'byRegexp', label: 'Fields with name matching regex' }, { value: 'byNames', label: 'Fields with names' },
    { value: 'byType', label: 'Fields of a type' }, { value: 'byFrameRefID', label: 'Fields returned by query' }, { value: 'byValue', label: 'Fields with values' },
];
const OPS = ['>=', '>', '<=', '<', '==', '!='].map((op, i) => ({ value: ['gte', 'gt', 'lte', 'lt', 'eq', 'neq'][i]!, label: op }));

export function emptyMatcher(id: string): Json {
    const options: Record<string, unknown> = { byName: '', byRegexp: '', byNames: { mode: 'include', names: [] }, byType: 'number', byFrameRefID: 'A', byValue: { reducer: 'max', op: 'gte', value: 0 } };
    return { id, options: options[id] };
}

/* `of` names the fields: "override 1". */
export function MatcherField({ matcher, of, refIds, onChange }: { matcher: Json; of: string; refIds: readonly string[]; onChange: (matcher: Json) => void }) {
    const { fields } = useContext(Inputs);
    const { options } = matcher;
    const names = [...new Set([...fields, ...(typeof options === 'string' && options !== '' ? [options] : [])])];
    const put = (next: unknown): void => onChange({ ...matcher, options: next });
    switch (matcher.id) {
        case 'byName':
            return <Select aria-label={`Field of ${of}`} data={names} value={asText(options) || null} onChange={(v) => put(v ?? '')} searchable placeholder="Choose a field" />;
        case 'byRegexp':
            return <TextInput className="mono" aria-label={`Regex of ${of}`} value={asText(options) ?? ''} onChange={(e) => put(e.currentTarget.value)} placeholder="/^node_.*/" />;
        case 'byNames': {
            const json = Array.isArray(options) ? { mode: 'include', names: options } : asRecord(options);
            const chosen = asArray(json.names).map(String);
            return <MultiSelect aria-label={`Fields of ${of}`} data={[...new Set([...fields, ...chosen])]} value={chosen} onChange={(v) => put({ ...json, names: v })} searchable />;
        }
        case 'byType':
            return <Select aria-label={`Type of ${of}`} data={['number', 'string', 'time', 'boolean', 'other']} value={asText(options) ?? 'number'} onChange={(v) => put(v)} />;
        case 'byFrameRefID':
            return <Select aria-label={`Query of ${of}`} data={[...new Set([...refIds, ...(asText(options) ? [asText(options)!] : [])])]} value={asText(options) ?? null} onChange={(v) => put(v)} />;
        case 'byValue': {
            const json = asRecord(options);
            return (
                <div className="row" style={{ gap: 4 }}>
                    <Select className="grow" aria-label={`Reducer of ${of}`} data={reducerChoices().map((c) => ({ value: String(c.value), label: c.label }))} value={asText(json.reducer) ?? null} onChange={(v) => put({ ...json, reducer: v })} searchable />
                    <Select aria-label={`Comparison of ${of}`} data={OPS} value={asText(json.op) ?? 'gte'} onChange={(v) => put({ ...json, op: v })} w={62} />
                    <NumberInput aria-label={`Value of ${of}`} value={Number(json.value ?? 0)} onChange={(v) => put({ ...json, value: Number(v) })} w={70} hideControls />
                </div>
            );
        }
        default:
            return <span className="muted">{String(matcher.id)}: kept as it is</span>;
    }
}

interface OverridesProps {
    overrides: readonly Json[];
    /* What fields may have: standard options and those of the panel type. */
    rows: readonly OptionRow[];
    refIds: readonly string[];
    onChange: (label: string, overrides: readonly Json[], key?: string) => void;
}

export function Overrides({ overrides, rows, refIds, onChange }: OverridesProps) {
    const put = (i: number, key: string, value: unknown): void => onChange('Change override', overrides.map((o, k) => (k === i ? setMember(o, key, value) : o)), `override ${i}`);
    return (
        <div className="stack">
            {overrides.map((override, i) => {
                const n = i + 1;
                const matcher = asRecord(override.matcher);
                const properties = asRecords(override.properties);
                const setProperties = (next: readonly Json[]): void => put(i, 'properties', next);
                const used = new Set(properties.map((p) => p.id));
                const free = rows.filter((row) => !used.has(propertyId(row)));
                return (
                    <section key={i} className="stack boxed" aria-label={`Override ${n}`}>
                        <div className="row">
                            <Select className="grow" aria-label={`Matcher of override ${n}`} data={MATCHERS.some((m) => m.value === matcher.id) ? MATCHERS : [...MATCHERS, { value: String(matcher.id), label: String(matcher.id) }]} value={String(matcher.id)} onChange={(id) => id && put(i, 'matcher', emptyMatcher(id))} />
                            <ActionIcon aria-label={`Override ${n} up`} disabled={i === 0} onClick={() => onChange('Move override', overrides.map((o, k) => (k === i ? overrides[i - 1]! : k === i - 1 ? override : o)))}><Icon name="up" size={14} /></ActionIcon>
                            <ActionIcon aria-label={`Remove override ${n}`} onClick={() => onChange('Remove override', overrides.filter((_, k) => k !== i))}><Icon name="trash" size={14} /></ActionIcon>
                        </div>
                        <MatcherField matcher={matcher} of={`override ${n}`} refIds={refIds} onChange={(next) => put(i, 'matcher', next)} />
                        {properties.map((property, k) => {
                            const id = String(property.id);
                            const own = rows.filter((row) => propertyId(row) === id);
                            return (
                                <div key={id} className="row" style={{ alignItems: 'start' }}>
                                    <div className="grow stack tight" style={{ minWidth: 0 }}>
                                        {own.map((row) => (
                                            <OptionField
                                                key={row.id} row={row} value={getIn(property.value, propertyPath(row))}
                                                onChange={(value) => setProperties(properties.map((p, at) => (at === k ? setIn(p, ['value', ...propertyPath(row)], value) : p)))}
                                            />
                                        ))}
                                        {own.length === 0 && <span className="muted">{id}: {JSON.stringify(property.value)}</span>}
                                    </div>
                                    <ActionIcon aria-label={`Remove ${own[0]?.label ?? id} of override ${n}`} onClick={() => setProperties(properties.filter((_, at) => at !== k))}><Icon name="close" size={13} /></ActionIcon>
                                </div>
                            );
                        })}
                        <Menu position="bottom-start">
                            <Menu.Target><Button variant="default" leftSection={<Icon name="plus" size={12} />}>Add property</Button></Menu.Target>
                            <Menu.Dropdown>
                                {free.filter((row, at) => free.findIndex((r) => propertyId(r) === propertyId(row)) === at).map((row) => (
                                    <Menu.Item key={propertyId(row)} onClick={() => setProperties([...properties, { id: propertyId(row), ...(propertyPath(row).length > 0 ? { value: setIn({}, propertyPath(row), row.fallback ?? '') } : row.fallback !== undefined ? { value: row.fallback } : {}) }])}>
                                        {row.group} › {row.label}
                                    </Menu.Item>
                                ))}
                            </Menu.Dropdown>
                        </Menu>
                    </section>
                );
            })}
            <Button variant="default" onClick={() => onChange('Add override', [...overrides, { matcher: emptyMatcher('byName'), properties: [] }])} leftSection={<Icon name="plus" size={12} />}>Add field override</Button>
        </div>
    );
}
