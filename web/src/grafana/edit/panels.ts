/*
 * panels: changes of a dashboard's list of panels, on its JSON as the file has it. Each takes a dashboard and gives
 * another; what is not changed is the same object as before.
 */
import { boundedPanel, PANELS_MAX } from '../bounds';
import { asNumber, asRecord, asRecords, clone, isRecord, isSame, type Json } from '../json';
import { compact, COLUMNS } from '../layout';
import { flattenRows, isClone, migrateDashboard, migratePanel, withIds } from '../migrate';
import { readDashboard, readGridPos, readPanel, type DashboardModel, type GridPos, type PanelModel } from '../model';
import { orderedLike, patchJson, setIn, setMember, type Path } from './patch';
import { freePlace } from './place';

const NEW_PANEL = { w: 12, h: 8 };

/* The rows[] of schema 15 and before become panels; with numbers for all that have none. */
function structured(board: Json): Json {
    if (asRecords(board.panels).length > 0 || board.rows === undefined) {
        return board;
    }
    const panels = withIds(flattenRows(board));
    return Object.fromEntries(Object.entries({ ...board }).flatMap(([key, value]): [string, unknown][] => (key === 'rows' ? [['panels', panels]] : key === 'panels' ? [] : [[key, value]])));
}

/* Every panel has a number of its own afterwards: before one is added. */
function numbered(board: Json): Json {
    const json = structured(board);
    const panels = asRecords(json.panels);
    const fixed = withIds(panels);
    return isSame(panels, fixed) ? json : setMember(json, 'panels', fixed);
}

interface Found {
    path: Path;
    panel: Json;
    /* The list that it is in. */
    list: Path;
}

function walk(board: Json): Found[] {
    const panels = Array.isArray(board.panels) ? (board.panels as unknown[]) : [];
    const ids = withIds(panels.filter(isRecord));
    let at = 0;
    return panels.flatMap((panel, i): Found[] => {
        if (!isRecord(panel)) {
            return [];
        }
        const known = ids[at++]!;
        const inner = Array.isArray(panel.panels) ? (panel.panels as unknown[]) : [];
        const innerIds = asRecords(known.panels);
        let below = 0;
        return [
            { path: ['panels', i], list: ['panels'], panel: { ...panel, id: known.id } },
            ...inner.flatMap((one, k): Found[] => (isRecord(one) ? [{ path: ['panels', i, 'panels', k], list: ['panels', i, 'panels'], panel: { ...one, id: innerIds[below++]!.id } }] : [])),
        ];
    });
}

function find(board: Json, id: number): Found | undefined {
    return walk(board).find((f) => f.panel.id === id);
}

function listAt(board: Json, path: Path): unknown[] {
    let at: unknown = board;
    for (const key of path) {
        at = Array.isArray(at) ? at[key as number] : asRecord(at)[String(key)];
    }
    return Array.isArray(at) ? at : [];
}

function nextId(board: Json): number {
    return 1 + walk(board).reduce((most, f) => Math.max(most, asNumber(f.panel.id) ?? 0), 0);
}

function topPlaces(board: Json): { id: number; place: GridPos }[] {
    return asRecords(withIds(asRecords(board.panels))).map((p) => ({ id: asNumber(p.id)!, place: readPanel(p).gridPos }));
}

// ---- reading ----

const panelModels = new WeakMap<Json, PanelModel>();

function modelOf(panel: Json): PanelModel {
    let model = panelModels.get(panel);
    if (!model) {
        model = readPanel(migratePanel(boundedPanel(panel)));
        panelModels.set(panel, model);
    }
    return model;
}

/** readDraft reads a dashboard like readDashboard(migrateDashboard()); panels that have not changed are the same objects. */
export function readDraft(draft: Json): DashboardModel {
    const board = structured(draft);
    const shell = readDashboard(migrateDashboard({ ...board, panels: [] }));
    let left = PANELS_MAX;
    const panels = withIds(asRecords(board.panels)).filter((p) => !isClone(p)).flatMap((p) => {
        if (left === 0) {
            return [];
        }
        left--;
        const inner = asRecords(p.panels).filter((one) => !isClone(one)).slice(0, left);
        left -= inner.length;
        return asRecords(p.panels).length === 0 ? modelOf(p) : { ...readPanel(migratePanel({ ...p, panels: [] })), panels: inner.map(modelOf), raw: p };
    });
    return { ...shell, panels };
}

/** panelJson is one panel in the newest form, for its editor. */
export function panelJson(board: Json, id: number): Json | undefined {
    const found = find(structured(board), id);
    return found && migratePanel(clone(found.panel));
}

// ---- one panel ----

