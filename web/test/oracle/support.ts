/* support: what of a dashboard is not known here. A panel shows it then as well as it can, and says so; support may only grow. */
import { paletteColor, scaleColors } from '../../src/grafana/color';
import { asArray, asRecord, asText } from '../../src/grafana/json';
import { allPanels, isOwnSource, type DashboardModel, type PanelModel } from '../../src/grafana/model';
import { findReducer } from '../../src/grafana/reduce';
import { TRANSFORM_IDS } from '../../src/grafana/transform';
import { PANELS } from '../../src/panels';

const MATCHERS = ['byName', 'byRegexp', 'byNames', 'byType', 'byTypes', 'numeric', 'time', 'byFrameRefID', 'byValue'];
const COLOR_MODES = ['thresholds', 'fixed', 'shades'];
const CELLS = ['auto', 'color-text', 'color-background', 'color-background-solid', 'gauge', 'gradient-gauge', 'lcd-gauge', 'basic', 'json-view', 'sparkline', 'data-links', 'image', 'pill'];

function isColorMode(mode: string): boolean {
    return COLOR_MODES.includes(mode) || paletteColor(mode, 0, '', 'dark') !== undefined || scaleColors(mode, 'dark') !== undefined;
}

function ofConfig(panel: PanelModel): string[] {
    const { defaults, overrides } = panel.fieldConfig;
    const cell = asText(asRecord(asRecord(defaults.custom).cellOptions).type);
    return [
        ...(defaults.color?.mode && !isColorMode(defaults.color.mode) ? [`colour mode ${defaults.color.mode}`] : []),
        ...(cell && !CELLS.includes(cell) ? [`cell ${cell}`] : []),
        ...overrides.filter((o) => !MATCHERS.includes(o.matcher.id)).map((o) => `matcher ${o.matcher.id}`),
    ];
}

/** unsupported names every such part of a dashboard once, sorted. */
export function unsupported(board: DashboardModel): string[] {
    const panels = allPanels(board.panels);
    const found = [
        ...panels.filter((p) => p.type !== 'row' && !(p.type in PANELS)).map((p) => `panel ${p.type}`),
        ...panels.flatMap((p) => p.transformations.map((t) => t.id).filter((id) => !TRANSFORM_IDS.includes(id)).map((id) => `transformation ${id}`)),
        ...panels.flatMap((p) => p.targets.map((t) => t.source ?? p.source).filter((source) => !isOwnSource(source)).map((source) => `data source ${source?.type}`)),
        ...panels.flatMap((p) => asArray(asRecord(p.options.reduceOptions).calcs).map(String).filter((id) => !findReducer(id)).map((id) => `reducer ${id}`)),
        ...panels.flatMap(ofConfig),
        ...board.variables.filter((v) => v.type === 'unknown').map((v) => `variable ${v.name}`),
    ];
    return [...new Set(found)].sort();
}
