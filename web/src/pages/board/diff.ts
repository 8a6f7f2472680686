/* diff: which lines of a text have changed: the longest common subsequence between the equal ends; and those with lines around them. */

export interface ChangedLine {
    sign: '+' | '-';
    line: string;
}

export interface DiffLine {
    /* '~' stands for lines left out, with their count as text. */
    sign: '+' | '-' | ' ' | '~';
    line: string;
}

/* Cells of the table; beyond, everything between the equal ends counts as changed. */
const CELLS_MAX = 4_000_000;

export function changedLines(before: string, after: string): ChangedLine[] {
    return allLines(before, after).filter((l): l is ChangedLine => l.sign === '+' || l.sign === '-');
}

/** contextLines gives the changed lines with so many equal ones around, and what is left out as a count. */
export function contextLines(before: string, after: string, around = 3): DiffLine[] {
    const lines = allLines(before, after);
    const near = new Uint8Array(lines.length);
    lines.forEach((l, i) => {
        if (l.sign !== ' ') {
            near.fill(1, Math.max(0, i - around), i + around + 1);
        }
    });
    const result: DiffLine[] = [];
    let left = 0;
    lines.forEach((l, i) => {
        if (near[i] === 0) {
            left++;
            return;
        }
        if (left > 0) {
            result.push({ sign: '~', line: `${left} equal ${left === 1 ? 'line' : 'lines'}` });
            left = 0;
        }
        result.push(l);
    });
    return result;
}

function allLines(before: string, after: string): DiffLine[] {
    const a = before.split('\n');
    const b = after.split('\n');
    const same = (line: string): DiffLine => ({ sign: ' ', line });
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
    const head = a.slice(0, start).map(same);
    const tail = a.slice(a.length - end).map(same);
    if (left.length * right.length > CELLS_MAX) {
        return [...head, ...left.map((line): DiffLine => ({ sign: '-', line })), ...right.map((line): DiffLine => ({ sign: '+', line })), ...tail];
    }
    const width = right.length + 1;
    const best = new Uint32Array((left.length + 1) * width);
    for (let i = left.length - 1; i >= 0; i--) {
        for (let j = right.length - 1; j >= 0; j--) {
            best[i * width + j] = left[i] === right[j] ? best[(i + 1) * width + j + 1]! + 1 : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!);
        }
    }
    const changes: DiffLine[] = [...head];
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
        if (i < left.length && j < right.length && left[i] === right[j]) {
            changes.push(same(left[i++]!));
            j++;
        } else if (i < left.length && (j >= right.length || best[(i + 1) * width + j]! >= best[i * width + j + 1]!)) {
            changes.push({ sign: '-', line: left[i++]! });
        } else {
            changes.push({ sign: '+', line: right[j++]! });
        }
    }
    return [...changes, ...tail];
}
