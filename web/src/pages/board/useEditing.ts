/* useEditing: the draft of one dashboard, and what can be done with it. */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { SaveAnswer } from '../../api/dashboards';
import { isDirty, useEdits, type Draft } from '../../dashboard/edit';
import type { Added } from '../../grafana/edit/panels';
import { isRecord, type Json } from '../../grafana/json';
import type { DashboardModel, GridPos } from '../../grafana/model';
import { notify, useLocation } from '../../ui';
import type * as OpsModule from './edit/ops';
import { loadBoard, type LoadedFile } from './load';

const NEW_BOARD = { title: 'New dashboard', tags: [], timezone: 'browser', schemaVersion: 41, time: { from: 'now-6h', to: 'now' }, refresh: '', templating: { list: [] }, annotations: { list: [] }, panels: [] };

/* A dashboard that nobody has saved yet. */
export const NEW_FILE: LoadedFile = {
    meta: { canSave: true, slug: '', url: '', updated: '', version: 0, folderUid: '', folderTitle: '', provisioned: false, provisionedExternalId: '' }, dashboard: NEW_BOARD, migrated: NEW_BOARD, cut: '',
};

/* What changes a dashboard: who only looks does not load it. A draft is begun with it, so that it is there when there is one. */
type Ops = typeof OpsModule;
let ops: Ops | undefined;

function withOps(run: (loaded: Ops) => void): void {
    if (ops) {
        run(ops);
        return;
    }
    import('./edit/ops').then(
        (loaded) => {
            ops = loaded;
            run(loaded);
        },
        () => notify('The editor could not be loaded: is the server there? Load the page again', 'bad'),
    );
}

/** readDraft reads a dashboard that is being changed. */
export function readDraft(now: Json): DashboardModel | undefined {
    return ops?.readDraft(now);
}

const CLIPBOARD = 'barograph-panel';

function copied(): Json | null {
    try {
        const json: unknown = JSON.parse(localStorage.getItem(CLIPBOARD) ?? 'null');
        return isRecord(json) && typeof json.type === 'string' ? json : null;
    } catch {
        return null; /* storage is forbidden, or holds something else */
    }
}

export interface Editing {
    draft: Draft | undefined;
    dirty: boolean;
    /* The panel that was added last. */
    fresh: number | null;
    begin: () => void;
    end: () => void;
    change: (label: string, change: (now: Json) => Json, key?: string) => void;
    undo: () => void;
    redo: () => void;
    /* `then` gets the number of what was added. */
    add: (what: 'panel' | 'row' | 'text', then: (id: number) => void) => void;
    duplicate: (id: number) => void;
    remove: (id: number, keepsInner?: boolean) => void;
    copy: (id: number) => void;
    paste: (() => void) | undefined;
    place: (places: ReadonlyMap<number, GridPos>, label: string) => void;
    fold: (id: number) => void;
    setPanel: (id: number, label: string, edit: (panel: Json) => Json, key?: string) => void;
    saved: (answer: SaveAnswer) => Promise<void>;
    reload: () => Promise<void>;
}

export function useEditing(uid: string, file: LoadedFile | undefined): Editing {
    const draft = useEdits((e) => e.drafts[uid]);
    const [fresh, setFresh] = useState<number | null>(null);
    const client = useQueryClient();
    const [, navigate] = useLocation();
    const edits = useEdits.getState;
    const begun = useCallback(() => {
        if (file && !edits().drafts[uid]) {
            edits().begin(uid, file.dashboard);
        }
    }, [file, uid, edits]);
    const begin = useCallback(() => withOps(begun), [begun]);
    const changeBy = useCallback((label: string, how: (now: Json, loaded: Ops) => Json, key?: string) => withOps((loaded) => {
        begun();
        edits().change(uid, label, (now) => how(now, loaded), key);
    }), [begun, uid, edits]);

    /* Who goes without a change leaves no draft; one with changes is kept for when he comes back. */
    useEffect(() => () => {
        const left = edits().drafts[uid];
        if (left && !isDirty(left)) {
            edits().end(uid);
        } else if (left) {
            notify(`The changes of “${String(left.now.title)}” are kept until this window is closed`);
        }
    }, [uid, edits]);

    return useMemo<Editing>(() => {
        const added = (label: string, how: (now: Json, loaded: Ops) => Added | undefined, then?: (id: number) => void): void => withOps((loaded) => {
            let id: number | undefined;
            begun();
            edits().change(uid, label, (now) => {
                const result = how(now, loaded);
                id = result?.id;
                return result?.board ?? now;
            });
            setFresh(id ?? null);
            if (id !== undefined) {
                then?.(id);
            }
        });
        const refetched = async (): Promise<LoadedFile> => {
            await client.invalidateQueries({ queryKey: ['dashboard', uid] });
            return client.fetchQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => loadBoard(uid, signal) });
        };
        return {
            draft,
            dirty: isDirty(draft),
            fresh,
            begin,
            end: () => edits().end(uid),
            change: changeBy,
            undo: () => edits().undo(uid),
            redo: () => edits().redo(uid),
            add: (what, then) => added(what === 'row' ? 'Add row' : 'Add panel', (now, { addPanel, addRow }) => (what === 'row' ? addRow(now) : addPanel(now, what === 'text' ? 'text' : 'timeseries')), then),
            duplicate: (id) => added('Duplicate panel', (now, { duplicatePanel }) => duplicatePanel(now, id)),
            remove: (id, keepsInner) => changeBy('Remove panel', (now, { removePanel }) => removePanel(now, id, keepsInner)),
            copy: (id) => {
                const panel = draft ? ops?.panelJson(draft.now, id) : undefined;
                try {
                    localStorage.setItem(CLIPBOARD, JSON.stringify(panel));
                    notify('Copied: put it in with Add, here or in another dashboard');
                } catch {
                    notify('The browser forbids to keep the copy', 'bad');
                }
            },
            paste: copied() ? () => added('Add copied panel', (now, { pastePanel }) => { const json = copied(); return json ? pastePanel(now, json) : undefined; }) : undefined,
            place: (places, label) => changeBy(label, (now, { placePanels }) => placePanels(now, places)),
            fold: (id) => changeBy('Fold row', (now, { toggleRow }) => toggleRow(now, id)),
            setPanel: (id, label, edit, key) => changeBy(label, (now, { panelJson, updatePanel }) => { const panel = panelJson(now, id); return panel ? updatePanel(now, id, edit(panel)) : now; }, key),
            saved: async (answer) => {
                void client.invalidateQueries({ queryKey: ['dashboards'] });
                void client.invalidateQueries({ queryKey: ['versions', uid] });
                notify('Saved', 'ok');
                if (answer.uid !== uid) {
                    edits().end(uid);
                    navigate(`/d/${encodeURIComponent(answer.uid)}`);
                    return;
                }
                const stored = await refetched();
                edits().begin(uid, stored.dashboard);
            },
            reload: async () => {
                const stored = await refetched();
                if (edits().drafts[uid]) {
                    edits().begin(uid, stored.dashboard);
                }
            },
        };
    }, [draft, fresh, begin, begun, changeBy, client, uid, navigate, edits]);
}
