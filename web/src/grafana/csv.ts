/* csv: lines of a CSV file (RFC 4180). Cells come from outside. */

/** csvLine quotes what needs it; a text that a spreadsheet would run as a formula gets a quote in front. */
export function csvLine(cells: readonly string[]): string {
    return cells
        .map((text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text))
        .map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
        .join(',');
}
