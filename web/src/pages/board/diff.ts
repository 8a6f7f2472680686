/* diff: which lines of a text have changed: the longest common subsequence between the equal ends. */

export interface ChangedLine {
    sign: '+' | '-';
    line: string;
}

/* Cells of the table; beyond, everything between the equal ends counts as changed. */
const CELLS_MAX = 4_000_000;

export function changedLines(before: string, after: string): ChangedLine[] {
    const a = before.split('\n');
    const b = after.split('\n');
    let start = 0;
    while (start < a.length && start < b.length && a[start] === b[start]) {
        start++;
    }
    let end = 0;
    while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) {
        end++;
    }
    const left = a.slice(start, a.length - end);
    const right = b.slice(start, b.length - end);
    if (left.length * right.length > CELLS_MAX) {
        return [...left.map((line): ChangedLine => ({ sign: '-', line })), ...right.map((line): ChangedLine => ({ sign: '+', line }))];
    }
    const width = right.length + 1;
    const best = new Uint32Array((left.length + 1) * width);
    for (let i = left.length - 1; i >= 0; i--) {
        for (let j = right.length - 1; j >= 0; j--) {
            best[i * width + j] = left[i] === right[j] ? best[(i + 1) * width + j + 1]! + 1 : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!);
        }
    }
    const changes: ChangedLine[] = [];
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
        if (i < left.length && j < right.length && left[i] === right[j]) {
            i++;
            j++;
        } else if (i < left.length && (j >= right.length || best[(i + 1) * width + j]! >= best[i * width + j + 1]!)) {
            changes.push({ sign: '-', line: left[i++]! });
        } else {
            changes.push({ sign: '+', line: right[j++]! });
        }
    }
    return changes;
}
