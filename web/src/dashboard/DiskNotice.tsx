/* DiskNotice: the dashboard that is open was changed in its file by somebody else. Nobody edits: it is read again at once; otherwise it is said. */
import { useEffect, useState } from 'react';
import { Button, Note, notify, useLive } from '../ui';

/* The page's own save is told as well: its answer is waited for. */
const OWN_SAVE_MS = 1_500;

interface NoticeProps {
    uid: string;
    /* Of what is shown. */
    version: number | undefined;
    /* What is shown has changes that are not saved: they are not thrown away. */
    editing: boolean;
    reload: () => void;
}

export default function DiskNotice({ uid, version, editing, reload }: NoticeProps) {
    const change = useLive((s) => s.boards[uid]);
    const [said, setSaid] = useState<string | null>(null);
    const gone = change?.state === 'gone';
    const isNew = change !== undefined && version !== undefined && (gone || Number(change.version) > version);
    useEffect(() => {
        if (!isNew) {
            setSaid(null);
            return;
        }
        const timer = setTimeout(() => {
            if (!gone && !editing) {
                reload();
                notify(`Changed on disk: this is version ${change!.version} now`);
            } else {
                setSaid(gone ? 'Its file is gone: what is shown here exists nowhere else.' : `It was changed on disk (version ${change!.version}) while you edit: saving would meet that version.`);
            }
        }, OWN_SAVE_MS);
        return () => clearTimeout(timer);
        /* `reload` is new at every render of the page. */
        /* eslint-disable-next-line react-hooks/exhaustive-deps */
    }, [isNew, gone, editing, change?.version]);
    return said === null ? null : (
        <Note kind="warn">
            <span className="row wrap">{said}{!gone && <Button variant="default" size="compact-xs" onClick={reload}>Throw my changes away and load it</Button>}</span>
        </Note>
    );
}
