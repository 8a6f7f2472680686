/* annotations: those of a silence, between rows of text (name="value") and the API's object. */
import { formatMatcher, parseMatcher } from '../../ui/matchers';

/* givenAnnotations makes rows of what a link carries: the object as JSON. */
export function givenAnnotations(text: string | null): string[] {
    try {
        const found: unknown = JSON.parse(text ?? '{}');
        return Object.entries(found ?? {}).map(([name, value]) => formatMatcher({ name, value: String(value), isEqual: true, isRegex: false }));
    } catch {
        return []; /* not ours */
    }
}

/* annotationsOf reads the rows; null where one is none. */
export function annotationsOf(rows: readonly string[]): Record<string, string> | null {
    const read = rows.filter((text) => text.trim() !== '').map(parseMatcher);
    return read.every((one) => one !== null && one.isEqual && !one.isRegex) ? Object.fromEntries(read.map((one) => [one!.name, one!.value])) : null;
}
