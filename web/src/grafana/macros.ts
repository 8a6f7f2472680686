/* macros: where variables and macros stand in a text, and how an expression that has some is read as PromQL all the same. */

/** $name, [[name]], [[name:format]], ${name}, ${name.field}, ${name:format}. */
export const MACRO = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/**
 * maskMacros replaces each macro by text of the same length that a PromQL parser takes, so that places in the text stay:
 * a duration inside [ ] and behind offset, an identifier elsewhere.
 */
export function maskMacros(expr: string): string {
    return expr.replace(MACRO, (all: string, ...rest: unknown[]) => {
        const offset = rest.find((r): r is number => typeof r === 'number')!;
        const before = expr.slice(0, offset);
        const isDuration = /(\[\s*|:\s*|offset\s+-?)$/.test(before) && !insideString(before);
        return isDuration ? `${'1'.repeat(all.length - 1)}s` : 'x'.repeat(all.length);
    });
}

function insideString(before: string): boolean {
    let quote = '';
    for (let i = 0; i < before.length; i++) {
        const c = before[i]!;
        if (quote === '') {
            quote = c === '"' || c === "'" || c === '`' ? c : '';
        } else if (c === '\\' && quote !== '`') {
            i++;
        } else if (c === quote) {
            quote = '';
        }
    }
    return quote !== '';
}
