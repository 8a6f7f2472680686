/* useEditing: the draft of one dashboard, and what can be done with it. */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { dashboard, type DashboardFile, type SaveAnswer } from '../../api/dashboards';
import { isDirty, useEdits, type Draft } from '../../dashboard/edit';
import { addPanel, addRow, duplicatePanel, panelJson, pastePanel, placePanels, removePanel, toggleRow, updatePanel, type Added } from '../../grafana/edit/panels';
import { isRecord, type Json } from '../../grafana/json';
import type { GridPos } from '../../grafana/model';
import { notify, useLocation } from '../../ui';

/* A dashboard that nobody has saved yet. */
export const NEW_FILE: DashboardFile = {
    meta: { canSave: true, slug: '', url: '', updated: '', version: 0, folderUid: '', folderTitle: '', provisioned: false, provisionedExternalId: '' },
    dashboard: { title: 'New dashboard', tags: [], timezone: 'browser', schemaVersion: 41, time: { from: 'now-6h', to: 'now' }, refresh: '', templating: { list: [] }, annotations: { list: [] }, panels: [] },
};

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
    add: (what: 'panel' | 'row' | 'text') => number | undefined;
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

export function useEditing(uid: string, file: DashboardFile | undefined): Editing {
    const draft = useEdits((e) => e.drafts[uid]);
    const [fresh, setFresh] = useState<number | null>(null);
    const client = useQueryClient();
    const [, navigate] = useLocation();
    const edits = useEdits.getState;
    const begin = useCallback(() => {
        if (file && !edits().drafts[uid]) {
            edits().begin(uid, file.dashboard);
        }
    }, [file, uid, edits]);
    const change = useCallback<Editing['change']>((label, how, key) => {
        begin();
        edits().change(uid, label, how, key);
    }, [begin, uid, edits]);

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
        const added = (label: string, how: (now: Json) => Added | undefined): number | undefined => {
            let id: number | undefined;
            change(label, (now) => {
                const result = how(now);
                id = result?.id;
                return result?.board ?? now;
            });
            setFresh(id ?? null);
            return id;
        };
        const refetched = async (): Promise<DashboardFile> => {
            await client.invalidateQueries({ queryKey: ['dashboard', uid] });
            return client.fetchQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => dashboard(uid, signal) });
        };
        return {
            draft,
            dirty: isDirty(draft),
            fresh,
            begin,
            end: () => edits().end(uid),
            change,
            undo: () => edits().undo(uid),
            redo: () => edits().redo(uid),
            add: (what) => added(what === 'row' ? 'Add row' : 'Add panel', (now) => (what === 'row' ? addRow(now) : addPanel(now, what === 'text' ? 'text' : 'timeseries'))),
            duplicate: (id) => void added('Duplicate panel', (now) => duplicatePanel(now, id)),
            remove: (id, keepsInner) => change('Remove panel', (now) => removePanel(now, id, keepsInner)),
            copy: (id) => {
                const panel = draft ? panelJson(draft.now, id) : undefined;
                try {
                    localStorage.setItem(CLIPBOARD, JSON.stringify(panel));
                    notify('Copied: put it in with Add, here or in another dashboard');
                } catch {
                    notify('The browser forbids to keep the copy', 'bad');
                }
            },
            paste: copied() ? () => void added('Add copied panel', (now) => { const json = copied(); return json ? pastePanel(now, json) : undefined; }) : undefined,
            place: (places, label) => change(label, (now) => placePanels(now, places)),
            fold: (id) => change('Fold row', (now) => toggleRow(now, id)),
            setPanel: (id, label, edit, key) => change(label, (now) => { const panel = panelJson(now, id); return panel ? updatePanel(now, id, edit(panel)) : now; }, key),
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
    }, [draft, fresh, begin, change, client, uid, navigate, edits]);
}
