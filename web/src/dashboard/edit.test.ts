import { describe, expect, it } from 'vitest';
import { isDirty, newDraft, redone, stepped, STEPS_MAX, undone, useEdits, type Draft } from './edit';

const to = (draft: Draft, title: string, key = '', at = 0): Draft => stepped(draft, `to ${title}`, { title }, key, at);

describe('a draft', () => {
    it('goes back and forth', () => {
        const start = newDraft({ title: 'a' });
        const two = to(to(start, 'b'), 'c');
        expect(two.past.map((s) => s.label)).toEqual(['to b', 'to c']);
        expect(undone(two).now).toEqual({ title: 'b' });
        expect(undone(undone(two)).now).toBe(start.base);
        expect(undone(undone(undone(two))).now).toBe(start.base);
        expect(redone(undone(two)).now).toEqual({ title: 'c' });
        expect(redone(undone(two)).past.map((s) => s.label)).toEqual(['to b', 'to c']);
        expect(redone(two)).toBe(two);
    });

    it('forgets what was undone when something else is done', () => {
        const other = to(undone(to(newDraft({ title: 'a' }), 'b')), 'c');
        expect(other.future).toEqual([]);
        expect(undone(other).now).toEqual({ title: 'a' });
    });

    it('joins the letters of a text to one step, for a while', () => {
        const typed = to(to(to(newDraft({ title: '' }), 'a', 'title', 0), 'ab', 'title', 500), 'abc', 'title', 1200);
        expect(typed.past).toHaveLength(1);
        expect(undone(typed).now).toEqual({ title: '' });
        expect(to(typed, 'abcd', 'title', 9000).past).toHaveLength(2);
        expect(to(typed, 'abcd', 'other', 1300).past).toHaveLength(2);
    });

    it('is dirty while it differs', () => {
        const start = newDraft({ title: 'a' });
        expect([undefined, start, to(start, 'b'), undone(to(start, 'b')), to(to(start, 'b'), 'a')].map(isDirty)).toEqual([false, false, true, false, false]);
        expect(stepped(start, 'nothing', start.now, '', 0)).toBe(start);
    });

    it('keeps a bounded number of steps', () => {
        let draft = newDraft({ title: '' });
        for (let i = 0; i < STEPS_MAX + 50; i++) {
            draft = to(draft, String(i));
        }
        expect(draft.past).toHaveLength(STEPS_MAX);
        expect(draft.past[0]!.before).toEqual({ title: '49' });
    });
});

it('drafts of several dashboards stand beside each other', () => {
    const { begin, change, undo, redo, end } = useEdits.getState();
    begin('one', { title: 'a' });
    begin('two', { title: 'b' });
    change('one', 'rename', (now) => ({ ...now, title: 'c' }));
    change('none', 'rename', (now) => ({ ...now, title: 'c' }));
    expect(Object.entries(useEdits.getState().drafts).map(([uid, d]) => `${uid} ${String(d.now.title)}`)).toEqual(['one c', 'two b']);
    undo('one');
    expect(isDirty(useEdits.getState().drafts.one)).toBe(false);
    redo('one');
    expect(isDirty(useEdits.getState().drafts.one)).toBe(true);
    end('one');
    end('two');
    expect(useEdits.getState().drafts).toEqual({});
});
