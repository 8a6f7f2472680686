import { describe, expect, it } from 'vitest';
import { choice, getOption, isShown, overridable, propertyId, propertyPath, setOption, withType, type OptionRow, type PanelKind } from './options';

const row = (id: string, place: OptionRow['in'] = 'options', more: Partial<OptionRow> = {}): OptionRow => ({ in: place, id, group: 'g', label: id, kind: 'text', ...more }) as OptionRow;

describe('options', () => {
    it.each([
        [row('title', 'panel'), '{"title":"x"}'],
        [row('unit', 'field'), '{"fieldConfig":{"defaults":{"unit":"x"}}}'],
        [row('stacking.mode', 'custom'), '{"fieldConfig":{"defaults":{"custom":{"stacking":{"mode":"x"}}}}}'],
        [row('legend.displayMode'), '{"options":{"legend":{"displayMode":"x"}}}'],
        [row('reduceOptions.calcs.0'), '{"options":{"reduceOptions":{"calcs":["x"]}}}'],
        [row('sortBy.0.displayName'), '{"options":{"sortBy":[{"displayName":"x"}]}}'],
    ])('are written where files have them: %o', (one, want) => {
        const json = setOption({}, one, 'x');
        expect(JSON.stringify(json)).toBe(want);
        expect(getOption(json, one)).toBe('x');
        expect(getOption({}, one)).toBeUndefined();
        expect(getOption(setOption(json, one, undefined), one)).toBeUndefined();
        expect(JSON.stringify(setOption({}, one, undefined))).not.toContain('null');
    });

    it('of a list go into the list that is there', () => {
        expect(setOption({ options: { reduceOptions: { calcs: ['a', 'b'] } } }, row('reduceOptions.calcs.0'), 'x')).toEqual({ options: { reduceOptions: { calcs: ['x', 'b'] } } });
        expect(setOption({ options: { reduceOptions: { calcs: [] } } }, row('reduceOptions.calcs.0'), 'x')).toEqual({ options: { reduceOptions: { calcs: ['x'] } } });
    });

    it('are shown when others say so, and those of overrides never', () => {
        const when = row('a', 'options', { when: (get) => get('panel', 'repeat') === 'job' });
        expect([isShown({}, when), isShown({ repeat: 'job' }, when), isShown({}, row('b', 'custom', { overrideOnly: true }))]).toEqual([false, true, false]);
    });
});

describe('overrides', () => {
    it.each([
        [row('unit', 'field'), 'unit', []],
        [row('lineWidth', 'custom'), 'custom.lineWidth', []],
        [row('stacking.mode', 'custom'), 'custom.stacking', ['mode']],
    ])('name properties as Grafana does: %o', (one, id, path) => {
        expect([propertyId(one), propertyPath(one)]).toEqual([id, path]);
    });

    it('have the options of fields alone', () => {
        expect(overridable([row('a'), row('b', 'custom'), row('c', 'field'), row('d', 'panel')]).map((r) => r.id)).toEqual(['b', 'c']);
    });
});

describe('another type', () => {
    const lines: PanelKind = { name: 'l', hint: '', rows: [row('legend.showLegend'), row('lineWidth', 'custom')] };
    const stat: PanelKind = { name: 's', hint: '', rows: [row('reduceOptions.calcs.0'), row('colorMode')] };
    const panel = { id: 1, own: 1, type: 'l', options: { legend: { showLegend: false }, own: 1 }, fieldConfig: { defaults: { unit: 's', custom: { lineWidth: 3 } }, overrides: [{ matcher: { id: 'byName' } }] }, targets: [{ expr: 'up' }] };

    it('keeps what is no matter of the type, and gives the old one back', () => {
        const other = withType(panel, 's', stat, new Map());
        expect(other).toEqual({ id: 1, own: 1, type: 's', options: {}, fieldConfig: { defaults: { unit: 's' }, overrides: panel.fieldConfig.overrides }, targets: panel.targets });
        expect(withType(other, 'l', lines, new Map([['l', panel]]))).toEqual(panel);
    });

    it('keeps the parts that both know', () => {
        expect(withType(panel, 'm', lines, new Map()).options).toEqual({ legend: { showLegend: false } });
        expect(withType({ type: 'x', fieldConfig: { defaults: {}, overrides: [] } }, 's', stat, new Map()).fieldConfig).toEqual({ defaults: {}, overrides: [] });
    });
});

it('a choice is a value with its label', () => expect(choice(1, 'one')).toEqual({ value: 1, label: 'one' }));
