import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { asRecord, asRecords, clone, isSame, type Json } from '../json';
import { arrange } from '../layout';
import { migrateDashboard, migratePanel } from '../migrate';
import { allPanels, readDashboard, type GridPos, type PanelModel } from '../model';
import { addPanel, addRow, duplicatePanel, gridPlaces, panelJson, pastePanel, patchPanel, placePanels, readDraft, removePanel, rowPanels, toggleRow, updatePanel } from './panels';
import { setIn } from './patch';

const FOLDERS = ['../tests/web/boards', '../tests/web/dashboards', '../../shared/conformance/dashboards'];
const boards: [string, Json][] = FOLDERS.flatMap((folder) => {
    const at = path.resolve(folder);
    try {
        return readdirSync(at).filter((name) => name.endsWith('.json') && name !== 'manifest.json').map((name): [string, Json] => [name, JSON.parse(readFileSync(path.join(at, name), 'utf8')) as Json]);
    } catch {
        return [];
    }
});
const text = (value: unknown): string => JSON.stringify(value);

/* Of a large dashboard some panels are enough. */
function sample(panels: PanelModel[]): PanelModel[] {
    return panels.filter((_, i) => panels.length < 30 || i % 40 === 0);
}

/* The lines that differ. */
function changed(before: Json, after: Json): string[] {
    const a = JSON.stringify(before, null, 1).split('\n');
    const b = new Set(JSON.stringify(after, null, 1).split('\n'));
    return a.filter((line) => !b.has(line));
}

describe('every dashboard of the corpus', () => {
    it('is there', () => expect(boards.length).toBeGreaterThan(20));

    it.each(boards)('%s: is read in edit mode as when it is shown', (_, board) => {
        const shown = readDashboard(migrateDashboard(board));
        const draft = readDraft(board);
        expect(text(allPanels(draft.panels).map((p) => [p.id, p.type, p.title, p.options, p.fieldConfig, p.gridPos, p.targets]))).toBe(text(allPanels(shown.panels).map((p) => [p.id, p.type, p.title, p.options, p.fieldConfig, p.gridPos, p.targets])));
        expect(text(draft.variables)).toBe(text(shown.variables));
    });

    it.each(boards)('%s: a panel that is opened and not changed changes nothing', (_, board) => {
        for (const panel of sample(allPanels(readDraft(board).panels))) {
            expect(updatePanel(board, panel.id, panelJson(board, panel.id)!)).toBe(board);
        }
    });

    it.each(boards)('%s: a new title of a panel is one line of the file', (_, board) => {
        if (board.rows !== undefined) {
            return;
        }
        for (const panel of sample(allPanels(readDraft(board).panels))) {
            const after = updatePanel(board, panel.id, { ...panelJson(board, panel.id)!, title: 'Quite another title' });
            const lines = changed(board, after);
            expect(lines.length, text(lines)).toBeLessThanOrEqual(1);
            expect(lines.every((line) => line.includes('"title"')), text(lines)).toBe(true);
            expect(panelJson(after, panel.id)!.title).toBe('Quite another title');
        }
    });

    it.each(boards)('%s: a new unit is what is shown afterwards, and the rest of the dashboard is as it was', (_, board) => {
        for (const panel of sample(allPanels(readDraft(board).panels).filter((p) => p.type !== 'row'))) {
            const edited = setIn(panelJson(board, panel.id)!, ['fieldConfig', 'defaults', 'unit'], 'furlongs');
            const after = updatePanel(board, panel.id, edited);
            expect(isSame(panelJson(after, panel.id), edited)).toBe(true);
            expect(panelJson(after, panel.id)).toEqual(edited);
            const others = allPanels(readDraft(after).panels).filter((p) => p.id !== panel.id && p.type !== 'row');
            expect(text(others.map((p) => p.raw))).toBe(text(allPanels(readDraft(board).panels).filter((p) => p.id !== panel.id && p.type !== 'row').map((p) => p.raw)));
        }
    });

    it.each(boards)('%s: migration of a migrated panel changes nothing', (_, board) => {
        for (const panel of asRecords(migrateDashboard(board).panels)) {
            expect(migratePanel(clone(panel))).toEqual(panel);
        }
    });

    it.each(boards)('%s: rows fold and unfold, and all panels are there', (_, board) => {
        const ids = (b: Json): number[] => allPanels(readDraft(b).panels).map((p) => p.id).sort((a, b_) => a - b_);
        for (const row of readDraft(board).panels.filter((p) => p.type === 'row')) {
            const once = toggleRow(board, row.id);
            const twice = toggleRow(once, row.id);
            expect(ids(once)).toEqual(ids(board));
            expect(ids(twice)).toEqual(ids(board));
            const order = (b: Json): string => text(arrange(readDraft(b).panels, (r) => r.collapsed).map((p) => [p.panel.id, p.place]));
            expect(order(twice)).toBe(order(board));
        }
    });

    it.each(boards)('%s: a panel is added, doubled and removed', (_, board) => {
        const added = addPanel(board);
        expect(allPanels(readDraft(added.board).panels).length).toBe(allPanels(readDraft(board).panels).length + 1);
        expect(allPanels(readDraft(board).panels).some((p) => p.id === added.id)).toBe(false);
        const before = arrange(readDraft(board).panels, (r) => r.collapsed);
        const after = arrange(readDraft(added.board).panels, (r) => r.collapsed);
        expect(text(after.filter((p) => p.panel.id !== added.id).map((p) => [p.panel.id, p.place]))).toBe(text(before.map((p) => [p.panel.id, p.place])));
        const twin = duplicatePanel(added.board, added.id)!;
        expect(panelJson(twin.board, twin.id)!.title).toBe('New panel');
        const none = removePanel(removePanel(twin.board, twin.id), added.id);
        expect(allPanels(readDraft(none).panels).map((p) => p.id)).toEqual(allPanels(readDraft(board).panels).map((p) => p.id));
    });
});

