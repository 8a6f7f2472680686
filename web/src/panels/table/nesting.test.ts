import { expect, test } from 'vitest';
import { makeField, makeFrame } from '../../grafana/frame';
import { innerHeight } from './nesting';

test.each([[3, {}, 4 * 28 + 12], [3, { meta: { hidesHeader: true } }, 3 * 28 + 12], [250, {}, 102 * 28 + 12], [0, {}, 28 + 12]])('%d rows', (rows, more, want) => {
    expect(innerHeight(makeFrame([makeField('a', 'number', new Float64Array(rows))], more), 28)).toBe(want);
});
