/* Mappings: values that are shown as texts and colours: a line each; value mappings of the file share one record. */
import { asNumber, asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { setMember } from '../../../grafana/edit/patch';
import { ActionIcon, Button, Icon, Menu, Select, TextInput } from '../../../ui';
import { ColorButton, NumberField } from './inputs';

export type MappingKind = 'value' | 'range' | 'regex' | 'special';

export interface MappingLine {
    kind: MappingKind;
    /* Of a value. */
    value: string;
    from: number | null;
    to: number | null;
    pattern: string;
    match: string;
    result: Json;
}

const EMPTY: Omit<MappingLine, 'kind' | 'result'> = { value: '', from: null, to: null, pattern: '', match: 'null' };

/** readMappings gives a line for each mapping, in their order. */
export function readMappings(value: unknown): MappingLine[] {
    const lines = asRecords(value).flatMap((mapping): MappingLine[] => {
        const options = asRecord(mapping.options);
        const kind = asText(mapping.type) as MappingKind;
        if (kind === 'value') {
            return Object.entries(options).map(([text, result]) => ({ ...EMPTY, kind, value: text, result: asRecord(result) }));
        }
        return [{ ...EMPTY, kind, from: asNumber(options.from) ?? null, to: asNumber(options.to) ?? null, pattern: asText(options.pattern) ?? '', match: asText(options.match) ?? 'null', result: asRecord(options.result) }];
    });
    return lines.map((line, i) => ({ line, at: asNumber(line.result.index) ?? i })).sort((a, b) => a.at - b.at).map(({ line }) => line);
}

/** writeMappings puts lines as files have them: values that follow each other in one record, each with its place. */
export function writeMappings(lines: readonly MappingLine[]): Json[] {
    const result: Json[] = [];
    lines.forEach((line, index) => {
        const shown = { ...line.result, index };
        const last = result[result.length - 1];
        if (line.kind === 'value' && last?.type === 'value' && !Object.hasOwn(asRecord(last.options), line.value)) {
            last.options = Object.fromEntries([...Object.entries(asRecord(last.options)), [line.value, shown]]);
            return;
        }
        const options: Record<MappingKind, Json> = {
            value: Object.fromEntries([[line.value, shown]]), range: { from: line.from, to: line.to, result: shown }, regex: { pattern: line.pattern, result: shown }, special: { match: line.match, result: shown },
        };
        result.push({ type: line.kind, options: options[line.kind] });
    });
    return result;
}

const KINDS: readonly { kind: MappingKind; label: string }[] = [{ kind: 'value', label: 'Value' }, { kind: 'range', label: 'Range' }, { kind: 'regex', label: 'Regex' }, { kind: 'special', label: 'Special' }];
const SPECIAL = [['null', 'Null'], ['nan', 'NaN'], ['null+nan', 'Null and NaN'], ['true', 'True'], ['false', 'False'], ['empty', 'Empty']].map(([value, label]) => ({ value: value!, label: label! }));

function Condition({ line, n, put }: { line: MappingLine; n: number; put: (change: Partial<MappingLine>) => void }) {
    switch (line.kind) {
        case 'value':
            return <TextInput className="grow" aria-label={`Value of mapping ${n}`} placeholder="Value" value={line.value} onChange={(e) => put({ value: e.currentTarget.value })} />;
        case 'range':
            return (
                <div className="row grow" style={{ gap: 4 }}>
                    <NumberField hidesLabel label={`From, of mapping ${n}`} unset="from" value={line.from ?? undefined} onChange={(v) => put({ from: (v as number | undefined) ?? null })} />
                    <NumberField hidesLabel label={`To, of mapping ${n}`} unset="to" value={line.to ?? undefined} onChange={(v) => put({ to: (v as number | undefined) ?? null })} />
                </div>
            );
        case 'regex':
            return <TextInput className="grow mono" aria-label={`Regex of mapping ${n}`} placeholder="Regex" value={line.pattern} onChange={(e) => put({ pattern: e.currentTarget.value })} />;
        case 'special':
            return <Select className="grow" aria-label={`Special value of mapping ${n}`} data={SPECIAL} value={line.match} onChange={(v) => put({ match: v ?? 'null' })} />;
    }
}

export function MappingsInput({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
    const lines = readMappings(value);
    const write = (next: readonly MappingLine[]): void => onChange(next.length === 0 ? undefined : writeMappings(next));
    const put = (i: number, change: Partial<MappingLine>): void => write(lines.map((l, k) => (k === i ? { ...l, ...change } : l)));
    const move = (i: number, by: number): void => write(lines.map((l, k) => (k === i ? lines[i + by]! : k === i + by ? lines[i]! : l)));
    return (
        <div className="stack" role="group" aria-label="Value mappings">
            {lines.map((line, i) => (
                <div key={i} className="stack tight boxed">
                    <div className="row" style={{ gap: 4 }}>
                        <span className="muted" style={{ width: 44 }}>{KINDS.find((k) => k.kind === line.kind)?.label}</span>
                        <Condition line={line} n={i + 1} put={(change) => put(i, change)} />
                        <ActionIcon size={24} aria-label={`Mapping ${i + 1} up`} disabled={i === 0} onClick={() => move(i, -1)}><Icon name="up" size={13} /></ActionIcon>
                        <ActionIcon size={24} aria-label={`Remove mapping ${i + 1}`} onClick={() => write(lines.filter((_, k) => k !== i))}><Icon name="trash" size={13} /></ActionIcon>
                    </div>
                    <div className="row" style={{ gap: 4 }}>
                        <span className="muted" style={{ width: 44 }}>shown</span>
                        <TextInput className="grow" aria-label={`Text of mapping ${i + 1}`} placeholder="Text" value={asText(line.result.text) ?? ''} onChange={(e) => put(i, { result: setMember(line.result, 'text', e.currentTarget.value || undefined) })} />
                        <ColorButton label={`Color of mapping ${i + 1}`} value={asText(line.result.color) ?? 'transparent'} onChange={(color) => put(i, { result: { ...line.result, color } })} />
                    </div>
                </div>
            ))}
            <Menu position="bottom-start">
                <Menu.Target><Button variant="default" leftSection={<Icon name="plus" size={12} />}>Add mapping</Button></Menu.Target>
                <Menu.Dropdown>{KINDS.map((k) => <Menu.Item key={k.kind} onClick={() => write([...lines, { ...EMPTY, kind: k.kind, result: {} }])}>{k.label}</Menu.Item>)}</Menu.Dropdown>
            </Menu>
        </div>
    );
}
