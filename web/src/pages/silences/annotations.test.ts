import { describe, expect, it } from 'vitest';
import { annotationsOf, givenAnnotations } from './annotations';

describe('annotations go through the form and back', () => {
    it.each([
        [{}], [{ ticket: 'OPS-1', 'a.b c': 'x="y", \\ and\nmore', empty: '' }],
    ])('%j', (given) => expect(annotationsOf(givenAnnotations(JSON.stringify(given)))).toEqual(given));

    it('a link of others gives none', () => {
        expect(givenAnnotations(null)).toEqual([]);
        expect(givenAnnotations('{')).toEqual([]);
        expect(givenAnnotations('null')).toEqual([]);
    });

    it.each([['ticket'], ['ticket=~"a"'], ['ticket!="a"'], ['="a"']])('%s is none', (text) => expect(annotationsOf([text])).toBeNull());
});
