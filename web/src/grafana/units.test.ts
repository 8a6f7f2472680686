import { describe, expect, test } from 'vitest';
import { unitGroups } from './unit_names';
import { UNITS } from './unit_table';
import { formattedText, formatValue, isBooleanUnit, isDateUnit, siUnit, toFixed, unitFormatter } from './units';

type Case = [unit: string, value: number | null, decimals: number | null | undefined, want: string];
const cases = (unit: string, ...rows: [number | null, string, (number | null)?][]): Case[] => rows.map(([value, want, decimals]) => [unit, value, decimals, want]);

/* Texts as @grafana/data 13.2 writes them. */
describe('numbers with units', () => {
    test.each<Case>([
        ...cases('none', [0, '0'], [1.5, '1.50'], [12.3, '12.3'], [0.5, '0.500'], [1234.5, '1235'], [-0.001, '-0.00100'], [1e21, '1e+21'], [1.005, '1.00', 2], [1.5, '2', 0], [null, ''], [NaN, 'NaN'], [Infinity, '∞'], [-Infinity, '-∞']),
        ...cases('short', [999, '999'], [1000, '1 K'], [1.5e6, '1.50 Mil'], [-1500, '-1.50 K'], [2e12, '2 Tri'], [1e30, '1000000 Sept'], [0, '0'], [null, ''], [Infinity, '∞']),
        ...cases('sishort', [1500, '1.50 k'], [0.0015, '1.50 m'], [1e-20, '0.0000100 f']),
        ...cases('bytes', [0, '0 B'], [512, '512 B'], [1024, '1 KiB'], [1536, '1.50 KiB'], [5e9, '4.66 GiB'], [0.5, '0.500 B'], [-2048, '-2 KiB'], [1536, '1.5 KiB', 1]),
        ...cases('kbytes', [1, '1 KiB'], [1024, '1 MiB']),
        ...cases('decbytes', [1000, '1 kB'], [1e15, '1 PB']),
        ...cases('decgbytes', [1, '1 GB'], [1500, '1.50 TB']),
        ...cases('Bps', [1e6, '1 MB/s']),
        ...cases('bps', [1500, '1.50 kb/s']),
        ...cases('binBps', [2048, '2 KiB/s']),
        ...cases('pps', [12, '12 p/s']),
        ...cases('percent', [12.3, '12.3%'], [0, '0%'], [null, '']),
        ...cases('percentunit', [0.5, '50%'], [0.5, '50.0%', 1], [1, '100%'], [null, '']),
        ...cases('ops', [5, '5 ops/s'], [1500, '1.50K ops/s'], [null, '']),
        ...cases('reqps', [0.25, '0.250 req/s']),
        ...cases('celsius', [21.5, '21.5 °C']),
        ...cases('farenheit', [50, '50 °F']),
        ...cases('humidity', [50, '50 %H']),
        ...cases('pressurepsi', [1500, '1.50ksi']),
        ...cases('mwatt', [1500, '1.50 W']),
        ...cases('hertz', [2.5e9, '2.50 GHz']),
        ...cases('rotkhz', [1000, '1 MHz']),
        ...cases('nfarad', [1000, '1 µF']),
        ...cases('hex', [255, 'FF'], [-255, '-FF'], [null, '']),
        ...cases('hex0x', [255, '0xFF'], [-255, '-0xFF'], [0, '0x0']),
        ...cases('sci', [12345, '1.23e+4', 2], [null, '']),
        ...cases('string', [5, '5'], [null, '']),
        ...cases('locale', [5, '5'], [null, '']),
        ...cases('bool', [1, 'True'], [0, 'False'], [-1, 'True'], [null, 'False']),
        ...cases('bool_yes_no', [1, 'Yes'], [0, 'No']),
        ...cases('bool_on_off', [1, 'On'], [0, 'Off']),
        ...cases('currencyUSD', [0, '$0'], [5, '$5'], [-5, '-$5'], [1234.5, '$1.23K'], [null, '']),
        ...cases('currencySEK', [1234, '1.23Kkr'], [-5, '-5kr']),
    ])('%s %d, decimals %j: %j', (unit, value, decimals, want) => expect(formatValue(value, unit, decimals)).toBe(want));
});

