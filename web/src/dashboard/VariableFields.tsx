/* VariableFields: the fields of the bar of variables. */
import { MultiSelect, Select, TextInput } from '../ui';
import { ALL_TEXT, ALL_VALUE } from '../grafana/variables';
import type { BarProps } from './VariablesBar';
import type { VariableState } from './variables';

/* A list of more options is searched, not scrolled. */
const SHOWN_MAX = 300;

function options(state: VariableState): { value: string; label: string }[] {
    const seen = new Set<string>();
    const all = state.model.includeAll ? [{ value: ALL_VALUE, label: ALL_TEXT }] : [];
    return [...all, ...state.options.map((o) => ({ value: o.text === 'auto' ? 'auto' : o.value, label: o.text }))].filter((o) => !seen.has(o.value) && seen.add(o.value));
}

function Field({ state, change }: { state: VariableState; change: (values: string[]) => void }) {
    const { model, choice } = state;
    const label = model.hide === 'label' ? undefined : model.label || model.name;
    const name = label ?? model.label ?? model.name;
    if (model.type === 'textbox') {
        return <TextInput label={label} aria-label={name} defaultValue={choice.values[0] ?? ''} key={choice.values[0]} onBlur={(e) => change([e.currentTarget.value])} onKeyDown={(e) => e.key === 'Enter' && change([e.currentTarget.value])} />;
    }
    const data = options(state);
    const chosen = choice.values.filter((v) => data.some((o) => o.value === v));
    const common = { label, 'aria-label': name, data, limit: SHOWN_MAX, searchable: data.length > 8, error: state.error ? String(state.error instanceof Error ? state.error.message : state.error) : undefined, placeholder: state.busy ? 'Looking up…' : data.length === 0 ? 'none' : undefined, comboboxProps: { width: 'max-content' as const, position: 'bottom-start' as const } };
    if (model.multi) {
        return (
            <MultiSelect
                {...common} value={chosen} clearable={false} hidePickedOptions={false}
                onChange={(next) => {
                    const added = next.filter((v) => !chosen.includes(v));
                    /* All stands alone; another choice takes its place. */
                    change(added.includes(ALL_VALUE) || next.length === 0 ? (model.includeAll ? [ALL_VALUE] : next) : next.filter((v) => v !== ALL_VALUE));
                }}
            />
        );
    }
    return <Select {...common} value={chosen[0] ?? null} allowDeselect={false} onChange={(v) => v !== null && change([v])} />;
}

export default function VariableFields({ list, change }: BarProps) {
    return list.map((state) => <Field key={state.model.name} state={state} change={(values) => change({ [`var-${state.model.name}`]: values })} />);
}