describe('patchPanel', () => {
    it('writes an old graph in the newest form when its options change, and not before', () => {
        const graph: Json = { type: 'graph', id: 4, title: 'Old', fill: 3, own: [1], targets: [{ refId: 'A', expr: 'up' }], gridPos: { x: 0, y: 0, w: 6, h: 4 } };
        const fresh = migratePanel(clone(graph));
        expect(patchPanel(graph, { ...fresh, description: 'why' })).toEqual({ ...graph, description: 'why' });
        const patched = patchPanel(graph, setIn(fresh, ['options', 'legend', 'showLegend'], false));
        expect(patched.type).toBe('timeseries');
        expect(asRecord(asRecord(patched.options).legend).showLegend).toBe(false);
    });

    it('writes text of old text panels where the newest form has it', () => {
        const old: Json = { type: 'text', id: 1, mode: 'html', content: '<b>x</b>' };
        expect(patchPanel(old, setIn(migratePanel(clone(old)), ['options', 'content'], 'new'))).toMatchObject({ options: { content: 'new', mode: 'html' } });
    });
});

describe('places', () => {
    const panel = (id: number, x: number, y: number, w: number, h: number): Json => ({ id, type: 'stat', gridPos: { x, y, w, h, static: true } });
    const holes: Json = { title: 'holes', panels: [panel(1, 0, 0, 12, 4), panel(2, 0, 400, 12, 4), panel(3, 0, 900, 24, 4)] };

    it('the compacted picture without a move writes nothing', () => {
        const places = gridPlaces(readDraft(holes).panels);
        expect(placePanels(holes, new Map(readDraft(holes).panels.map((p, i) => [p.id, places[i]!])))).toBe(holes);
    });

    it('a panel that moves aside is the only one written, holes stay', () => {
        const after = placePanels(holes, new Map([[2, { x: 12, y: 0, w: 12, h: 4 }], [3, { x: 0, y: 4, w: 24, h: 4 }]]));
        const written = asRecords(after.panels).map((p) => text(p.gridPos));
        expect(written[0]).toBe(text({ x: 0, y: 0, w: 12, h: 4, static: true }));
        expect(written[1]).toBe(text({ x: 12, y: 0, w: 12, h: 4, static: true }));
        expect(readDraft(after).panels.map((p) => p.id)).toEqual([1, 2, 3]);
    });

    it('what is wanted is what is shown', () => {
        const wanted = new Map<number, GridPos>([[1, { x: 0, y: 4, w: 12, h: 4 }], [2, { x: 0, y: 0, w: 12, h: 4 }], [3, { x: 0, y: 8, w: 24, h: 4 }]]);
        const after = placePanels(holes, wanted);
        const places = gridPlaces(readDraft(after).panels);
        readDraft(after).panels.forEach((p, i) => expect(places[i]).toEqual(wanted.get(p.id)));
    });
});

