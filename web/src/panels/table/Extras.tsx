/* Extras: what a table shows when it is asked to: the values of a column to choose from, the whole of one value. */
import { useState } from 'react';
import { Button, Checkbox, copyText, Modal, TextInput } from '../../ui';

/* More cannot be gone through by hand. */
const VALUES_MAX = 200;

/** Choose lists the values of a column; none chosen means all. */
export function Choose({ name, values, chosen, onChange }: { name: string; values: readonly string[]; chosen: ReadonlySet<string>; onChange: (next: ReadonlySet<string>) => void }) {
    const [find, setFind] = useState('');
    const wanted = values.filter((text) => text.toLowerCase().includes(find.toLowerCase()));
    return (
        <div className="table-choose">
            <TextInput aria-label={`Find in ${name}`} placeholder="Find" value={find} onChange={(e) => setFind(e.currentTarget.value)} size="xs" />
            <div className="table-values" tabIndex={0} role="group" aria-label={`Values of ${name}`}>
                {wanted.slice(0, VALUES_MAX).map((text) => (
                    <Checkbox
                        key={text} label={text || '(empty)'} checked={chosen.has(text)}
                        onChange={() => { const next = new Set(chosen); if (!next.delete(text)) { next.add(text); } onChange(next); }}
                    />
                ))}
                {wanted.length === 0 && <span className="muted">No value is so.</span>}
                {wanted.length > VALUES_MAX && <span className="muted">and {wanted.length - VALUES_MAX} more</span>}
            </div>
            <div className="row">
                <Button variant="default" size="compact-xs" onClick={() => onChange(new Set(wanted))}>All of these</Button>
                <Button variant="default" size="compact-xs" disabled={chosen.size === 0} onClick={() => onChange(new Set())}>Clear</Button>
            </div>
        </div>
    );
}

export default function Whole({ what, close }: { what: { name: string; text: string }; close: () => void }) {
    return (
        <Modal opened onClose={close} title={<span className="truncate">{what.name}</span>} size="lg">
            <pre className="mono cell-whole" tabIndex={0}>{what.text}</pre>
            <Button variant="default" onClick={() => void copyText(what.text)}>Copy</Button>
        </Modal>
    );
}
