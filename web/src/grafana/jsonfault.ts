/* jsonfault: where a text stops being JSON, and what would be right there: browsers tell that in as many ways as there are versions. */
import { DEPTH_MAX, isTooDeep } from './bounds';
import { isRecord, type Json } from './json';

export interface JsonFault {
    /* Offset in the text. */
    at: number;
    message: string;
}

export type ParsedJson = { json: Json; fault?: undefined } | { json?: undefined; fault: JsonFault };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACE = /[ \t\n\r]*/y;

/* Thrown at the first fault. */
class Fault extends Error {
    readonly at: number;

    constructor(at: number, message: string) {
        super(message);
        this.at = at;
    }
}

/* Reader walks through the text and keeps nothing of it. */
class Reader {
    private at = 0;
    private readonly text: string;

    constructor(text: string) {
        this.text = text;
    }

    document(): void {
        this.value(0, 'a value is wanted');
        this.space();
        if (this.at < this.text.length) {
            throw new Fault(this.at, 'the JSON ends before this');
        }
    }

    private match(pattern: RegExp): string {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text)?.[0] ?? '';
        this.at += found.length;
        return found;
    }

    private space(): void {
        this.match(SPACE);
    }

    private take(character: string): boolean {
        const isThere = this.text[this.at] === character;
        this.at += isThere ? 1 : 0;
        return isThere;
    }

    private value(depth: number, wanted: string): void {
        this.space();
        const start = this.at;
        if (depth > DEPTH_MAX) {
            throw new Fault(start, `nested more than ${DEPTH_MAX} deep`);
        }
        if (this.take('{')) {
            this.members(depth);
        } else if (this.take('[')) {
            this.items(depth);
        } else if (this.text[start] === '"') {
            this.string();
        } else if (this.match(NUMBER) === '') {
            this.word(start, wanted);
        }
    }

    private word(start: number, wanted: string): void {
        const word = this.match(WORD);
        if (!['true', 'false', 'null'].includes(word)) {
            throw new Fault(start, word === '' ? wanted : `“${word.slice(0, 40)}” is no value: a text stands in double quotes`);
        }
    }

    private string(): void {
        const start = this.at++;
        while (this.text[this.at] !== '"') {
            const code = this.text.charCodeAt(this.at);
            if (Number.isNaN(code)) {
                throw new Fault(start, 'this text has no end: a " is wanted');
            }
            if (code < 0x20) {
                throw new Fault(this.at, code === 10 || code === 13 ? 'a text ends on its line: a " is wanted, or \\n' : 'a control character stands as \\u00.. in a text');
            }
            if (code !== 0x5c) {
                this.at++;
            } else if (this.match(ESCAPE) === '') {
                throw new Fault(this.at, 'no such escape: \\\\ is a backslash');
            }
        }
        this.at++;
    }

    private items(depth: number): void {
        this.space();
        if (this.take(']')) {
            return;
        }
        do {
            this.value(depth + 1, 'a value is wanted');
            this.space();
        } while (this.take(','));
        if (!this.take(']')) {
            throw new Fault(this.at, 'a comma or ] is wanted');
        }
    }

    private members(depth: number): void {
        this.space();
        if (this.take('}')) {
            return;
        }
        do {
            this.space();
            if (this.text[this.at] !== '"') {
                throw new Fault(this.at, this.text[this.at] === '}' ? 'no comma stands before a }' : 'a name in double quotes is wanted');
            }
            this.string();
            this.space();
            if (!this.take(':')) {
                throw new Fault(this.at, 'a colon is wanted after the name');
            }
            this.value(depth + 1, 'a value is wanted');
            this.space();
        } while (this.take(','));
        if (!this.take('}')) {
            throw new Fault(this.at, 'a comma or } is wanted');
        }
    }
}

/** jsonFault gives the first fault of a text; undefined when it is JSON. */
export function jsonFault(text: string): JsonFault | undefined {
    try {
        new Reader(text).document();
        return undefined;
    } catch (error) {
        if (error instanceof Fault) {
            return { at: error.at, message: error.message };
        }
        throw error;
    }
}

/** parseRecord reads a JSON object. */
export function parseRecord(text: string, what: string): ParsedJson {
    try {
        const value: unknown = JSON.parse(text);
        if (isTooDeep(value)) {
            return { fault: jsonFault(text) ?? { at: 0, message: `nested more than ${DEPTH_MAX} deep` } };
        }
        return isRecord(value) ? { json: value } : { fault: { at: 0, message: `${what} a JSON object` } };
    } catch (error) {
        return { fault: jsonFault(text) ?? { at: 0, message: error instanceof Error ? error.message : String(error) } };
    }
}

/** faultText is "line 3, column 7: a comma or } is wanted". */
export function faultText(text: string, fault: JsonFault): string {
    const before = text.slice(0, fault.at).split('\n');
    return `line ${before.length}, column ${before[before.length - 1]!.length + 1}: ${fault.message}`;
}