describe('rows', () => {
    const one = (id: number, y: number): Json => ({ id, type: 'stat', title: `p${id}`, gridPos: { x: 0, y, w: 24, h: 3 }, own: id });
    const row = (id: number, y: number, collapsed: boolean, panels: Json[] = []): Json => ({ id, type: 'row', title: `r${id}`, collapsed, gridPos: { x: 0, y, w: 24, h: 1 }, panels });
    const board: Json = { panels: [one(1, 0), row(2, 3, false), one(3, 4), one(4, 7), row(5, 10, true, [one(6, 11), one(7, 14)]), row(8, 11, false), one(9, 12)] };

    it('know their panels', () => {
        expect([2, 5, 8, 1].map((id) => rowPanels(board, id))).toEqual([[3, 4], [6, 7], [9], []]);
    });

    it('take their panels in when they fold', () => {
        const after = toggleRow(board, 2);
        expect(asRecords(after.panels).map((p) => p.id)).toEqual([1, 2, 5, 8, 9]);
        expect(asRecords(asRecords(after.panels)[1]!.panels)).toEqual([one(3, 4), one(4, 7)]);
    });

    it('give them back below themselves, and what follows moves down', () => {
        const after = toggleRow(board, 5);
        expect(asRecords(after.panels).map((p) => [p.id, asRecord(p.gridPos).y])).toEqual([[1, 0], [2, 3], [3, 4], [4, 7], [5, 10], [6, 11], [7, 14], [8, 17], [9, 18]]);
    });

    it('go with their panels, or without', () => {
        expect(allPanels(readDraft(removePanel(board, 5)).panels).map((p) => p.id)).toEqual([1, 2, 3, 4, 8, 9]);
        expect(allPanels(readDraft(removePanel(board, 5, true)).panels).map((p) => p.id)).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
    });

    it('are added at the end', () => {
        const { board: after, id } = addRow(board);
        expect(readDraft(after).panels.at(-1)).toMatchObject({ id, type: 'row', gridPos: { y: 15, w: 24, h: 1 } });
    });
});

it('a new panel asks the data source that the others ask', () => {
    const board: Json = { panels: [{ id: 3, type: 'stat', datasource: { type: 'prometheus', uid: '${ds}' } }] };
    const { board: after, id } = addPanel(board);
    expect(asRecords(after.panels)[1]).toMatchObject({ id: 4, datasource: { uid: '${ds}' }, targets: [{ refId: 'A', datasource: { uid: '${ds}' } }] });
    expect(id).toBe(4);
    expect(addPanel({}).board.panels).toHaveLength(1);
});

it('rows of schema 15 become panels when one of them is edited', () => {
    const old: Json = { title: 'old', rows: [{ panels: [{ id: 1, type: 'graph', span: 6 }, { type: 'text', span: 6, content: 'x' }] }], tags: [] };
    const after = updatePanel(old, 1, { ...panelJson(old, 1)!, title: 'new' });
    expect(Object.keys(after)).toEqual(['title', 'panels', 'tags']);
    expect(asRecords(after.panels)[0]).toMatchObject({ id: 1, title: 'new', type: 'graph', gridPos: { x: 0, w: 12 } });
});

it('a copied panel is another one where it is put in', () => {
    const board: Json = { panels: [{ id: 7, type: 'stat', gridPos: { x: 0, y: 0, w: 6, h: 4 } }] };
    const { board: after, id } = pastePanel(board, { id: 7, type: 'gauge', own: 1, gridPos: { x: 3, y: 90, w: 8, h: 4 } });
    expect(id).toBe(8);
    expect(asRecords(after.panels)).toEqual([asRecords(board.panels)[0], { id: 8, type: 'gauge', own: 1, gridPos: { x: 6, y: 0, w: 8, h: 4 } }]);
});

it('copies of repeated panels are not shown, and stay in the file', () => {
    const board: Json = { panels: [{ id: 1, type: 'stat', repeat: 'host', title: 'a' }, { id: 2, type: 'stat', repeatPanelId: 1, repeatIteration: 5 }, { id: 3, type: 'row', panels: [{ id: 4, type: 'stat' }, { id: 5, type: 'stat', repeatPanelId: 4 }] }] };
    expect(allPanels(readDraft(board).panels).map((p) => p.id)).toEqual([1, 3, 4]);
    const after = updatePanel(board, 1, { ...panelJson(board, 1)!, title: 'b' });
    expect(asRecords(after.panels).map((p) => p.id)).toEqual([1, 2, 3]);
    expect(asRecords(after.panels)[1]).toBe(asRecords(board.panels)[1]);
});
