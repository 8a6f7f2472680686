/* inputs: one field for each kind of option: what the tables of dashboard/options.ts ask for. */
import { createContext, useContext, useId, useMemo, useState } from 'react';
import { type Choice, type OptionRow, reducerChoices } from '../../../dashboard/options';
import { FALLBACK_COLOR, namedColor, type Look } from '../../../grafana/color';
import type { DataLink } from '../../../grafana/fieldconfig';
import { asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { setMember } from '../../../grafana/edit/patch';
import { unitGroups } from '../../../grafana/unit_names';
import { ActionIcon, Button, Checkbox, Icon, MultiSelect, NumberInput, Popover, SegmentedControl, Select, Switch, TagsInput, Textarea, TextInput } from '../../../ui';
import { MappingsInput } from './Mappings';
import { ThresholdsInput } from './Thresholds';

/* What fields know about the panel. */
export interface InputContext {
    look: Look;
    /* Names of the fields that the panel's data have. */
    fields: readonly string[];
    variables: readonly string[];
}

export const Inputs = createContext<InputContext>({ look: 'dark', fields: [], variables: [] });

export interface InputProps {
    label: string;
    value: unknown;
    onChange: (value: unknown) => void;
}

// ---- texts and numbers ----

/* A text is taken over at every letter, so that the picture follows; undo joins the letters. */
function TextField({ label, value, onChange, placeholder, lines, help }: InputProps & { placeholder?: string; lines: boolean; help?: string }) {
    const text = asText(value) ?? '';
    const take = (next: string): void => onChange(next === '' ? undefined : next);
    return lines
        ? <Textarea label={label} description={help} value={text} onChange={(e) => take(e.currentTarget.value)} autosize minRows={2} maxRows={14} placeholder={placeholder} />
        : <TextInput label={label} description={help} value={text} onChange={(e) => take(e.currentTarget.value)} placeholder={placeholder} />;
}

export function NumberField({ label, value, onChange, min, max, step, unset, fallback, hidesLabel }: InputProps & { min?: number; max?: number; step?: number; unset?: string; fallback?: unknown; hidesLabel?: boolean }) {
    const shown = typeof value === 'number' ? value : typeof fallback === 'number' ? fallback : '';
    return (
        <NumberInput
            {...(hidesLabel ? { 'aria-label': label } : { label })} value={shown} min={min} max={max} step={step ?? 1} placeholder={unset} hideControls={unset !== undefined}
            onChange={(next) => onChange(typeof next === 'number' && Number.isFinite(next) ? next : next === '' ? undefined : Number.isFinite(Number(next)) ? Number(next) : value)}
        />
    );
}

// ---- one of some ----

/* Values of choices may be numbers and booleans; fields know texts. */
const keyOf = (value: unknown): string => JSON.stringify(value) ?? '';

function SelectField({ label, value, onChange, choices, help }: InputProps & { choices: readonly Choice[]; help?: string }) {
    const known = choices.some((c) => c.value === value);
    const data = [...choices.map((c) => ({ value: keyOf(c.value), label: c.label })), ...(known || value === undefined ? [] : [{ value: keyOf(value), label: String(value) }])];
    return <Select label={label} description={help} data={data} value={keyOf(value)} searchable={data.length > 12} onChange={(next) => next !== null && onChange(JSON.parse(next))} />;
}

function SegmentsField({ label, value, onChange, choices }: InputProps & { choices: readonly Choice[] }) {
    const id = useId();
    return (
        <div className="stack tight">
            <span id={id} className="field-label">{label}</span>
            <SegmentedControl aria-labelledby={id} data={choices.map((c) => ({ value: keyOf(c.value), label: c.label }))} value={keyOf(value)} onChange={(next) => onChange(JSON.parse(next))} fullWidth />
        </div>
    );
}

function ChoicesField({ label, value, onChange, choices, help }: InputProps & { choices: readonly Choice[]; help?: string }) {
    const chosen = Array.isArray(value) ? value.map(String) : [];
    return <MultiSelect label={label} description={help} data={choices.map((c) => ({ value: String(c.value), label: c.label }))} value={chosen} onChange={onChange} searchable={choices.length > 8} />;
}

/* Fields of the data: numbers, all, or one by name. */
function FieldPattern({ label, value, onChange }: InputProps) {
    const { fields } = useContext(Inputs);
    const quote = (name: string): string => `/^${name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$/`;
    const choices = [{ value: '', label: 'Numeric fields' }, { value: '/.*/', label: 'All fields' }, ...[...new Set(fields)].map((name) => ({ value: quote(name), label: name }))];
    return <SelectField label={label} value={value ?? ''} onChange={onChange} choices={choices} />;
}

function FieldName({ label, value, onChange }: InputProps) {
    const { fields } = useContext(Inputs);
    const choices = [{ value: '', label: 'None' }, ...[...new Set(fields)].map((name) => ({ value: name, label: name }))];
    return <SelectField label={label} value={value ?? ''} onChange={(next) => onChange(next === '' ? undefined : next)} choices={choices} />;
}

function VariableField({ label, value, onChange }: InputProps) {
    const { variables } = useContext(Inputs);
    return <SelectField label={label} value={value ?? ''} onChange={(next) => onChange(next === '' ? undefined : next)} choices={[{ value: '', label: 'Not repeated' }, ...variables.map((name) => ({ value: name, label: name }))]} />;
}

// ---- units ----

const UNITS_SHOWN = 80;

interface UnitGroupItems {
    group: string;
    items: { value: string; label: string }[];
}

/* Each word has to be somewhere in a unit's name, id or group. */
function searched({ options, search }: { options: readonly UnitGroupItems[]; search: string }): UnitGroupItems[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return options.flatMap((o) => {
        const items = o.items.filter((i) => words.every((w) => `${i.label} ${i.value} ${o.group}`.toLowerCase().includes(w)));
        return items.length > 0 ? [{ ...o, items }] : [];
    });
}

export function UnitField({ label, value, onChange }: InputProps) {
    const [search, setSearch] = useState('');
    const unit = asText(value) ?? '';
    const data = useMemo(() => {
        const groups = unitGroups().map((g) => ({ group: g.name, items: g.units.map((u) => ({ value: u.id, label: `${u.name}${u.symbol && !u.name.includes(u.symbol) ? ` (${u.symbol})` : ''}` })) }));
        const known = new Set(groups.flatMap((g) => g.items.map((i) => i.value)));
        const own = [unit, search.trim()].filter((text, i, all) => text !== '' && !known.has(text) && all.indexOf(text) === i && !groups.some((g) => g.items.some((item) => item.label === text)));
        return [{ group: '', items: [{ value: '', label: 'None set' }] }, ...(own.length > 0 ? [{ group: 'Custom', items: own.map((text) => ({ value: text, label: text })) }] : []), ...groups];
    }, [unit, search]);
    return (
        <Select
            label={label} data={data} value={unit} onChange={(next) => onChange(next === '' || next === null ? undefined : next)} searchable limit={UNITS_SHOWN} onSearchChange={setSearch}
            nothingFoundMessage="No unit is called so" placeholder="Choose or type"
            filter={(input) => searched(input as Parameters<typeof searched>[0]) as typeof input.options}
        />
    );
}

// ---- colours ----

const HUES = ['green', 'yellow', 'red', 'blue', 'orange', 'purple'].map((hue) => [`dark-${hue}`, `semi-dark-${hue}`, hue, `light-${hue}`, `super-light-${hue}`]);
const PLAIN = ['text', 'transparent', '#808080'];

/* ColorButton shows a colour, and a table of those that dashboards know; any other by its code. */
export function ColorButton({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
    const { look } = useContext(Inputs);
    const [open, setOpen] = useState(false);
    const swatch = (name: string) => (
        <button key={name} type="button" className="swatch" aria-label={name} title={name} aria-pressed={name === value} style={{ background: namedColor(name, look) }} onClick={() => { onChange(name); setOpen(false); }} />
    );
    return (
        <Popover opened={open} onChange={setOpen} position="bottom-start">
            <Popover.Target>
                <button type="button" className="swatch" aria-label={`${label}: ${value}`} aria-expanded={open} style={{ background: namedColor(value || FALLBACK_COLOR, look) }} onClick={() => setOpen(!open)} />
            </Popover.Target>
            <Popover.Dropdown aria-label={label}>
                <div className="stack swatch-box">
                    <div className="swatches">{HUES.flat().map(swatch)}</div>
                    <div className="row" style={{ gap: 4 }}>{PLAIN.map(swatch)}</div>
                    <TextInput aria-label="Color by name or code" defaultValue={value} placeholder="#rrggbb" onKeyDown={(e) => e.key === 'Enter' && (onChange(e.currentTarget.value.trim()), setOpen(false))} />
                </div>
            </Popover.Dropdown>
        </Popover>
    );
}

const MODES: readonly (Choice & { group: string })[] = [
    { value: 'thresholds', label: 'From thresholds', group: 'By value' },
    { value: 'continuous-GrYlRd', label: 'Green-Yellow-Red', group: 'By value' },
    { value: 'continuous-RdYlGr', label: 'Red-Yellow-Green', group: 'By value' },
    { value: 'continuous-BlYlRd', label: 'Blue-Yellow-Red', group: 'By value' },
    { value: 'continuous-YlRd', label: 'Yellow-Red', group: 'By value' },
    { value: 'continuous-BlPu', label: 'Blue-Purple', group: 'By value' },
    { value: 'continuous-YlBl', label: 'Yellow-Blue', group: 'By value' },
    ...['blues', 'reds', 'greens', 'purples', 'viridis', 'magma', 'plasma', 'inferno', 'cividis'].map((name) => ({ value: `continuous-${name}`, label: name[0]!.toUpperCase() + name.slice(1), group: 'By value' })),
    { value: 'palette-classic', label: 'Classic palette', group: 'By series' },
    { value: 'palette-classic-by-name', label: 'Classic palette (by series name)', group: 'By series' },
    { value: 'palette-colorblind', label: 'For the color-blind', group: 'By series' },
    { value: 'fixed', label: 'Single color', group: 'One' },
    { value: 'shades', label: 'Shades of a color', group: 'One' },
];

function ColorField({ label, value, onChange }: InputProps) {
    const color = asRecord(value);
    const mode = asText(color.mode) ?? '';
    const byValue = mode === 'thresholds' || mode.startsWith('continuous-');
    const groups = ['By value', 'By series', 'One'].map((group) => ({ group, items: MODES.filter((m) => m.group === group).map((m) => ({ value: String(m.value), label: m.label })) }));
    return (
        <>
            <div className="row" style={{ alignItems: 'end' }}>
                <Select className="grow" label={label} data={groups} value={mode || null} placeholder="As the panel usually has" searchable onChange={(next) => next && onChange(setMember({ ...color, mode: next }, 'fixedColor', next === 'fixed' || next === 'shades' ? (color.fixedColor ?? 'blue') : undefined))} />
                {(mode === 'fixed' || mode === 'shades') && <ColorButton label="Color" value={asText(color.fixedColor) ?? 'blue'} onChange={(next) => onChange({ ...color, fixedColor: next })} />}
            </div>
            {byValue && <SegmentsField label="Color series by" value={color.seriesBy ?? 'last'} choices={[{ value: 'last', label: 'Last' }, { value: 'min', label: 'Min' }, { value: 'max', label: 'Max' }]} onChange={(next) => onChange({ ...color, seriesBy: next })} />}
        </>
    );
}

// ---- links ----

function LinksField({ label, value, onChange, help }: InputProps & { help?: string }) {
    const links = asRecords(value) as (DataLink & Json)[];
    const put = (i: number, key: string, next: unknown): void => onChange(links.map((l, k) => (k === i ? setMember(l, key, next) : l)));
    return (
        <div className="stack" role="group" aria-label={label}>
            <span className="field-label">{label}</span>
            {help && <span className="field-help">{help}</span>}
            {links.map((link, i) => (
                <div key={i} className="stack tight boxed">
                    <div className="row">
                        <TextInput className="grow" aria-label={`Title of link ${i + 1}`} placeholder="Title" value={link.title ?? ''} onChange={(e) => put(i, 'title', e.currentTarget.value)} />
                        <ActionIcon aria-label={`Remove link ${i + 1}`} onClick={() => onChange(links.filter((_, k) => k !== i))}><Icon name="trash" size={14} /></ActionIcon>
                    </div>
                    <TextInput aria-label={`Address of link ${i + 1}`} placeholder="https://… or /d/…" value={link.url ?? ''} onChange={(e) => put(i, 'url', e.currentTarget.value)} />
                    <Checkbox label="In a new tab" checked={link.targetBlank === true} onChange={(e) => put(i, 'targetBlank', e.currentTarget.checked)} />
                </div>
            ))}
            <Button variant="default" onClick={() => onChange([...links, { title: '', url: '' }])} leftSection={<Icon name="plus" size={12} />}>Add link</Button>
        </div>
    );
}

// ---- any ----

/* OptionField draws the field of a row. */
export function OptionField({ row, value, onChange }: { row: OptionRow; value: unknown; onChange: (value: unknown) => void }) {
    const given = value === undefined ? row.fallback : value;
    const common = { label: row.label, value: given, onChange };
    switch (row.kind) {
        case 'text':
        case 'lines':
            return <TextField {...common} value={value} placeholder={row.placeholder ?? (typeof row.fallback === 'string' ? row.fallback : undefined)} lines={row.kind === 'lines'} help={row.help} />;
        case 'number':
            return <NumberField {...common} value={value} min={row.min} max={row.max} step={row.step} unset={row.unset} fallback={row.fallback} />;
        case 'switch':
            return <Switch label={row.label} description={row.help} checked={given === true} onChange={(e) => onChange(e.currentTarget.checked)} />;
        case 'select':
            return <SelectField {...common} choices={row.choices} help={row.help} />;
        case 'segments':
            return <SegmentsField {...common} choices={row.choices} />;
        case 'choices':
            return <ChoicesField {...common} choices={row.choices} help={row.help} />;
        case 'reducer':
            return <SelectField {...common} choices={reducerChoices()} />;
        case 'reducers':
            return <ChoicesField {...common} choices={reducerChoices()} help={row.help} />;
        case 'fieldPattern':
            return <FieldPattern {...common} />;
        case 'field':
            return <FieldName {...common} />;
        case 'variable':
            return <VariableField {...common} />;
        case 'texts':
            return <TagsInput label={row.label} value={Array.isArray(value) ? value.map(String) : []} onChange={onChange} />;
        case 'unit':
            return <UnitField {...common} value={value} />;
        case 'color':
            return <ColorField {...common} value={value} />;
        case 'fixedColor':
            return <div className="row"><ColorButton label={row.label} value={asText(given) ?? ''} onChange={onChange} /><span>{row.label}</span></div>;
        case 'thresholds':
            return <ThresholdsInput value={value} onChange={onChange} />;
        case 'mappings':
            return <MappingsInput value={value} onChange={onChange} />;
        case 'links':
            return <LinksField {...common} value={value} help={row.help} />;
    }
}
