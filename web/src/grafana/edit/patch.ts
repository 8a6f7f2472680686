/*
 * patch: an edit is made on a copy in the newest form and carried over to the JSON as its file has it: what the edit did
 * not touch keeps its value, its place and its old form; members that nobody here knows stay.
 */
import { isRecord, isSame, type Json } from '../json';

export type Path = readonly (string | number)[];

export function getIn(value: unknown, path: Path): unknown {
    let at = value;
    for (const key of path) {
        at = Array.isArray(at) ? at[key as number] : isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }
    return at;
}

/** setMember gives the record with one member set, in its place or as the last; undefined takes it away. */
export function setMember(json: Json, key: string, value: unknown): Json {
    const entries = Object.entries(json);
    const at = entries.findIndex(([name]) => name === key);
    if (value === undefined) {
        return at < 0 ? json : Object.fromEntries(entries.filter((_, i) => i !== at));
    }
    if (at >= 0 && entries[at]![1] === value) {
        return json;
    }
    /* fromEntries makes own members even of a name like __proto__. */
    return Object.fromEntries(at < 0 ? [...entries, [key, value]] : entries.map((entry, i) => (i === at ? [key, value] : entry)));
}

function setAny(value: unknown, path: Path, wanted: unknown): unknown {
    if (path.length === 0) {
        return wanted;
    }
    const [key, ...rest] = path;
    if (Array.isArray(value) && typeof key === 'number') {
        return value.map((v: unknown, i) => (i === key ? setAny(v, rest, wanted) : v));
    }
    const json = isRecord(value) ? value : {};
    const next = setAny(Object.hasOwn(json, String(key)) ? json[String(key)] : undefined, rest, wanted);
    /* To take away what is not there makes no records on the way. */
    return wanted === undefined && !isRecord(value) ? value : setMember(json, String(key), next);
}

/** setIn gives the record with the value at a path, records on the way made; undefined takes the member away. */
export function setIn<T extends Json>(json: T, path: Path, value: unknown): T {
    return setAny(json, path, value) as T;
}

/* By these members an entry of a list is known again when it has changed. */
const NAMES = ['refId', 'id', 'name', 'matcher'];

function isAlike(a: unknown, b: unknown): boolean {
    return isRecord(a) && isRecord(b) && NAMES.some((name) => a[name] !== undefined && isSame(a[name], b[name]));
}

/* Longer lists are compared place by place: to look for what has moved takes the square of their length. */
const MOVED_MAX = 1000;

/* Which entry of the base each edited entry was; -1 for new ones. */
function origins(base: readonly unknown[], edited: readonly unknown[]): number[] {
    if (edited.length > MOVED_MAX || base.length > MOVED_MAX) {
        return edited.map((_, i) => (i < base.length ? i : -1));
    }
    const free = new Set(base.keys());
    const result = edited.map(() => -1);
    const claim = (test: (i: number, j: number) => boolean): void => {
        edited.forEach((_, i) => {
            const found = result[i]! < 0 ? [...free].find((j) => test(i, j)) : undefined;
            if (found !== undefined) {
                result[i] = found;
                free.delete(found);
            }
        });
    };
    claim((i, j) => i === j && isSame(base[j], edited[i]));
    claim((i, j) => isSame(base[j], edited[i]));
    claim((i, j) => isAlike(base[j], edited[i]));
    claim((i, j) => i === j && base.length === edited.length);
    return result;
}

function patchList(raw: readonly unknown[], base: readonly unknown[], edited: readonly unknown[]): unknown {
    if (raw.length !== base.length) {
        return edited;
    }
    return origins(base, edited).map((from, i) => (from < 0 ? edited[i] : patchJson(raw[from], base[from], edited[i])));
}

function patchRecord(raw: Json, base: Json, edited: Json): Json {
    const kept = Object.keys(raw).flatMap((key): [string, unknown][] => {
        const inBase = Object.hasOwn(base, key);
        const inEdited = Object.hasOwn(edited, key);
        if (inEdited) {
            return [[key, inBase ? patchJson(raw[key], base[key], edited[key]) : edited[key]]];
        }
        return inBase ? [] : [[key, raw[key]]];
    });
    const added = Object.keys(edited).filter((key) => !Object.hasOwn(raw, key) && !(Object.hasOwn(base, key) && isSame(base[key], edited[key])));
    return Object.fromEntries([...kept, ...added.map((key): [string, unknown] => [key, edited[key]])]);
}

/** patchJson gives `raw` with what differs between `base` (raw in its newest form) and `edited`. */
export function patchJson(raw: unknown, base: unknown, edited: unknown): unknown {
    if (base === edited || isSame(base, edited)) {
        return raw;
    }
    if (isRecord(raw) && isRecord(base) && isRecord(edited)) {
        return patchRecord(raw, base, edited);
    }
    return Array.isArray(raw) && Array.isArray(base) && Array.isArray(edited) ? patchList(raw, base, edited) : edited;
}

/** orderedLike gives the record with its members in the order that another one has them; new ones come last. */
export function orderedLike(json: Json, like: Json): Json {
    const known = Object.keys(like).filter((key) => Object.hasOwn(json, key));
    const rest = Object.keys(json).filter((key) => !Object.hasOwn(like, key));
    return Object.fromEntries([...known, ...rest].map((key) => [key, json[key]]));
}
