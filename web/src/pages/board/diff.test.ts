import { expect, it } from 'vitest';
import { changedLines, contextLines } from './diff';

const show = (lines: { sign: string; line: string }[]): string => lines.map((l) => l.sign + l.line).join(' ');

it.each([
    ['equal', 'a b', 'a b', ''],
    ['changed', 'a b c', 'a x c', '-b +x'],
    ['added at the end', 'a', 'a b', '+b'],
    ['taken away at the start', 'a b', 'b', '-a'],
    ['two places', 'a b c d e', 'a x c d y', '-b +x -e +y'],
    ['all', 'a', 'b', '-a +b'],
])('changed lines: %s', (_, before, after, want) => {
    expect(show(changedLines(before.replaceAll(' ', '\n'), after.replaceAll(' ', '\n')))).toBe(want);
});

it.each([
    ['nothing', 'a b c', 'a b c', ''],
    ['in the middle', 'a b c d e f g', 'a b c X e f g', '~2 equal lines  c -d +X  e'],
    ['near the end', 'a b c', 'a b X', '~1 equal line  b -c +X'],
    ['two places near each other', 'a b c d', 'X b c Y', '-a +X  b  c -d +Y'],
    ['two places far from each other', 'a b c d e', 'X b c d Y', '-a +X  b ~1 equal line  d -e +Y'],
])('with a line around: %s', (_, before, after, want) => {
    expect(show(contextLines(before.replaceAll(' ', '\n'), after.replaceAll(' ', '\n'), 1))).toBe(want);
});

it('gives up on large differences, and says them all the same', () => {
    const before = Array.from({ length: 3000 }, (_, i) => `a${i}`).join('\n');
    const after = Array.from({ length: 3000 }, (_, i) => `b${i}`).join('\n');
    expect(changedLines(before, after)).toHaveLength(6000);
});
