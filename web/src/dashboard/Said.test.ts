import { expect, test } from 'vitest';
import { faultPlace } from './Said';

test.each<[string, string, number | undefined]>([
    ['invalid parameter "query": 1:6: parse error: unexpected )', 'up + )', 5],
    ['2:3: parse error: unknown function', 'sum(\n  foo(x))', 7],
    ['1:99: parse error: unexpected end of input', 'sum(', 3],
    ['7:1: parse error: of another text', 'up', undefined],
    ['query timed out', 'up', undefined],
])('%s', (message, expr, at) => {
    expect(faultPlace(message, expr)).toBe(at);
});
