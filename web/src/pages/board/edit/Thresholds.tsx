/* Thresholds: steps with colours, from the highest down to the base; a step finds its place by its value. */
import { asNumber, asRecord, asRecords, asText, type Json } from '../../../grafana/json';
import { ActionIcon, Button, Icon, SegmentedControl } from '../../../ui';
import { ColorButton, NumberField } from './inputs';

const NEXT_COLORS = ['red', 'orange', 'yellow', 'blue', 'purple', 'green'];
const DEFAULTS: Json[] = [{ color: 'green', value: null }, { color: 'red', value: 80 }];

/** addStep adds one above the highest: ten more, the first colour that is not used yet. */
export function addStep(steps: readonly Json[]): Json[] {
    const highest = steps.reduce((most, s) => Math.max(most, asNumber(s.value) ?? 0), 0);
    const color = NEXT_COLORS.find((c) => !steps.some((s) => s.color === c)) ?? 'red';
    return [...steps, { color, value: steps.length === 0 ? null : highest + 10 }];
}

/** sortSteps puts steps in the order of their values; the base, which has none, is first. */
export function sortSteps(steps: readonly Json[]): Json[] {
    return [...steps].sort((a, b) => (asNumber(a.value) ?? -Infinity) - (asNumber(b.value) ?? -Infinity));
}

export function ThresholdsInput({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
    const json = asRecord(value);
    const steps = json.steps === undefined ? DEFAULTS : asRecords(json.steps);
    const mode = asText(json.mode) ?? 'absolute';
    const put = (next: readonly Json[]): void => onChange({ mode, ...json, steps: next });
    return (
        <div className="stack" role="group" aria-label="Thresholds">
            <Button variant="default" onClick={() => put(addStep(steps))} leftSection={<Icon name="plus" size={12} />}>Add threshold</Button>
            {/* A step that is being typed stays where it is until it is left. */}
            <div className="stack tight upwards" onBlur={() => { const sorted = sortSteps(steps); if (sorted.some((s, i) => s !== steps[i])) { put(sorted); } }}>
                {steps.map((step, i) => (
                    <div key={i} className="row" style={{ gap: 6 }}>
                        <ColorButton label={i === 0 ? 'Color of the base' : `Color of threshold ${i}`} value={asText(step.color) ?? ''} onChange={(color) => put(steps.map((s, k) => (k === i ? { ...s, color } : s)))} />
                        {i === 0 ? <span className="grow">Base</span> : (
                            <>
                                <div className="grow"><NumberField hidesLabel label={`Threshold ${i}`} value={asNumber(step.value)} onChange={(next) => next !== undefined && put(steps.map((s, k) => (k === i ? { ...s, value: next } : s)))} /></div>
                                {mode === 'percentage' && <span className="muted">%</span>}
                                <ActionIcon aria-label={`Remove threshold ${i}`} onClick={() => put(steps.filter((_, k) => k !== i))}><Icon name="trash" size={14} /></ActionIcon>
                            </>
                        )}
                    </div>
                ))}
            </div>
            <SegmentedControl aria-label="Thresholds mode" data={[{ value: 'absolute', label: 'Absolute' }, { value: 'percentage', label: 'Percentage of min to max' }]} value={mode} onChange={(next) => onChange({ ...json, steps, mode: next })} fullWidth />
        </div>
    );
}
