/* SaveDialog: what has changed, a message, and where it goes; and what to do when somebody else has saved meanwhile. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { folders, saveDashboard, type DashboardMeta, type SaveAnswer } from '../../../api/dashboards';
import { ApiError } from '../../../api/http';
import { asNew, isChosenAnew, withView } from '../../../dashboard/saving';
import type { Draft } from '../../../dashboard/edit';
import type { VariableState } from '../../../dashboard/variables';
import { asRecord, asText, isSame } from '../../../grafana/json';
import { Button, Checkbox, Fault, Modal, Note, SegmentedControl, Select, Textarea, TextInput } from '../../../ui';
import { Diff } from './Diff';

interface SaveDialogProps {
    draft: Draft;
    meta: DashboardMeta;
    isNew: boolean;
    range: { from: string; to: string };
    variables: readonly VariableState[];
    close: () => void;
    onSaved: (answer: SaveAnswer, isOther: boolean) => void;
    onReload: () => void;
}

function useFolders(): { value: string; label: string }[] {
    const list = useQuery({ queryKey: ['folders'], queryFn: ({ signal }) => folders(signal) });
    return [{ value: '', label: 'General' }, ...(list.data ?? []).filter((f) => f.canSave).map((f) => ({ value: f.uid, label: f.title }))];
}

export function SaveDialog({ draft, meta, isNew, range, variables, close, onSaved, onReload }: SaveDialogProps) {
    /* A read-only dashboard is made editable first. */
    const locked = draft.base.editable === false && draft.now.editable === false;
    const mustCopy = isNew || !meta.canSave || locked;
    const [mode, setMode] = useState(mustCopy ? 'copy' : 'save');
    const isCopy = mode === 'copy';
    const title = asText(draft.now.title) ?? '';
    const [name, setName] = useState(isNew ? title : `${title} copy`);
    const [folder, setFolder] = useState(meta.folderUid ?? '');
    const [message, setMessage] = useState('');
    const [withTime, setWithTime] = useState(false);
    const [withValues, setWithValues] = useState(false);
    const [problem, setProblem] = useState<unknown>(null);
    const [busy, setBusy] = useState(false);
    const places = useFolders();
    const stored = asRecord(draft.now.time);
    const otherTime = stored.from !== range.from || stored.to !== range.to;
    const otherValues = variables.some(isChosenAnew);
    const wanted = useMemo(
        () => withView(draft.now, { time: withTime ? range : undefined, variables: withValues ? variables : undefined }),
        [draft.now, withTime, withValues, range, variables],
    );
    const isMoved = !isCopy && folder !== (meta.folderUid ?? '');
    const unchanged = !isCopy && !isMoved && isSame(wanted, draft.base);
    const conflict = problem instanceof ApiError && problem.status === 412;

    async function save(overwrite: boolean): Promise<void> {
        setBusy(true);
        setProblem(null);
        try {
            const request = isCopy ? { dashboard: asNew(wanted, name.trim()), folderUid: folder } : { dashboard: wanted, folderUid: folder };
            onSaved(await saveDashboard({ ...request, message, overwrite }), isCopy);
        } catch (error) {
            setProblem(error);
            setBusy(false);
        }
    }
    return (
        <Modal opened onClose={close} title={isNew ? 'Save the new dashboard' : 'Save the dashboard'} size={760}>
            <form className="stack" onSubmit={(event) => { event.preventDefault(); void save(false); }}>
                {!isNew && !meta.canSave && <Note kind="warn">It is provisioned, and its provider does not allow changes from here: save it as another one. File: <code className="mono">{meta.provisionedExternalId}</code></Note>}
                {locked && <Note>It is read-only: it is saved as another one, which may be edited.</Note>}
                {!mustCopy && <SegmentedControl aria-label="How to save" value={mode} onChange={setMode} data={[{ value: 'save', label: 'Save' }, { value: 'copy', label: 'Save as a copy' }]} />}
                {isCopy && <TextInput label="Title" value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus required />}
                <Select label="Folder" data={places} value={folder} onChange={(v) => setFolder(v ?? '')} />
                {otherTime && <Checkbox label={`Save the time range that is shown (${range.from} to ${range.to})`} checked={withTime} onChange={(e) => setWithTime(e.currentTarget.checked)} />}
                {otherValues && <Checkbox label="Save the values of variables that are chosen" checked={withValues} onChange={(e) => setWithValues(e.currentTarget.checked)} />}
                <Textarea label="What has changed" placeholder="Shown in the list of versions" value={message} onChange={(e) => setMessage(e.currentTarget.value)} maxLength={500} autosize minRows={1} maxRows={4} data-autofocus={isCopy ? undefined : true} />
                {!isCopy && <Diff before={draft.base} after={wanted} />}
                {conflict && (
                    <Note kind="warn">
                        <p>{problem.message}</p>
                        <div className="row" style={{ marginTop: 6 }}>
                            <Button variant="default" onClick={() => void save(true)}>Overwrite theirs</Button>
                            <Button variant="default" onClick={onReload}>Reload, and lose mine</Button>
                        </div>
                    </Note>
                )}
                {problem !== null && !conflict && <Fault error={problem} what="Not saved" />}
                <div className="row">
                    <Button type="submit" loading={busy} disabled={unchanged || (isCopy && name.trim() === '')}>Save</Button>
                    <Button variant="default" onClick={close}>Cancel</Button>
                    {unchanged && <span className="muted">Nothing has changed.</span>}
                </div>
            </form>
        </Modal>
    );
}
