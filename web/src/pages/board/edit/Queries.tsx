/* Queries: the panel's queries: each an expression with its legend and steps; added, doubled, hidden, moved, removed. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { formatQuery } from '../../../api/prometheus';
import { QUERY_ROWS, getOption, setOption } from '../../../dashboard/options';
import type { PanelData } from '../../../dashboard/data';
import { asNumber, asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { setMember } from '../../../grafana/edit/patch';
import { ActionIcon, Button, Icon, notify, Section, SegmentedControl, Select, Switch, TextInput, Tooltip } from '../../../ui';
import { OptionField } from './inputs';

const Editor = lazy(() => import('../../../promql/Editor'));

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** nextRefId is the first letter that no query has; then A1, A2, ... */
export function nextRefId(targets: readonly Json[]): string {
    const used = new Set(targets.map((t) => t.refId));
    const names = [...LETTERS, ...Array.from({ length: targets.length + 1 }, (_, i) => `A${i + 1}`)];
    return names.find((name) => !used.has(name))!;
}

/** moveEntry swaps an entry with its neighbour. */
export function moveEntry<T>(list: readonly T[], i: number, by: -1 | 1): T[] {
    const next = [...list];
    const other = next[i + by];
    if (other !== undefined) {
        next[i + by] = next[i]!;
        next[i] = other;
    }
    return next;
}

type LegendMode = 'auto' | 'verbose' | 'custom';

function legendMode(target: Json): LegendMode {
    const format = asText(target.legendFormat) ?? '';
    return format === '__auto' ? 'auto' : format === '' ? 'verbose' : 'custom';
}

const LEGENDS: Record<LegendMode, string> = { auto: '__auto', verbose: '', custom: '{{label_name}}' };

/* What is asked: Grafana has two flags. */
function rangeMode(target: Json): 'range' | 'instant' | 'both' {
    const instant = target.instant === true;
    const range = target.range === undefined ? !instant : target.range === true;
    return instant ? (range ? 'both' : 'instant') : 'range';
}

interface QueryProps {
    target: Json;
    index: number;
    count: number;
    variables: readonly string[];
    said: { stepMs?: number | undefined; error?: string | undefined };
    change: (label: string, next: Json, key?: string) => void;
    act: (what: 'copy' | 'remove' | 'up' | 'down') => void;
}

function Query({ target, index, count, variables, said, change, act }: QueryProps) {
    const refId = asText(target.refId) ?? LETTERS[index % LETTERS.length]!;
    const stored = asText(target.expr) ?? '';
    const [text, setText] = useState(stored);
    useEffect(() => setText(stored), [stored]);
    const hidden = target.hide === true;
    const mode = legendMode(target);
    const run = (): void => {
        if (text !== stored) {
            change('Change query', setMember(target, 'expr', text));
        }
    };
    const put = (label: string, key: string, value: unknown): void => change(label, setMember(target, key, value), `${refId} ${key}`);
    return (
        <section className="query-box" aria-label={`Query ${refId}`} data-hidden={hidden || undefined}>
            <div className="row query-head">
                <b className="num">{refId}</b>
                {asText(asRecord(target.datasource).type) !== undefined && asRecord(target.datasource).type !== 'prometheus' && <span className="muted">{String(asRecord(target.datasource).type)}</span>}
                {said.stepMs ? <span className="muted">step {said.stepMs / 1000} s</span> : null}
                <span className="grow" />
                <Tooltip label="Format the expression"><ActionIcon size={24} aria-label={`Format query ${refId}`} onClick={() => void formatQuery(text).then((next) => { setText(next); change('Format query', setMember(target, 'expr', next)); }, () => notify('Only an expression without variables can be formatted', 'bad'))}><Icon name="rules" size={14} /></ActionIcon></Tooltip>
                <Tooltip label="Duplicate"><ActionIcon size={24} aria-label={`Duplicate query ${refId}`} onClick={() => act('copy')}><Icon name="copy" size={14} /></ActionIcon></Tooltip>
                <Tooltip label={hidden ? 'Show' : 'Hide'}><ActionIcon size={24} aria-label={`${hidden ? 'Show' : 'Hide'} query ${refId}`} onClick={() => change(hidden ? 'Show query' : 'Hide query', setMember(target, 'hide', hidden ? undefined : true))}><Icon name={hidden ? 'eyeOff' : 'eye'} size={14} /></ActionIcon></Tooltip>
                <ActionIcon size={24} aria-label={`Query ${refId} up`} disabled={index === 0} onClick={() => act('up')}><Icon name="up" size={14} /></ActionIcon>
                <ActionIcon size={24} aria-label={`Query ${refId} down`} disabled={index === count - 1} onClick={() => act('down')}><Icon name="down" size={14} /></ActionIcon>
                <Tooltip label="Remove"><ActionIcon size={24} aria-label={`Remove query ${refId}`} onClick={() => act('remove')}><Icon name="trash" size={14} /></ActionIcon></Tooltip>
            </div>
            <div className="query-editor" onBlur={run}>
                <Suspense fallback={<div className="editor" />}>
                    <Editor label={`Expression of query ${refId}`} value={text} onChange={setText} onRun={run} placeholder="A PromQL expression: Enter runs it" variables={variables} />
                </Suspense>
            </div>
            {said.error && <p className="query-fault" role="alert">{said.error}</p>}
            <div className="row wrap query-options">
                <Select label="Legend" w={96} data={[{ value: 'auto', label: 'Auto' }, { value: 'verbose', label: 'Verbose' }, { value: 'custom', label: 'Custom' }]} value={mode} onChange={(v) => put('Change legend', 'legendFormat', LEGENDS[(v ?? 'auto') as LegendMode])} />
                {mode === 'custom' && <TextInput label="Legend format" w={190} value={asText(target.legendFormat) ?? ''} onChange={(e) => put('Change legend', 'legendFormat', e.currentTarget.value)} placeholder="{{instance}}" />}
                <TextInput label="Min step" w={80} value={asText(target.interval) ?? ''} placeholder="auto" onChange={(e) => put('Change min step', 'interval', e.currentTarget.value || undefined)} />
                <Select label="Format" w={116} data={[{ value: 'time_series', label: 'Time series' }, { value: 'table', label: 'Table' }, { value: 'heatmap', label: 'Heatmap' }]} value={asText(target.format) ?? 'time_series'} onChange={(v) => put('Change format', 'format', v)} />
                <div className="stack tight">
                    <span className="field-label">Type</span>
                    <SegmentedControl
                        aria-label={`Type of query ${refId}`} data={[{ value: 'range', label: 'Range' }, { value: 'instant', label: 'Instant' }, { value: 'both', label: 'Both' }]} value={rangeMode(target)}
                        onChange={(v) => change('Change type of query', setMember(setMember(target, 'range', v !== 'instant'), 'instant', v !== 'range'))}
                    />
                </div>
                <Switch label="Exemplars" checked={target.exemplar === true} onChange={(e) => put('Exemplars', 'exemplar', e.currentTarget.checked)} />
            </div>
        </section>
    );
}

