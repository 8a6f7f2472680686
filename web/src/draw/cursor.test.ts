import { expect, it } from 'vitest';
import { joinCursor, moveCursor, type CursorListener } from './cursor';

it('tells all others of the group, and nobody else', () => {
    const heard: string[] = [];
    const listener = (name: string): CursorListener => (seconds) => { heard.push(`${name} ${seconds}`); };
    const [a, b, c, other] = ['a', 'b', 'c', 'other'].map(listener) as [CursorListener, CursorListener, CursorListener, CursorListener];
    const leave = [joinCursor('one', a), joinCursor('one', b), joinCursor('one', c), joinCursor('two', other)];
    moveCursor('one', 5, a);
    expect(heard.splice(0)).toEqual(['b 5', 'c 5']);
    leave[1]!();
    moveCursor('one', null, a);
    expect(heard.splice(0)).toEqual(['c null']);
    leave.forEach((one) => one());
    moveCursor('one', 6, a);
    moveCursor('nobody', 7, a);
    expect(heard).toEqual([]);
    const again = joinCursor('one', b);
    moveCursor('one', 8, a);
    expect(heard).toEqual(['b 8']);
    again();
});