/** patchPanel carries an edited panel over to the one of the file; one of an old type is written in the newest form. */
export function patchPanel(raw: Json, edited: Json): Json {
    const base = migratePanel(clone(raw));
    const patched = asRecord(patchJson(raw, base, edited));
    return isSame(migratePanel(clone(patched)), edited) ? patched : orderedLike(edited, raw);
}

/** updatePanel writes an edited panel (of panelJson) back. */
export function updatePanel(draft: Json, id: number, edited: Json): Json {
    const board = structured(draft);
    const found = find(board, id);
    if (!found) {
        return draft;
    }
    const { path } = found;
    const patched = patchPanel(found.panel, edited);
    const before = listAt(board, path.slice(0, -1))[path[path.length - 1] as number] as Json;
    /* A number that the file does not have is not written for this. */
    const result = before.id === undefined && patched.id === found.panel.id ? setMember(patched, 'id', undefined) : patched;
    return isSame(before, result) ? draft : setIn(board, path, result);
}

// ---- the list ----

export interface Added {
    board: Json;
    id: number;
}

/* Other panels say which data source: a new one asks the same. */
function usualSource(board: Json): Json {
    const source = walk(board).map((f) => f.panel.datasource).find((s) => isRecord(s) || typeof s === 'string');
    return source === undefined || source === '-- Mixed --' ? {} : { datasource: source };
}

/* In a file with holes what is free in the picture is not free in the file: it goes below everything there. */
function newPlace(board: Json, size: { w: number; h: number }): GridPos {
    const places = topPlaces(board).map((p) => p.place);
    const seen = compact(places);
    const bottom = places.reduce((most, p) => Math.max(most, p.y + p.h), 0);
    return places.every((p, i) => p.y === seen[i]!.y) ? freePlace(places, size) : { x: 0, y: bottom, ...size };
}

export function addPanel(draft: Json, type = 'timeseries'): Added {
    const board = numbered(draft);
    const id = nextId(board);
    const query = ['text', 'alertlist', 'dashlist'].includes(type) ? {} : { targets: [{ refId: 'A', expr: '', range: true, ...asRecord(usualSource(board)) }] };
    const panel: Json = { id, type, title: 'New panel', ...usualSource(board), gridPos: newPlace(board, NEW_PANEL), ...query, fieldConfig: { defaults: {}, overrides: [] }, options: {} };
    return { board: setMember(board, 'panels', [...listAt(board, ['panels']), panel]), id };
}

export function addRow(draft: Json): Added {
    const board = numbered(draft);
    const id = nextId(board);
    const bottom = topPlaces(board).reduce((most, p) => Math.max(most, p.place.y + p.place.h), 0);
    const row: Json = { id, type: 'row', title: 'New row', collapsed: false, gridPos: { x: 0, y: bottom, w: COLUMNS, h: 1 }, panels: [] };
    return { board: setMember(board, 'panels', [...listAt(board, ['panels']), row]), id };
}

/** duplicatePanel puts a copy beside the panel, or below it where there is no room; what stands there makes way. */
export function duplicatePanel(draft: Json, id: number): Added | undefined {
    const board = numbered(draft);
    const found = find(board, id);
    if (!found || found.panel.type === 'row') {
        return undefined;
    }
    const place = readGridPos(found.panel.gridPos);
    const beside = place.x + 2 * place.w <= COLUMNS;
    const next = nextId(board);
    const copy = { ...clone(found.panel), id: next, gridPos: { ...asRecord(found.panel.gridPos), ...place, ...(beside ? { x: place.x + place.w } : { y: place.y + place.h }) } };
    const at = found.path[found.path.length - 1] as number;
    const list = listAt(board, found.list);
    return { board: setIn(board, found.list, [...list.slice(0, at + 1), copy, ...list.slice(at + 1)]), id: next };
}

/** removePanel takes a panel away; a folded row's panels go with it unless they are to stay, where it was. */
export function removePanel(draft: Json, id: number, keepsInner = false): Json {
    const opened = keepsInner && find(structured(draft), id)?.panel.collapsed === true ? toggleRow(draft, id) : structured(draft);
    const found = find(opened, id);
    if (!found) {
        return draft;
    }
    const at = found.path[found.path.length - 1] as number;
    return setIn(opened, found.list, listAt(opened, found.list).filter((_, i) => i !== at));
}

