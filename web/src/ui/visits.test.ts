import { expect, test } from 'vitest';
import { byVisits, readVisits, visited } from './visits';

test.each<[string | null, string[], string[]]>([
    [null, [], []], ['{', [], []], ['null', [], []], ['[1]', [], []], ['{"starred": "a", "recent": [1, "b", null]}', [], ['b']], ['{"starred": ["a"], "recent": []}', ['a'], []],
])('%j', (text, starred, recent) => expect(readVisits(text)).toEqual({ starred, recent }));

test('the last comes first, once, and the oldest go', () => {
    expect(visited(['a', 'b'], 'b')).toEqual(['b', 'a']);
    expect(visited(Array.from({ length: 12 }, (_, i) => `u${i}`), 'new')).toHaveLength(12);
});

test('starred, then recent, then the rest', () => {
    const list = ['a', 'b', 'c', 'd', 'e'].map((uid) => ({ uid }));
    expect(byVisits(list, { starred: ['d'], recent: ['e', 'b', 'd'] }).map((b) => b.uid)).toEqual(['d', 'e', 'b', 'a', 'c']);
});
