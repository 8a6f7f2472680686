/* board: changes of what a dashboard has beside its panels: variables, annotations and links, on its JSON as the file has it. */
import { asRecord, clone, isRecord, isSame, type Json } from '../json';
import { migrateVariable } from '../migrate/core';
import { variableNames } from '../interpolate';
import { getIn, orderedLike, patchJson, setIn, setMember, type Path } from './patch';

export const VARIABLES: Path = ['templating', 'list'];

function listAt(board: Json, path: Path): unknown[] {
    let at: unknown = board;
    for (const key of path) {
        at = asRecord(at)[String(key)];
    }
    return Array.isArray(at) ? at : [];
}

export interface VariableEntry {
    /* Its place in the file's list. */
    index: number;
    /* In the newest form. */
    json: Json;
}

export function variableEntries(board: Json): VariableEntry[] {
    return listAt(board, VARIABLES).flatMap((json, index) => (isRecord(json) ? [{ index, json: migrateVariable(clone(json)) }] : []));
}

/** updateVariable carries an edited variable over to the one of the file. */
export function updateVariable(board: Json, index: number, edited: Json): Json {
    const raw = listAt(board, VARIABLES)[index];
    if (!isRecord(raw)) {
        return board;
    }
    const patched = asRecord(patchJson(raw, migrateVariable(clone(raw)), edited));
    const result = isSame(migrateVariable(clone(patched)), edited) ? patched : orderedLike(edited, raw);
    return isSame(raw, result) ? board : setIn(board, [...VARIABLES, index], result);
}

export type VariableType = 'query' | 'custom' | 'interval' | 'datasource' | 'textbox' | 'constant' | 'adhoc';

/* What is right for one type alone; the rest stays when the type changes. */
const OWN_MEMBERS = ['query', 'definition', 'regex', 'sort', 'refresh', 'options', 'current', 'auto', 'auto_count', 'auto_min', 'multi', 'includeAll', 'allValue', 'filters', 'datasource', 'qryType'];

const STARTS: Readonly<Record<VariableType, Json>> = {
    query: { definition: '', query: { query: '', refId: 'PrometheusVariableQueryEditor-VariableQuery' }, regex: '', sort: 1, refresh: 1, multi: false, includeAll: false, options: [], current: {} },
    custom: { query: '', multi: false, includeAll: false, options: [], current: {} },
    interval: { query: '1m,10m,30m,1h,6h,12h,1d', auto: false, auto_count: 30, auto_min: '10s', refresh: 2, options: [], current: { text: '1m', value: '1m' } },
    datasource: { query: 'prometheus', regex: '', refresh: 1, multi: false, includeAll: false, options: [], current: {} },
    textbox: { query: '', options: [], current: {} },
    constant: { query: '', hide: 2, options: [], current: {} },
    adhoc: { filters: [] },
};

/** withVariableType gives the variable as another type, with what such a one needs. */
export function withVariableType(json: Json, type: VariableType): Json {
    const kept = Object.fromEntries(Object.entries(json).filter(([key]) => !OWN_MEMBERS.includes(key)));
    return { ...kept, type, ...STARTS[type], ...(type === 'constant' ? {} : { hide: json.type === 'constant' ? 0 : (json.hide ?? 0) }) };
}

export function addVariable(board: Json, type: VariableType = 'query'): { board: Json; index: number } {
    const list = listAt(board, VARIABLES);
    const names = new Set(list.filter(isRecord).map((v) => v.name));
    let n = list.length;
    while (names.has(`query${n}`)) {
        n++;
    }
    return { board: setIn(board, VARIABLES, [...list, withVariableType({ name: `query${n}`, label: '', hide: 0, skipUrlSync: false }, type)]), index: list.length };
}

/** duplicateIn puts a copy of a named entry behind it, with a name that no other has. */
export function duplicateIn(board: Json, path: Path, index: number): Json {
    const list = listAt(board, path);
    const json = list[index];
    const names = new Set(list.filter(isRecord).map((v) => v.name));
    if (!isRecord(json)) {
        return board;
    }
    let name = `copy_of_${String(json.name)}`;
    while (names.has(name)) {
        name = `copy_of_${name}`;
    }
    return setIn(board, path, [...list.slice(0, index + 1), { ...clone(json), name }, ...list.slice(index + 1)]);
}

/** moveIn swaps an entry of a list of the dashboard with its neighbour. */
export function moveIn(board: Json, path: Path, index: number, by: -1 | 1): Json {
    const list = [...listAt(board, path)];
    const other = list[index + by];
    if (other === undefined) {
        return board;
    }
    list[index + by] = list[index];
    list[index] = other;
    return setIn(board, path, list);
}

export function removeIn(board: Json, path: Path, index: number): Json {
    return setIn(board, path, listAt(board, path).filter((_, i) => i !== index));
}

