import { expect, test } from 'vitest';
import { maskMacros } from './macros';

test('masks keep the length', () => {
    for (const expr of ['rate(x{a="$job"}[$__rate_interval])', 'x offset $shift', 'topk($n, sum by ($label) (x[5m:$step]))', 'label_replace(x, "[$a]", "", "", "")']) {
        expect(maskMacros(expr)).toHaveLength(expr.length);
    }
    expect(maskMacros('rate(x[$__rate_interval])')).toBe('rate(x[111111111111111s])');
    expect(maskMacros('x{a="[$b]"}')).toBe('x{a="[xx]"}');
});
