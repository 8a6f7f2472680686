import { describe, expect, it } from 'vitest';
import { getOption, propertyId, setOption } from '../dashboard/options';
import { isRecord, type Json } from '../grafana/json';
import { migratePanel } from '../grafana/migrate';
import { findReducer } from '../grafana/reduce';
import { PANELS } from './index';
import { KINDS, kindOf, rowsOf } from './kinds';

describe('kinds of panels', () => {
    it('are those that can be drawn', () => {
        expect(Object.keys(KINDS).sort()).toEqual(Object.keys(PANELS).sort());
        expect(Object.entries(KINDS).filter(([id, kind]) => kind.isPlain === true && PANELS[id]!.needsNoData !== true)).toEqual([]);
        expect(kindOf('nobody-knows').rows).toEqual([]);
        expect(kindOf('constructor').rows).toEqual([]);
    });

    it.each(Object.keys(KINDS))('%s: its options are named once, and each can be chosen and taken away', (type) => {
        const rows = rowsOf(type);
        const names = rows.map((r) => `${r.in} ${r.id}`);
        expect(names).toEqual([...new Set(names)]);
        const panel: Json = { id: 1, type, title: 't', gridPos: { x: 0, y: 0, w: 1, h: 1 }, targets: [], fieldConfig: { defaults: {}, overrides: [] }, options: {} };
        for (const row of rows) {
            const value = row.kind === 'select' || row.kind === 'segments' ? row.choices[0]!.value : row.kind === 'number' ? 3 : row.kind === 'switch' ? true : row.kind === 'links' || row.kind === 'mappings' || row.kind === 'choices' || row.kind === 'reducers' || row.kind === 'texts' ? [] : row.kind === 'thresholds' ? { mode: 'absolute', steps: [] } : row.kind === 'color' ? { mode: 'fixed' } : 'x';
            const set = setOption(panel, row, value);
            expect(getOption(set, row), row.id).toEqual(value);
            /* What the editor writes is in the newest form: it is read back as it is. */
            expect(getOption(migratePanel(structuredClone(set)), row), row.id).toEqual(value);
            expect(getOption(setOption(set, row, undefined), row), row.id).toBeUndefined();
        }
    });

    it('choices hold what counts where nothing is said', () => {
        for (const type of Object.keys(KINDS)) {
            for (const row of rowsOf(type)) {
                if ((row.kind === 'select' || row.kind === 'segments') && row.fallback !== undefined) {
                    expect(row.choices.map((c) => c.value), `${type} ${row.id}`).toContain(row.fallback);
                }
                expect(row.kind !== 'reducer' || findReducer(String(row.fallback)) !== undefined).toBe(true);
                expect(isRecord(row) && propertyId(row) !== '').toBe(true);
            }
        }
    });
});
