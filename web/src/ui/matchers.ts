/* matchers: Alertmanager's matchers as people write them: a="b", a!=b, a=~"x|y", a!~"z". */
import type { AmMatcher } from '../api/alertmanager';
import { quoteLabel } from './format';

const OPS = { '=': { isEqual: true, isRegex: false }, '!=': { isEqual: false, isRegex: false }, '=~': { isEqual: true, isRegex: true }, '!~': { isEqual: false, isRegex: true } } as const;

function unquote(text: string): string | null {
    if (!text.startsWith('"')) {
        return /["{}]/.test(text) ? null : text;
    }
    if (text.length < 2 || !text.endsWith('"') || /\\$/.test(text.slice(0, -1).replace(/\\\\/g, ''))) {
        return null;
    }
    return text.slice(1, -1).replace(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
}

/* parseMatcher reads one matcher; null when it is none. */
export function parseMatcher(text: string): AmMatcher | null {
    const found = /^\s*("(?:[^"\\]|\\.)*"|[^=!~"{},\s]+)\s*(=~|!~|!=|=)\s*([\s\S]*?)\s*$/.exec(text);
    const name = found ? unquote(found[1]!) : null;
    const value = found ? unquote(found[3]!) : null;
    if (!found || name === null || name === '' || value === null) {
        return null;
    }
    return { name, value, ...OPS[found[2] as keyof typeof OPS] };
}

export function formatMatcher(matcher: AmMatcher): string {
    const op = matcher.isRegex ? (matcher.isEqual ? '=~' : '!~') : matcher.isEqual ? '=' : '!=';
    const name = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(matcher.name) ? matcher.name : quoteLabel(matcher.name);
    return `${name}${op}${quoteLabel(matcher.value)}`;
}

/* splitMatchers cuts at commas outside quotes; braces around the whole are left out. */
export function splitMatchers(text: string): string[] {
    const inner = text.trim().replace(/^\{([\s\S]*)\}$/, '$1');
    const parts: string[] = [];
    let quoted = false;
    let current = '';
    for (let i = 0; i < inner.length; i++) {
        const c = inner[i]!;
        if (c === '\\' && quoted) {
            current += c + (inner[++i] ?? '');
            continue;
        }
        quoted = c === '"' ? !quoted : quoted;
        if (c === ',' && !quoted) {
            parts.push(current);
            current = '';
        } else {
            current += c;
        }
    }
    return [...parts, current].map((part) => part.trim()).filter(Boolean);
}

/* compile makes a test of a label set out of a matcher, anchored as Alertmanager's are; throws for a pattern that is none. */
function compile(matcher: AmMatcher): (labels: Readonly<Record<string, string>>) => boolean {
    const pattern = matcher.isRegex ? new RegExp(`^(?:${matcher.value})$`, 's') : null;
    return (labels) => {
        const value = labels[matcher.name] ?? '';
        return (pattern ? pattern.test(value) : value === matcher.value) === matcher.isEqual;
    };
}

export interface Search {
    /* Words in lower case, each to be found somewhere. */
    text: string;
    matchers: AmMatcher[];
    /* All matchers fit. */
    fits: (labels: Readonly<Record<string, string>>) => boolean;
    /* What is wrong with a pattern. */
    fault: string | null;
}

const IN_SEARCH = /(^|[\s,{])((?:"(?:[^"\\]|\\.)*"|[^\s=!~"{},]+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*")(?=$|[\s,}])/g;

/* readSearch parts what was typed above a list into words and matchers; a matcher has its value in quotes: team="db" slow. */
export function readSearch(typed: string): Search {
    const matchers: AmMatcher[] = [];
    const rest = typed.replace(IN_SEARCH, (whole, before: string, part: string) => {
        const matcher = parseMatcher(part);
        if (matcher) {
            matchers.push(matcher);
        }
        return matcher ? before : whole;
    });
    const text = (matchers.length > 0 ? rest.replace(/[{},]+/g, ' ') : rest).toLowerCase().trim();
    try {
        const tests = matchers.map(compile);
        return { text, matchers, fits: (labels) => tests.every((test) => test(labels)), fault: null };
    } catch (error) {
        return { text, matchers, fits: () => false, fault: error instanceof Error ? error.message : String(error) };
    }
}
