/* Value mappings: what a value is shown as instead: by value, range, expression, or because it is null or NaN. */

export interface MappingResult {
    text?: string;
    color?: string;
    icon?: string;
    index?: number;
}

export type ValueMapping =
    | { type: 'value'; options: Record<string, MappingResult> }
    | { type: 'range'; options: { from: number | null; to: number | null; result: MappingResult } }
    | { type: 'regex'; options: { pattern: string; result: MappingResult } }
    | { type: 'special'; options: { match: SpecialMatch; result: MappingResult } };

export type SpecialMatch = 'true' | 'false' | 'null' | 'nan' | 'null+nan' | 'empty';

const REGEX_BYTES_MAX = 1000;

/** toRegExp reads "/x+/i" or a bare pattern, which has to match all of the text; undefined when it is none. */
export function toRegExp(text: string): RegExp | undefined {
    if (text.length > REGEX_BYTES_MAX) {
        return undefined;
    }
    const slashed = /^\/(.*)\/([gimsuy]*)$/s.exec(text);
    try {
        return slashed ? new RegExp(slashed[1]!, slashed[2]) : new RegExp(`^${text}$`);
    } catch {
        return undefined;
    }
}

/** textTest is the test of such a pattern. The flag g makes no difference: each text is looked at from its start. */
export function textTest(pattern: string): ((text: string) => boolean) | undefined {
    const regex = toRegExp(pattern);
    return regex && ((text) => text.search(regex) >= 0);
}

function isSpecial(match: SpecialMatch, value: unknown): boolean {
    const isNaNValue = typeof value === 'number' && Number.isNaN(value);
    const isNull = value === null || value === undefined;
    switch (match) {
        case 'null': return isNull;
        case 'nan': return isNaNValue;
        case 'null+nan': return isNull || isNaNValue;
        case 'true': return value === true || value === 'true';
        case 'false': return value === false || value === 'false';
        case 'empty': return value === '';
    }
}

function fromRegex(options: { pattern: string; result: MappingResult }, value: string): MappingResult | undefined {
    const pattern = toRegExp(options.pattern ?? '');
    if (!pattern || !options.result || value.search(pattern) < 0) {
        return undefined;
    }
    return options.result.text === undefined ? options.result : { ...options.result, text: value.replace(pattern, options.result.text || '') };
}

function apply(mapping: ValueMapping, value: unknown): MappingResult | undefined {
    const isNull = value === null || value === undefined;
    switch (mapping.type) {
        case 'value':
            return isNull || !Object.hasOwn(mapping.options, String(value)) ? undefined : mapping.options[String(value)];
        case 'range': {
            const n = isNull ? NaN : parseFloat(String(value));
            const { from, to, result } = mapping.options;
            return n >= (from ?? -Infinity) && n <= (to ?? Infinity) ? result : undefined;
        }
        case 'regex':
            return typeof value === 'string' ? fromRegex(mapping.options, value) : undefined;
        case 'special':
            return isSpecial(mapping.options.match, value) ? mapping.options.result : undefined;
        default:
            return undefined;
    }
}

/** mapValue gives the first mapping that fits. */
export function mapValue(mappings: readonly ValueMapping[] | undefined, value: unknown): MappingResult | undefined {
    for (const mapping of mappings ?? []) {
        const result = apply(mapping, value);
        if (result) {
            return result;
        }
    }
    return undefined;
}