export function addIn(board: Json, path: Path, json: Json): Json {
    return setIn(board, path, [...listAt(board, path), json]);
}

/** queryText is what a query variable asks, which files have as a text or in a record. */
export function queryText(json: Json): string {
    const { query } = json;
    return typeof query === 'string' ? query : String(asRecord(query).query ?? '');
}

export function withQueryText(json: Json, text: string): Json {
    const asked = isRecord(json.query) ? setMember(json, 'query', { ...json.query, query: text }) : setMember(json, 'query', text);
    return json.definition !== undefined ? setMember(asked, 'definition', text) : asked;
}

/** nameFault says why a variable cannot be called so; '' when it can. */
export function nameFault(board: Json, index: number, name: string): string {
    if (name === '') {
        return 'A name is needed.';
    }
    if (!/^\w+$/.test(name)) {
        return 'Letters, digits and _ alone.';
    }
    if (name.startsWith('__')) {
        return 'Names that begin with __ are taken.';
    }
    return listAt(board, VARIABLES).some((v, i) => i !== index && isRecord(v) && v.name === name) ? 'Another variable is called so.' : '';
}

/** usesOf counts the texts of the dashboard that mention a variable: of panels, other variables, links, annotations. */
export function usesOf(board: Json, name: string): number {
    let count = 0;
    const look = (value: unknown): void => {
        if (typeof value === 'string') {
            count += (value.includes('$') || value.includes('[[')) && variableNames(value).includes(name) ? 1 : 0;
        } else if (Array.isArray(value)) {
            value.forEach(look);
        } else if (isRecord(value)) {
            count += value.repeat === name ? 1 : 0;
            Object.values(value).forEach(look);
        }
    };
    look(board);
    return count;
}

// ---- annotations ----

export const ANNOTATIONS: Path = ['annotations', 'list'];

export interface AnnotationEntry {
    /* Its place in the file's list. */
    index: number;
    json: Json;
}

export function annotationEntries(board: Json): AnnotationEntry[] {
    return listAt(board, ANNOTATIONS).flatMap((json, index) => (isRecord(json) ? [{ index, json }] : []));
}

/** isBuiltInAnnotation tells Grafana's own: here it is the alerts that fired. */
export function isBuiltInAnnotation(json: Json): boolean {
    return json.builtIn === 1 || json.builtIn === true;
}

/* Files have the expression and its step in the annotation itself, or in its target. */
const IN_TARGET: Readonly<Record<string, readonly string[]>> = { expr: ['expr'], step: ['step', 'interval'] };

function annotationPath(json: Json, key: string): Path {
    const inTarget = (IN_TARGET[key] ?? []).find((name) => asRecord(json.target)[name] !== undefined);
    return json[key] === undefined && inTarget ? ['target', inTarget] : [key];
}

/** getAnnotation reads a member where the file has it. */
export function getAnnotation(json: Json, key: string): unknown {
    return getIn(json, annotationPath(json, key));
}

/** setAnnotation writes a member where the file has it; undefined takes it away. */
export function setAnnotation(json: Json, key: string, value: unknown): Json {
    return setIn(json, annotationPath(json, key), value);
}

export function updateAnnotation(board: Json, index: number, change: (json: Json) => Json): Json {
    const json = listAt(board, ANNOTATIONS)[index];
    return isRecord(json) ? setIn(board, [...ANNOTATIONS, index], change(json)) : board;
}

/* The data source that the dashboard's queries have, so that the file means the same elsewhere. */
function usualSource(board: Json): unknown {
    const sources = [...listAt(board, ['panels']), ...listAt(board, VARIABLES)].map((p) => asRecord(p).datasource);
    return sources.find((source) => asRecord(source).type === 'prometheus' || (typeof source === 'string' && source.startsWith('$')));
}

/** addAnnotation puts an annotation without a query at the end of the list. */
export function addAnnotation(board: Json): { board: Json; index: number } {
    const list = listAt(board, ANNOTATIONS);
    const names = new Set(list.filter(isRecord).map((a) => a.name));
    let name = 'New annotation';
    for (let n = 2; names.has(name); n++) {
        name = `New annotation ${n}`;
    }
    const source = usualSource(board);
    const json: Json = { ...(source !== undefined ? { datasource: source } : {}), enable: true, expr: '', iconColor: 'red', name, step: '60s', tagKeys: '', textFormat: '', titleFormat: '' };
    return { board: setIn(board, ANNOTATIONS, [...list, json]), index: list.length };
}

/** annotationNameFault says why an annotation cannot be called so; '' when it can: switches go by names. */
export function annotationNameFault(board: Json, index: number, name: string): string {
    if (name.trim() === '') {
        return 'A name is needed.';
    }
    return listAt(board, ANNOTATIONS).some((a, i) => i !== index && isRecord(a) && a.name === name) ? 'Another annotation is called so.' : '';
}
