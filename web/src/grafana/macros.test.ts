import { expect, test } from 'vitest';
import { maskMacros } from './macros';

test('masks keep the length', () => {
    for (const expr of ['rate(x{a="$job"}[$__rate_interval])', 'x offset $shift', 'topk($n, sum by ($label) (x[5m:$step]))', 'label_replace(x, "[$a]", "", "", "")']) {
        expect(maskMacros(expr)).toHaveLength(expr.length);
    }
    expect(maskMacros('rate(x[$__rate_interval])')).toBe('rate(x[111111111111111s])');
    expect(maskMacros('x{a="[$b]"}')).toBe('x{a="[xx]"}');
});

test.each([
    ['rate(x[$w])', 'rate(x[1s])'],
    ['x offset -$shift', 'x offset -11111s'],
    ['x[5m:$step]', 'x[5m:1111s]'],
    ['sum by ($l) (x)', 'sum by (xx) (x)'],
    ['${__interval}', 'xxxxxxxxxxxxx'],
    ['[[x]]', 'xxxxx'],
    ['[[x:csv]]', 'xxxxxxxxx'],
    ['${x.y:csv}', 'xxxxxxxxxx'],
    ['x{a="offset $b"}', 'x{a="offset xx"}'],
    ["x{a='[$b'}", "x{a='[xx'}"],
    ['x{a="\\"[$b"}', 'x{a="\\"[xx"}'],
    ['x{a=`\\`}[$b]', 'x{a=`\\`}[1s]'],
    ['no macro $', 'no macro $'],
    ['', ''],
    ['$é', '$é'],
])('%s is read as %s', (expr, want) => {
    expect(maskMacros(expr)).toBe(want);
    expect(maskMacros(expr)).toHaveLength(expr.length);
});