describe('lengths of time', () => {
    test.each<Case>([
        ...cases('s', [0, '0 s'], [0.5, '500 ms'], [0.0005, '500 µs'], [5e-7, '500 ns'], [1, '1 s'], [59, '59 s'], [60, '1 min'], [90, '1.50 mins'], [-90, '-1.50 mins'], [3600, '1 hour'], [7200, '2 hours'], [86400, '1 day'], [604800, '1 week'], [6.4e7, '2.03 years'], [null, '']),
        ...cases('ms', [999, '999 ms'], [1000, '1 s'], [60_000, '1 min'], [3.6e6, '1 hour'], [1.728e8, '2 days'], [31_536_000_000, '1 year'], [0, '0 ms'], [0.5, '0.500 ms']),
        ...cases('µs', [999, '999 µs'], [1e3, '1 ms'], [1e6, '1 s'], [6e7, '60 s']),
        ...cases('ns', [1500, '1.50 µs'], [1e9, '1 s'], [1.2e11, '2 mins'], [864e11, '1 day']),
        ...cases('m', [5, '5 min'], [60, '1 hour'], [2880, '2 days'], [20160, '2 weeks']),
        ...cases('h', [5, '5 hour'], [24, '1 day'], [336, '2 weeks']),
        ...cases('d', [1, '1 day'], [3, '3 days'], [7, '1 week'], [730, '2 years']),
        ...cases('timeticks', [100, '1 s'], [null, '']),
        ...cases('dtdurations', [0, '0 seconds'], [3661, '1 hour', 0], [3661, '1 hour, 1 minute', 1], [3661, '1 hour, 1 minute, 1 second', 2], [-60, '1 minute ago', 0], [90061, '1 day, 1 hour, 1 minute, 1 second, 0 milliseconds', 9], [null, '']),
        ...cases('dtdurationms', [1500, '1 second, 500 milliseconds', 1], [0, '0 milliseconds']),
        ...cases('dthms', [3661, '01:01:01'], [360_000, '100:00:00'], [-61, '00:01:01 ago'], [0, '00:00:00'], [null, '']),
        ...cases('dtdhms', [90061, '1 d 01:01:01'], [61, '00:01:01'], [-90061, '1 d 01:01:01 ago']),
        ...cases('clockms', [999, '999ms'], [61_234, '01m:01s:234ms'], [3_661_234, '1h', 0], [3_661_234, '1h:01m', 1], [null, '']),
        ...cases('clocks', [3661, '1h:01m:01s:000ms']),
    ])('%s %d, decimals %j: %j', (unit, value, decimals, want) => expect(formatValue(value, unit, decimals)).toBe(want));
});

describe('units that are written out', () => {
    test.each<Case>([
        ...cases('prefix:#', [5, '#5'], [null, '']),
        ...cases('prefix:', [5, '5']),
        ...cases('suffix:jobs', [5, '5 jobs']),
        ...cases('req/s', [1500, '1500 req/s']),
        ...cases('😀', [5, '5 😀']),
        ...cases('si:mA', [5, '5 mA'], [5000, '5 A']),
        ...cases('si:K', [300, '300 K']),
        ...cases('si:', [1500, '1.50 k']),
        ...cases('si:µF', [1000, '1 mF']),
        ...cases('count:jobs', [1500, '1.50K jobs']),
        ...cases('currency:¤', [5, '¤5'], [-1500, '-¤1.50K']),
        ...cases('currency:financial:€', [5, '€5'], [null, '']),
        ...cases('currency:financial:€:suffix', [5, '5€'], [5, '5.00€', 2]),
        ...cases('currency:financial:', [5, '5']),
        ...cases('bool:up/down', [1, 'up'], [0, 'down']),
        ...cases('bool:up', [1, 'up'], [0, '-']),
        ...cases('bool:a/b/c', [0, 'b/c']),
        ...cases('', [5, '5']),
        ...cases(':x', [5, '5 :x']),
        ...cases('nope:x', [5, '5 nope:x']),
        ...cases('constructor', [5, '5 constructor']),
        ...cases('__proto__', [5, '5 __proto__']),
        ...cases('<b>', [5, '5 <b>']),
    ])('%s %d, decimals %j: %j', (unit, value, decimals, want) => expect(formatValue(value, unit, decimals)).toBe(want));

    test('none is a plain number', () => {
        expect([undefined, null, '', 'none'].map((unit) => formattedText(unitFormatter(unit)(1.5)))).toEqual(['1.50', '1.50', '1.50', '1.50']);
    });
});

test('decimals that no number has are no fault', () => {
    for (const unit of ['none', 'sci', 'locale', 'currency:financial:€', 'bytes', 's', 'short', 'hex', 'clockms', 'dtdurations', 'my unit']) {
        for (const value of [0, 1.5, 1e30, -1]) {
            for (const decimals of [-1, -1000, 21, 500, 1e9, Infinity]) {
                expect(formatValue(value, unit, decimals).length, `${unit} ${value} ${decimals}`).toBeLessThan(150);
            }
        }
    }
    expect([formatValue(1.5, 'none', 1000), formatValue(1.5, 'none', -5)]).toEqual([`1.5${'0'.repeat(19)}`, '2']);
});

