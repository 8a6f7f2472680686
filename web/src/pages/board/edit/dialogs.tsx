/* dialogs: what is asked on the way out of edit mode, and about a row. */
import { useState } from 'react';
import { setMember } from '../../../grafana/edit/patch';
import type { Json } from '../../../grafana/json';
import type { PanelModel } from '../../../grafana/model';
import { Button, Modal, Select, TextInput } from '../../../ui';

interface LeaveDialogProps {
    /* What is lost: "this dashboard", "this panel". */
    onSave: () => void;
    onDiscard: () => void;
    close: () => void;
}

export function LeaveDialog({ onSave, onDiscard, close }: LeaveDialogProps) {
    return (
        <Modal opened onClose={close} title="Unsaved changes" size={460}>
            <div className="stack">
                <p>The changes of this dashboard are not saved.</p>
                <div className="row">
                    <Button onClick={onSave} data-autofocus>Save…</Button>
                    <Button variant="default" color="red" onClick={onDiscard}>Discard them</Button>
                    <Button variant="default" onClick={close}>Stay</Button>
                </div>
            </div>
        </Modal>
    );
}

interface RowDialogProps {
    row: PanelModel;
    /* Names of variables that it may repeat by. */
    names: readonly string[];
    close: () => void;
    onChange: (edit: (row: Json) => Json) => void;
}

export function RowDialog({ row, names, close, onChange }: RowDialogProps) {
    const [title, setTitle] = useState(row.title);
    const [repeat, setRepeat] = useState(row.repeat ?? '');
    return (
        <Modal opened onClose={close} title="Row" size={420}>
            <form className="stack" onSubmit={(event) => { event.preventDefault(); onChange((one) => setMember(setMember(one, 'title', title), 'repeat', repeat || undefined)); }}>
                <TextInput label="Title" value={title} onChange={(e) => setTitle(e.currentTarget.value)} data-autofocus />
                <Select label="Repeat for each value of" value={repeat} onChange={(v) => setRepeat(v ?? '')} data={[{ value: '', label: 'nothing' }, ...names.map((n) => ({ value: n, label: n }))]} />
                <div className="row"><Button type="submit">Apply</Button><Button variant="default" onClick={close}>Cancel</Button></div>
            </form>
        </Modal>
    );
}
