// @vitest-environment jsdom
/* Every unit with generated numbers and decimals, ours against Grafana's own library. */
import { expect, test } from 'vitest';
import { formatDate, fromNow, parseDateMath, roundInterval } from '../../src/grafana/datetime';
import { unitGroups } from '../../src/grafana/unit_names';
import { formattedText, unitFormatter } from '../../src/grafana/units';
import { generator, grafana } from './grafana';

/* Left out: NaN, which Grafana pads to "NaN.00"; and days around one and a half months, which it counts by the calendar. */

function numbers(): number[] {
    const random = generator(7);
    const fixed = [0, 1, -1, 0.5, 1.5, 60, 59.999, 3600, 86400, 604800, 999.9995, 1000, 1023, 1024, 1e6, 1e9, 1e15, 1e21, 1e-7];
    const made = Array.from({ length: 60 }, () => (random() < 0.2 ? -1 : 1) * random() * 10 ** Math.floor(random() * 24 - 8));
    return [...fixed, Infinity, -Infinity, ...made, ...made.slice(0, 20).map(Math.round)];
}

const NOW = 1767322800000;

test('units are written as Grafana writes them', () => {
    const wrong: string[] = [];
    let count = 0;
    const ids = unitGroups().flatMap((g) => g.units.map((u) => u.id));
    for (const id of [...ids, 'req/s', 'prefix:#', 'suffix:x', 'si:mA', 'si:K', 'count:jobs', 'currency:¤', 'bool:up/down', 'bool:up', 'currency:financial:€', 'currency:financial:€:suffix', '']) {
        if (id === 'dateTimeFromNow' || id.endsWith('IfToday')) {
            continue; // they ask the clock: below
        }
        const isClock = /^(dt[dh]|clock)/.test(id); // their texts of what is no date are accidents
        for (const value of id.startsWith('dateTime') ? [0, NOW, 951782400000] : numbers().filter((n) => !isClock || Math.abs(n) < 1e12)) {
            for (const decimals of [undefined, null, 0, 1, 2, 3]) {
                const ours = formattedText(unitFormatter(id)(value, decimals, { zone: 'utc' }));
                const theirs = grafana.formattedValueToString(grafana.getValueFormat(id)(value, decimals, null, 'utc')).replace('\u202f', ' ');
                count++;
                if (ours !== theirs && !theirs.includes('undefined')) {
                    wrong.push(`${id} ${value} ${decimals}: ours ${ours}, Grafana's ${theirs}`);
                }
            }
        }
    }
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(count).toBeGreaterThan(100_000);
});

test('the list of units is the whole list', () => {
    const theirs = grafana.getValueFormats().flatMap((g: { submenu: { value: string; text: string }[] }) => g.submenu.map((u) => `${u.value} ${u.text}`));
    expect(unitGroups().flatMap((g) => g.units.map((u) => `${u.id} ${u.name}`))).toEqual(theirs);
});

test('times are written as Grafana writes them', () => {
    const random = generator(3);
    for (let i = 0; i < 300; i++) {
        const ms = Math.floor(random() * 4e12);
        for (const zone of ['utc', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe']) {
            for (const pattern of ['YYYY-MM-DD HH:mm:ss.SSS', 'ddd D MMM YY h:mm a Z', 'MMMM [at] hh A', 'x X M/D']) {
                expect(formatDate(ms, pattern, zone)).toBe(grafana.dateTimeFormat(ms, { format: pattern, timeZone: zone }));
            }
        }
    }
});

test('distances in time are told as Grafana tells them', () => {
    for (const distance of [0, 1e3, 44e3, 45e3, 89e3, 91e3, 44 * 6e4, 45 * 6e4, 89 * 6e4, 91 * 6e4, 21.4 * 36e5, 23 * 36e5, 35 * 36e5, 37 * 36e5, 25 * 864e5, 27 * 864e5, 44 * 864e5, 50 * 864e5, 200 * 864e5, 340 * 864e5, 500 * 864e5, 900 * 864e5]) {
        const now = Date.now();
        expect(fromNow(now - distance, now)).toBe(grafana.dateTimeFormatTimeAgo(now - distance));
    }
});

test('ends of ranges are read as Grafana reads them', () => {
    const random = generator(11);
    const texts = ['now', 'now-6h', 'now-1d/d', 'now/d', 'now/w', 'now/M', 'now-1M/M', 'now/y', 'now+1d', 'now-3M', 'now-1y/y', 'now/Q', 'now-1w/w', 'now-1d+2h-5m', 'now/h', 'now-90s/m', 'now/fQ', 'now-1fy/fy', 'now/1d', 'now/2d', 'now-5', 'now-99999999999h'];
    for (let i = 0; i < 40; i++) {
        const now = Math.floor(1.5e12 + random() * 4e11);
        for (const text of texts) {
            for (const roundUp of [false, true]) {
                for (const zone of ['utc', 'Europe/Berlin', 'America/New_York']) {
                    const theirs = grafana.dateMath.toDateTime(text, { roundUp, timezone: zone, now: new Date(now) });
                    expect([text, roundUp, zone, now, parseDateMath(text, now, { roundUp, zone })]).toEqual([text, roundUp, zone, now, theirs?.valueOf() ?? NaN]);
                }
            }
        }
    }
});

test('dates are read as Grafana reads them', () => {
    for (const text of ['2024-02-29', '2026-01-01 24:00', '2026-01-01 10:20:30.1234', '2026-01-01T00:00:00+0530', '20260102T030000', '2026-02-29', '2026-13-01', '2026-00-01', '2026-01-00', '2026-01-01 24:01', '2026-01-01 25:00', '2026-01-01 10:60', '99999999999999999999', 'yesterday']) {
        expect([text, parseDateMath(text, 0, { zone: 'utc' })]).toEqual([text, grafana.dateMath.toDateTime(text, { timezone: 'utc' })?.valueOf() ?? NaN]);
    }
});

test('intervals round as Grafana rounds them', () => {
    const random = generator(5);
    for (let i = 0; i < 2000; i++) {
        const ms = random() * 10 ** (random() * 12);
        expect([ms, roundInterval(ms)]).toEqual([ms, grafana.rangeUtil.roundInterval(ms)]);
    }
});
