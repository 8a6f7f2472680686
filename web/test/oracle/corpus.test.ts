/* The corpus of dashboards: each loads and migrates, its JSON stays as it was, and what of it is not supported is what was recorded. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Json } from '../../src/grafana/json';
import { migrateDashboard } from '../../src/grafana/migrate';
import { allPanels, readDashboard } from '../../src/grafana/model';
import { TRANSFORM_IDS } from '../../src/grafana/transform';
import { unsupported } from './support';

const ROOT = new URL('../../../', import.meta.url);
const PACKS = ['orfeas', 'e2e3d', 'orchestrator', 'pybase'].map((p) => `packs/${p}/dashboards/`);
const FOLDERS = ['tests/web/boards/', 'tests/web/corpus/', 'tests/web/dashboards/', 'tests/web/fixed/', ...PACKS];
const FILES = FOLDERS.flatMap((dir) => readdirSync(new URL(dir, ROOT)).filter((f) => f.endsWith('.json')).map((f) => dir + f));

/* Support may only grow: a line leaves this list when its part is built. Everything else is supported whole. */
const UNSUPPORTED: Record<string, string[]> = {
    'tests/web/boards/23-unknown-panel.json': ['panel grafana-polystat-panel'],
    'tests/web/corpus/27-unknown-parts.json': [
        'cell vendor-cell', 'colour mode vendor-rainbow', 'data source loki', 'data source tempo', 'matcher byVendor', 'panel geomap', 'panel logs', 'panel news', 'panel traces',
        'reducer vendorCalc', 'transformation vendorMagic', 'variable v',
    ],
    'tests/web/fixed/golden.json': ['panel vendor-flow-panel'],
};

test.each(FILES)('%s', (file) => {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    const json = JSON.parse(text) as Json;
    const board = readDashboard(migrateDashboard(json));
    expect(JSON.stringify(json)).toBe(JSON.stringify(JSON.parse(text)));
    expect(allPanels(board.panels).length).toBeGreaterThan(0);
    expect(unsupported(board)).toEqual(UNSUPPORTED[file] ?? []);
    /* Migration of what was migrated changes nothing. */
    const once = migrateDashboard(json);
    expect(readDashboard(migrateDashboard(structuredClone(once)))).toEqual(readDashboard(once));
});

test('the corpus is there', () => expect(FILES.length).toBeGreaterThan(45));

test('every transformation, matcher and kind of variable that there is stands in the corpus', () => {
    const read = (name: string) => readDashboard(migrateDashboard(JSON.parse(readFileSync(new URL(`tests/web/corpus/${name}`, ROOT), 'utf8')) as Json));
    expect(TRANSFORM_IDS.filter((id) => !read('26-every-transformation.json').panels.some((p) => p.transformations.some((t) => t.id === id)))).toEqual([]);
    expect([...new Set(read('28-every-variable.json').variables.map((v) => v.type))].sort()).toEqual(['adhoc', 'constant', 'custom', 'datasource', 'interval', 'query', 'textbox']);
});