interface QueriesProps {
    panel: Json;
    data: PanelData;
    variables: readonly string[];
    onChange: (label: string, edit: (panel: Json) => Json, key?: string) => void;
}

export function Queries({ panel, data, variables, onChange }: QueriesProps) {
    const targets = asRecords(panel.targets);
    const put = (label: string, next: readonly Json[], key?: string): void => onChange(label, (p) => setMember(p, 'targets', next), key);
    function act(i: number, what: 'copy' | 'remove' | 'up' | 'down'): void {
        switch (what) {
            case 'copy':
                put('Duplicate query', [...targets.slice(0, i + 1), { ...targets[i]!, refId: nextRefId(targets) }, ...targets.slice(i + 1)]);
                break;
            case 'remove':
                put('Remove query', targets.filter((_, k) => k !== i));
                break;
            default:
                put('Move query', moveEntry(targets, i, what === 'up' ? -1 : 1));
        }
    }
    const last = targets[targets.length - 1];
    const fresh = { refId: nextRefId(targets), expr: '', range: true, ...(last?.datasource !== undefined ? { datasource: last.datasource } : {}) };
    return (
        <div className="stack">
            {targets.map((target, i) => (
                <Query
                    key={asText(target.refId) ?? i} target={target} index={i} count={targets.length} variables={variables} act={(what) => act(i, what)}
                    said={{ stepMs: data.asked.find((a) => a.refId === target.refId)?.stepMs, error: data.error && data.error.expr === data.asked.find((a) => a.refId === target.refId)?.expr ? data.error.message : undefined }}
                    change={(label, next, key) => put(label, targets.map((t, k) => (k === i ? next : t)), key)}
                />
            ))}
            <div className="row"><Button variant="default" onClick={() => put('Add query', [...targets, fresh])} leftSection={<Icon name="plus" size={13} />}>Add query</Button></div>
            <Section title="Query options" open={QUERY_ROWS.some((row) => getOption(panel, row) !== undefined)} aside={asNumber(panel.maxDataPoints) ? <span className="muted">{asNumber(panel.maxDataPoints)} points</span> : undefined}>
                <div className="option-grid panel-body">
                    {QUERY_ROWS.map((row) => <OptionField key={row.id} row={row} value={getOption(panel, row)} onChange={(value) => onChange(`Change ${row.label.toLowerCase()}`, (p) => setOption(p, row, value), row.id)} />)}
                </div>
            </Section>
        </div>
    );
}