describe('dates', () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    const now = at + 60_000;
    test.each([
        ['dateTimeAsIso', '2026-01-02 03:04:05'],
        ['dateTimeAsUS', '01/02/2026 3:04:05 am'],
        ['dateTimeAsLocal', '01/02/2026, 03:04:05 AM'],
        ['dateTimeAsSystem', '2026-01-02 03:04:05'],
        ['dateTimeAsIsoNoDateIfToday', '03:04:05'],
        ['dateTimeAsUSNoDateIfToday', '3:04:05 am'],
        ['dateTimeAsLocalNoDateIfToday', '03:04:05 AM'],
        ['dateTimeFromNow', 'a minute ago'],
        ['time:YYYY [week] D', '2026 week 2'],
        ['time:', ''],
    ])('%s is %s', (unit, want) => {
        expect(formatValue(at, unit, null, { zone: 'utc', now })).toBe(want);
        expect(formatValue(null, unit, null, { zone: 'utc', now })).toBe('');
    });

    test('another day is told', () => {
        expect(formatValue(at, 'dateTimeAsIsoNoDateIfToday', null, { zone: 'utc', now: now + 86_400_000 })).toBe('2026-01-02 03:04:05');
        /* In Tokyo it is noon; in Los Angeles it is the day before. */
        expect(formatValue(at, 'dateTimeAsIsoNoDateIfToday', null, { zone: 'Asia/Tokyo', now })).toBe('12:04:05');
        expect(formatValue(at, 'dateTimeAsIso', null, { zone: 'America/Los_Angeles' })).toBe('2026-01-01 19:04:05');
    });

    test('milliseconds where they are asked for', () => expect(formatValue(at, 'dateTimeAsSystem', null, { zone: 'utc', showMs: true })).toBe('2026-01-02 03:04:05.006'));

    test('what is no date says so', () => expect([NaN, Infinity, 1e20].map((v) => formatValue(v, 'dateTimeAsIso', null, { zone: 'utc' }))).toEqual(Array(3).fill('Invalid date')));

    test('are known by their unit', () => {
        const ids = ['dateTimeAsIso', 'dateTimeFromNow', 'time:x', 'time', 's', 'dtdurations', '', null, undefined, 'bool', 'bool:a/b', 'bool_on_off', 'boolean'];
        expect(ids.filter(isDateUnit)).toEqual(['dateTimeAsIso', 'dateTimeFromNow', 'time:x']);
        expect(ids.filter(isBooleanUnit)).toEqual(['bool', 'bool:a/b', 'bool_on_off', 'boolean']);
    });
});

test.each<[number | null, number | null | undefined, string]>([
    [null, 2, ''],
    [0, 3, '0.000'],
    [0, undefined, '0'],
    [-0, 2, '0.00'],
    [5, 2, '5.00'],
    [1e-7, null, '1e-7'],
    [123456789.123, null, '123456789'],
    [0.1 + 0.2, 1, '0.3'],
    [99.99, 1, '100.0'],
])('toFixed(%d, %j) is %j', (value, decimals, want) => expect(toFixed(value, decimals)).toBe(want));

test('a scale in thousands of one\'s own', () => {
    const ampere = siUnit('A', -1);
    expect([formattedText(ampere(5)), formattedText(ampere(2e3)), formattedText(ampere(null))]).toEqual(['5 mA', '2 A', '']);
});

describe('the list of units', () => {
    const all = unitGroups().flatMap((g) => g.units);

    test('names each once, and each is known', () => {
        expect(new Set(all.map((u) => u.id)).size).toBe(all.length);
        expect(all.length).toBeGreaterThanOrEqual(273);
        const unknown = all.filter((u) => u.symbol !== u.id && formatValue(1e6, u.id, null, { zone: 'utc', now: 0 }) === `1000000 ${u.id}`);
        expect(unknown).toEqual([]);
    });

    test('has every unit that has a symbol', () => {
        const listed = new Set(all.map((u) => u.id));
        expect(Object.values(UNITS).flatMap((units) => Object.keys(units)).filter((id) => !listed.has(id))).toEqual([]);
    });

    test('shows symbols', () => expect(['bytes', 'kbytes', 'celsius', 'currencyEUR', 'short'].map((id) => all.find((u) => u.id === id)?.symbol)).toEqual(['B', 'B', '°C', '€', '']));
});
