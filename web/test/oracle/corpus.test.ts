/* The corpus of dashboards: each loads and migrates, its file stays as it was, and no panel of it is unknown but those listed. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Json } from '../../src/grafana/json';
import { migrateDashboard } from '../../src/grafana/migrate';
import { allPanels, readDashboard } from '../../src/grafana/model';
import { TRANSFORM_IDS } from '../../src/grafana/transform';

const ROOT = new URL('../../../', import.meta.url);
const PACKS = ['orfeas', 'e2e3d', 'orchestrator', 'pybase'].map((p) => `packs/${p}/dashboards/`);
const FILES = ['tests/web/boards/', ...PACKS].flatMap((dir) => readdirSync(new URL(dir, ROOT)).filter((f) => f.endsWith('.json')).map((f) => dir + f));

/* Support may only grow: a type leaves this list when it is built. */
const UNKNOWN: Record<string, string[]> = { 'tests/web/boards/23-unknown-panel.json': ['grafana-polystat-panel'] };
const TYPES = ['alertlist', 'barchart', 'bargauge', 'dashlist', 'gauge', 'heatmap', 'histogram', 'piechart', 'row', 'stat', 'state-timeline', 'status-history', 'table', 'text', 'timeseries', 'trend'];

test.each(FILES)('%s', (file) => {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    const json = JSON.parse(text) as Json;
    const board = readDashboard(migrateDashboard(json));
    expect(JSON.stringify(json)).toBe(JSON.stringify(JSON.parse(text)));
    const panels = allPanels(board.panels);
    expect(panels.length).toBeGreaterThan(0);
    expect(panels.map((p) => p.type).filter((t) => !TYPES.includes(t))).toEqual(UNKNOWN[file] ?? []);
    expect(panels.flatMap((p) => p.transformations.map((t) => t.id)).filter((id) => !TRANSFORM_IDS.includes(id))).toEqual([]);
    /* Migration of what was migrated changes nothing. */
    const once = migrateDashboard(json);
    expect(readDashboard(migrateDashboard(structuredClone(once)))).toEqual(readDashboard(once));
});

test('the corpus is there', () => expect(FILES.length).toBeGreaterThan(30));
