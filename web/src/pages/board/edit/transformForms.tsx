/* transformForms: the transformations whose options are lists of rules: which rows pass, which fields change their type, what fields take from data. */
import { useContext } from 'react';
import { reducerChoices } from '../../../dashboard/options';
import { setMember } from '../../../grafana/edit/patch';
import { asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { ActionIcon, Button, Icon, NumberInput, Select, TextInput } from '../../../ui';
import { Inputs } from './inputs';
import { emptyMatcher, MatcherField, MATCHERS } from './Overrides';

interface RulesProps {
    /* "Condition": each is named by it and its number. */
    what: string;
    rules: readonly Json[];
    fresh: Json;
    onChange: (rules: readonly Json[]) => void;
    children: (rule: Json, n: number, change: (rule: Json) => void) => React.ReactNode;
}

/* Rules is a list of lines that can be added and taken away. */
function Rules({ what, rules, fresh, onChange, children }: RulesProps) {
    return (
        <div className="stack tight">
            {rules.map((rule, i) => (
                <div key={i} className="row wrap" role="group" aria-label={`${what} ${i + 1}`} style={{ gap: 4 }}>
                    {children(rule, i + 1, (next) => onChange(rules.map((r, k) => (k === i ? next : r))))}
                    <ActionIcon size={24} aria-label={`Remove ${what.toLowerCase()} ${i + 1}`} onClick={() => onChange(rules.filter((_, k) => k !== i))}><Icon name="trash" size={13} /></ActionIcon>
                </div>
            ))}
            <div className="row"><Button variant="default" size="compact-xs" leftSection={<Icon name="plus" size={12} />} onClick={() => onChange([...rules, fresh])}>Add {what.toLowerCase()}</Button></div>
        </div>
    );
}

function FieldSelect({ label, value, onChange }: { label: string; value: unknown; onChange: (name: string) => void }) {
    const { fields } = useContext(Inputs);
    const name = asText(value) ?? '';
    return <Select aria-label={label} className="grow" data={[...new Set([...fields, ...(name === '' ? [] : [name])])]} value={name || null} onChange={(v) => onChange(v ?? '')} searchable placeholder="Choose a field" />;
}

interface FormProps {
    options: Json;
    onChange: (options: Json) => void;
}

// ---- filterByValue ----

/* By id; what a test is compared with. */
const TESTS: Readonly<Record<string, { label: string; asks: 'number' | 'text' | 'range' | 'nothing' }>> = {
    greater: { label: 'Is greater', asks: 'number' }, greaterOrEqual: { label: 'Is greater or equal', asks: 'number' },
    lower: { label: 'Is lower', asks: 'number' }, lowerOrEqual: { label: 'Is lower or equal', asks: 'number' },
    equal: { label: 'Is equal', asks: 'text' }, notEqual: { label: 'Is not equal', asks: 'text' },
    between: { label: 'Is between', asks: 'range' }, regex: { label: 'Matches regex', asks: 'text' },
    substring: { label: 'Contains', asks: 'text' }, notSubstring: { label: 'Does not contain', asks: 'text' },
    isNull: { label: 'Is null', asks: 'nothing' }, isNotNull: { label: 'Is not null', asks: 'nothing' },
};

/** withTest gives a condition as another test; what the old one was compared with stays where it fits. */
export function withTest(rule: Json, id: string): Json {
    const options = asRecord(asRecord(rule.config).options);
    const asks = TESTS[id]?.asks;
    const value = asks === 'number' ? Number(options.value ?? 0) || 0 : asks === 'text' ? (options.value ?? '') : undefined;
    const next: Json = asks === 'range' ? { from: options.from ?? 0, to: options.to ?? 100 } : asks === 'nothing' ? {} : { value };
    return { ...rule, config: { id, options: next } };
}

/* A number is written as one: "= 1" of a text would not find it in Grafana. */
function asValue(text: string): unknown {
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function Compared({ rule, n, change }: { rule: Json; n: number; change: (rule: Json) => void }) {
    const config = asRecord(rule.config);
    const options = asRecord(config.options);
    const put = (key: string, value: unknown): void => change({ ...rule, config: { ...config, options: { ...options, [key]: value } } });
    const number = (key: string, label: string) => <NumberInput key={key} aria-label={`${label} of condition ${n}`} value={typeof options[key] === 'number' ? (options[key] as number) : ''} onChange={(v) => put(key, typeof v === 'number' ? v : Number(v) || 0)} w={90} hideControls />;
    switch (TESTS[asText(config.id) ?? '']?.asks) {
        case 'number':
            return number('value', 'Value');
        case 'range':
            return <>{number('from', 'From')}{number('to', 'To')}</>;
        case 'text':
            return <TextInput aria-label={`Value of condition ${n}`} value={String(options.value ?? '')} onChange={(e) => put('value', config.id === 'equal' || config.id === 'notEqual' ? asValue(e.currentTarget.value) : e.currentTarget.value)} w={140} />;
        default:
            return null;
    }
}

export function FilterByValue({ options, onChange }: FormProps) {
    return (
        <>
            <div className="row">
                <Select label="Rows" data={[{ value: 'include', label: 'Include' }, { value: 'exclude', label: 'Exclude' }]} value={options.type === 'exclude' ? 'exclude' : 'include'} onChange={(v) => onChange({ ...options, type: v })} w={120} />
                <Select label="Where matches" data={[{ value: 'any', label: 'Any condition' }, { value: 'all', label: 'All conditions' }]} value={options.match === 'all' ? 'all' : 'any'} onChange={(v) => onChange({ ...options, match: v })} w={150} />
            </div>
            <Rules what="Condition" rules={asRecords(options.filters)} fresh={{ fieldName: '', config: { id: 'greater', options: { value: 0 } } }} onChange={(filters) => onChange({ ...options, filters })}>
                {(rule, n, change) => {
                    const id = asText(asRecord(rule.config).id) ?? '';
                    return (
                        <>
                            <FieldSelect label={`Field of condition ${n}`} value={rule.fieldName} onChange={(name) => change({ ...rule, fieldName: name })} />
                            <Select aria-label={`Test of condition ${n}`} data={[...Object.entries(TESTS).map(([value, { label }]) => ({ value, label })), ...(id in TESTS ? [] : [{ value: id, label: id }])]} value={id} onChange={(v) => v && change(withTest(rule, v))} w={150} />
                            <Compared rule={rule} n={n} change={change} />
                        </>
                    );
                }}
            </Rules>
        </>
    );
}

// ---- convertFieldType ----

const TYPES = [{ value: 'number', label: 'Number' }, { value: 'string', label: 'Text' }, { value: 'time', label: 'Time' }, { value: 'boolean', label: 'Yes or no' }];

export function ConvertFieldType({ options, onChange }: FormProps) {
    return (
        <Rules what="Conversion" rules={asRecords(options.conversions)} fresh={{ targetField: '', destinationType: 'number' }} onChange={(conversions) => onChange({ ...options, conversions })}>
            {(rule, n, change) => {
                const type = asText(rule.destinationType) ?? '';
                return (
                    <>
                        <FieldSelect label={`Field of conversion ${n}`} value={rule.targetField} onChange={(name) => change({ ...rule, targetField: name })} />
                        <Select aria-label={`Type of conversion ${n}`} data={TYPES.some((t) => t.value === type) ? TYPES : [...TYPES, { value: type, label: type }]} value={type} onChange={(v) => v && change({ ...rule, destinationType: v })} w={120} />
                    </>
                );
            }}
        </Rules>
    );
}

// ---- configFromData ----

const CONFIGS = [
    { value: 'min', label: 'Min' }, { value: 'max', label: 'Max' }, { value: 'unit', label: 'Unit' }, { value: 'decimals', label: 'Decimals' }, { value: 'displayName', label: 'Display name' },
    { value: 'color', label: 'Color' }, { value: 'threshold1', label: 'Threshold' }, { value: '__ignore', label: 'Ignored' },
];

export function ConfigFromData({ options, refIds, onChange }: FormProps & { refIds: readonly string[] }) {
    const from = asText(options.configRefId) ?? '';
    const matcher = asRecord(options.applyTo);
    const id = asText(matcher.id) ?? '';
    return (
        <>
            <div className="row wrap" style={{ alignItems: 'end' }}>
                <Select label="Config query" data={[...new Set([...refIds, ...(from === '' ? [] : [from])])]} value={from || null} onChange={(v) => onChange(setMember(options, 'configRefId', v ?? undefined))} placeholder="Choose" w={120} />
                <Select label="Apply to" data={[{ value: '', label: 'Numeric fields' }, ...MATCHERS, ...(id === '' || MATCHERS.some((m) => m.value === id) ? [] : [{ value: id, label: id }])]} value={id} onChange={(v) => onChange(setMember(options, 'applyTo', v ? emptyMatcher(v) : undefined))} w={200} />
                {id !== '' && <div className="grow"><MatcherField matcher={matcher} of="what it applies to" refIds={refIds} onChange={(applyTo) => onChange({ ...options, applyTo })} /></div>}
            </div>
            <p className="muted">A field of the config query whose name is that of an option (min, max, unit, …) is used as it; others are named here.</p>
            <Rules what="Mapping" rules={asRecords(options.mappings)} fresh={{ fieldName: '', handlerKey: 'max', reducerId: 'lastNotNull' }} onChange={(mappings) => onChange({ ...options, mappings })}>
                {(rule, n, change) => {
                    const key = asText(rule.handlerKey) ?? '';
                    return (
                        <>
                            <TextInput className="grow" aria-label={`Field of mapping ${n}`} placeholder="Field of the config query" value={asText(rule.fieldName) ?? ''} onChange={(e) => change({ ...rule, fieldName: e.currentTarget.value })} />
                            <Select aria-label={`Use of mapping ${n}`} data={CONFIGS.some((c) => c.value === key) || key === '' ? CONFIGS : [...CONFIGS, { value: key, label: key }]} value={key || null} onChange={(v) => change(setMember(rule, 'handlerKey', v ?? undefined))} placeholder="Use as" w={130} />
                            <Select aria-label={`Calculation of mapping ${n}`} data={reducerChoices().map((c) => ({ value: String(c.value), label: c.label }))} value={asText(rule.reducerId) ?? 'lastNotNull'} onChange={(v) => change(setMember(rule, 'reducerId', v ?? undefined))} searchable w={130} />
                        </>
                    );
                }}
            </Rules>
        </>
    );
}
