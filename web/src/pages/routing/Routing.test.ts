import { describe, expect, it } from 'vitest';
import { labelsOf } from './Routing';

describe('labelsOf', () => {
    it.each([
        ['', {}],
        ['a="b"', { a: 'b' }],
        ['{a=b, c="d,e"}', { a: 'b', c: 'd,e' }],
        ['a=~"b"', null],
        ['a!=b', null],
        ['a', null],
    ])('%s', (text, want) => expect(labelsOf(text)).toEqual(want));
});