/** rowPanels lists what belongs to a row: what is in it, or what stands between it and the next one. */
export function rowPanels(draft: Json, id: number): number[] {
    const board = structured(draft);
    const row = find(board, id);
    if (!row || row.panel.type !== 'row') {
        return [];
    }
    const inner = asRecords(row.panel.panels);
    if (inner.length > 0) {
        return walk(board).filter((f) => f.list.length > 1 && f.path[1] === row.path[1]).map((f) => asNumber(f.panel.id)!);
    }
    const tops = walk(board).filter((f) => f.list.length === 1).map((f) => ({ id: asNumber(f.panel.id)!, isRow: f.panel.type === 'row', place: readGridPos(f.panel.gridPos) }));
    tops.sort((a, b) => a.place.y - b.place.y || a.place.x - b.place.x);
    const begin = tops.findIndex((t) => t.id === id);
    const after = tops.slice(begin + 1);
    const end = after.findIndex((t) => t.isRow);
    return (end < 0 ? after : after.slice(0, end)).map((t) => t.id);
}

function shifted(panel: unknown, by: number): unknown {
    return isRecord(panel) ? setMember(panel, 'gridPos', { ...asRecord(panel.gridPos), y: (asNumber(asRecord(panel.gridPos).y) ?? 0) + by }) : panel;
}

function opened(board: Json, row: Found): Json {
    const at = row.path[1] as number;
    const inner = listAt(board, [...row.path, 'panels']);
    const places = inner.filter(isRecord).map((p) => readGridPos(p.gridPos));
    const least = places.reduce((low, p) => Math.min(low, p.y), Infinity);
    const height = places.length === 0 ? 0 : places.reduce((most, p) => Math.max(most, p.y + p.h), 0) - least;
    const rowY = readGridPos(row.panel.gridPos).y;
    const list = listAt(board, ['panels']).flatMap((panel, i): unknown[] => {
        if (i === at) {
            return [{ ...asRecord(panel), collapsed: false, panels: [] }, ...inner.map((p) => shifted(p, rowY + 1 - least))];
        }
        return [height > 0 && isRecord(panel) && readGridPos(panel.gridPos).y > rowY ? shifted(panel, height) : panel];
    });
    return setMember(board, 'panels', list);
}

function folded(board: Json, row: Found): Json {
    const ids = new Set(rowPanels(board, asNumber(row.panel.id)!));
    const at = row.path[1] as number;
    const inside = walk(board).filter((f) => f.list.length === 1 && ids.has(asNumber(f.panel.id)!));
    const taken = new Set(inside.map((f) => f.path[1]));
    const list = listAt(board, ['panels']).flatMap((panel, i): unknown[] => {
        return i === at ? [{ ...asRecord(panel), collapsed: true, panels: inside.map((f) => f.panel) }] : taken.has(i) ? [] : [panel];
    });
    return setMember(board, 'panels', list);
}

/** toggleRow folds a row's panels into it, or puts them below it, as Grafana's files have them. */
export function toggleRow(draft: Json, id: number): Json {
    const board = structured(draft);
    const row = find(board, id);
    if (!row || row.panel.type !== 'row') {
        return draft;
    }
    return asRecords(row.panel.panels).length > 0 || row.panel.collapsed === true ? opened(board, row) : folded(board, row);
}

// ---- places ----

/** gridPlaces gives the panels of the outermost list with their places after compaction. */
export function gridPlaces(panels: readonly PanelModel[]): GridPos[] {
    return compact(panels.map((p) => p.gridPos));
}

/**
 * placePanels writes new places. Where writing those alone that moved gives the picture that is wanted, the others keep
 * what the file says (holes and all); else all are written.
 */
export function placePanels(draft: Json, wanted: ReadonlyMap<number, GridPos>): Json {
    const board = structured(draft);
    const now = topPlaces(board);
    const seen = compact(now.map((p) => p.place));
    const target = now.map((p, i) => wanted.get(p.id) ?? seen[i]!);
    const isMoved = target.map((t, i) => !isSame(t, seen[i]));
    if (!isMoved.includes(true)) {
        return draft;
    }
    const few = now.map((p, i) => (isMoved[i] ? target[i]! : p.place));
    const written = isSame(compact(few), target) ? isMoved : target.map((t, i) => !isSame(t, now[i]!.place));
    let index = 0;
    const list = listAt(board, ['panels']).map((panel) => {
        if (!isRecord(panel)) {
            return panel;
        }
        const i = index++;
        return written[i] ? setMember(panel, 'gridPos', { ...asRecord(panel.gridPos), ...target[i]! }) : panel;
    });
    return setMember(board, 'panels', list);
}

/** pastePanel adds a panel that was copied, here or in another dashboard. */
export function pastePanel(draft: Json, copied: Json): Added {
    const board = numbered(draft);
    const id = nextId(board);
    const { w, h } = readGridPos(copied.gridPos);
    const panel = { ...clone(copied), id, gridPos: newPlace(board, { w, h }) };
    return { board: setMember(board, 'panels', [...listAt(board, ['panels']), panel]), id };
}
