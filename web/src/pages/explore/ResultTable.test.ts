import { describe, expect, it } from 'vitest';
import { resultOf } from '../../api/prometheus';
import { csvOf, histogramText, tableOf } from './ResultTable';
import { figuresOf } from '../../draw/SeriesGraph';

const vector = resultOf({
    resultType: 'vector',
    result: [{ metric: { __name__: 'up', job: 'a' }, value: [1, '1'] }, { metric: { __name__: 'up', zone: '=cmd()' }, value: [1, '+Inf'] }],
});

describe('tableOf', () => {
    it('has a column a label, the name first', () => {
        const got = tableOf([{ letter: 'A', expr: 'up', data: vector }]);
        expect(got.columns).toEqual(['__name__', 'job', 'zone']);
        expect(got.rows.map((row) => row.text)).toEqual(['1', 'Infinity']);
    });

    it('shows scalars, strings and histograms', () => {
        expect(tableOf([{ letter: 'A', expr: '1', data: resultOf({ resultType: 'scalar', result: [1, '2.5'] }) }]).rows[0]!.text).toBe('2.5');
        expect(tableOf([{ letter: 'A', expr: '"x"', data: resultOf({ resultType: 'string', result: [1, 'x'] }) }]).rows[0]!.text).toBe('x');
        const histogram = resultOf({
            resultType: 'vector',
            result: [{ metric: {}, histogram: [1, { count: '3', sum: '4.5', buckets: [[0, '1', '2', '3'], [3, '-1', '1', '0']] }] }],
        });
        expect(tableOf([{ letter: 'A', expr: 'h', data: histogram }]).rows[0]!.text).toBe('count 3, sum 4.5; (1, 2]: 3, [-1, 1]: 0');
        expect(histogramText({ count: 1, sum: 2, buckets: [] })).toBe('count 1, sum 2');
    });
});

describe('csvOf', () => {
    it('quotes, and runs no formula', () => {
        const { columns, rows } = tableOf([{ letter: 'A', expr: 'up', data: vector }]);
        expect(csvOf(columns, rows).split('\r\n')).toEqual([
            '__name__,job,zone,time,value', 'up,a,,1970-01-01T00:00:01.000Z,1', "up,,'=cmd(),1970-01-01T00:00:01.000Z,Infinity",
        ]);
        expect(csvOf(['a'], [{ labels: { a: 'x,"y"\n' }, letter: 'A', text: '-1', value: -1, time: 0 }]).split('\r\n')[1]).toBe('"x,""y""\n",1970-01-01T00:00:00.000Z,-1');
    });
});

describe('figuresOf', () => {
    it('leaves out what is no number', () => {
        expect(figuresOf([1, NaN, 3])).toEqual({ last: 3, min: 1, max: 3, mean: 2 });
        expect(figuresOf([]).last).toBeNaN();
        expect(figuresOf([NaN]).mean).toBeNaN();
    });
});
