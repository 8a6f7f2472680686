import { describe as group, expect, test } from 'vitest';
import { describe, faultOf, fromInterval, newRecurrence, toInterval } from './recurrence';

group('an interval goes through the form and back', () => {
    test.each([
        ['days and times', { weekdays: ['saturday', 'sunday'], times: [{ start_time: '22:00', end_time: '24:00' }], location: 'Europe/Vienna' }],
        ['several times', { times: [{ start_time: '00:00', end_time: '06:00' }, { start_time: '22:00', end_time: '24:00' }] }],
        ['what the form does not show', { weekdays: ['monday'], months: ['january:march'], days_of_month: ['1:7'], years: ['2027'] }],
    ])('%s', (_name, interval) => expect(toInterval(fromInterval(interval))).toEqual(interval));

    test('a range of days becomes its days, over the end of the week too', () => {
        expect(fromInterval({ weekdays: ['monday:wednesday', 'Friday'] }).days).toEqual(['monday', 'tuesday', 'wednesday', 'friday']);
        expect(fromInterval({ weekdays: ['saturday:monday'] }).days).toEqual(['monday', 'saturday', 'sunday']);
        expect(fromInterval({ weekdays: ['someday'] }).days).toEqual([]);
    });

    test('all days and UTC are left out', () => {
        expect(toInterval({ ...newRecurrence('UTC'), days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], times: '9:00-17:30' })).toEqual({ times: [{ start_time: '09:00', end_time: '17:30' }] });
    });
});

test.each([
    ['22:00-24:00', null], ['', null], ['6:00-7:00, 8:00–9:00', null], ['22:00', 'no time'], ['25:00-26:00', 'no time'], ['22:00-06:00', 'ends before'], ['9:00-9:00', 'ends before'], ['1:00-2:00-3:00', 'no time'],
])('the times "%s"', (times, fault) => {
    const found = faultOf({ ...newRecurrence('UTC'), times });
    expect(fault === null ? found : found?.includes(fault)).toBe(fault === null ? null : true);
});

test('nothing chosen is a fault', () => expect(faultOf({ days: [], times: ' ', location: 'UTC', kept: {} })).toContain('always'));

test.each([
    [{ weekdays: ['monday:friday'], times: [{ start_time: '22:00', end_time: '24:00' }], location: 'Europe/Vienna' }, 'Mon–Fri, 22:00–24:00 (Europe/Vienna)'],
    [{ weekdays: ['saturday', 'sunday'] }, 'Sat, Sun, all day (UTC)'],
    [{ weekdays: ['monday', 'wednesday:friday'] }, 'Mon, Wed–Fri, all day (UTC)'],
    [{ days_of_month: ['1', '-1'], times: [{ start_time: '03:00', end_time: '04:00' }] }, 'every day, days 1, -1, 03:00–04:00 (UTC)'],
])('in words: %j', (interval, text) => expect(describe(interval)).toBe(text));
