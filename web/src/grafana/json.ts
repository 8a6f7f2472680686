/* Careful reading of JSON of unknown shape: a member of the wrong type counts as absent. */

export type Json = Record<string, unknown>;

export function isRecord(value: unknown): value is Json {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asRecord(value: unknown): Json {
    return isRecord(value) ? value : {};
}

export function asArray(value: unknown): unknown[] {
    return Array.isArray(value) ? value : [];
}

export function asRecords(value: unknown): Json[] {
    return asArray(value).filter(isRecord);
}

export function asText(value: unknown): string | undefined {
    return typeof value === 'string' ? value : undefined;
}

/** asNumber takes numbers, and texts that are one, as old dashboards have them. */
export function asNumber(value: unknown): number | undefined {
    if (typeof value === 'number') {
        return Number.isFinite(value) ? value : undefined;
    }
    if (typeof value === 'string' && value.trim() !== '') {
        const n = Number(value);
        return Number.isFinite(n) ? n : undefined;
    }
    return undefined;
}

export function asTexts(value: unknown): string[] {
    return asArray(value).filter((v): v is string => typeof v === 'string');
}

/** own gives a table's entry of that name, not what every object has: names come from outside, and one may be "constructor". */
export function own<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
    return table && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** without gives the record less some members. */
export function without(json: Json, keys: readonly string[]): Json {
    return Object.fromEntries(Object.entries(json).filter(([key]) => !keys.includes(key)));
}

/** clone copies plain JSON. */
export function clone<T>(value: T): T {
    return structuredClone(value);
}

/** isSame tells whether two JSON values are equal, members in any order. */
export function isSame(a: unknown, b: unknown): boolean {
    if (Object.is(a, b)) {
        return true;
    }
    if (Array.isArray(a) || Array.isArray(b)) {
        return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => isSame(v, b[i]));
    }
    if (!isRecord(a) || !isRecord(b)) {
        return false;
    }
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && isSame(a[k], b[k]));
}
