import { describe, expect, it } from 'vitest';
import { addTo, HISTORY_MAX, parseHistory } from './history';

describe('history', () => {
    it('puts the newest first and keeps each once', () => {
        const once = addTo(addTo([], 'up', 1), 'down', 2);
        expect(addTo(once, 'up', 3).map((entry) => [entry.expr, entry.at])).toEqual([['up', 3], ['down', 2]]);
    });

    it('drops the oldest, but nothing starred', () => {
        let entries = [{ expr: 'kept', at: 0, starred: true }];
        for (let i = 0; i < HISTORY_MAX + 20; i++) {
            entries = addTo(entries, `q${i}`, i);
        }
        expect(entries.length).toBe(HISTORY_MAX + 1);
        expect(entries.at(-1)?.expr).toBe('kept');
        expect(addTo(entries, 'kept', 9)[0]).toEqual({ expr: 'kept', at: 9, starred: true });
    });

    it('reads no nonsense', () => {
        expect(parseHistory(null)).toEqual([]);
        expect(parseHistory('{')).toEqual([]);
        expect(parseHistory('{"a":1}')).toEqual([]);
        expect(parseHistory('[null, 3, {"expr":"up","at":1}]')).toEqual([{ expr: 'up', at: 1 }]);
    });
});
