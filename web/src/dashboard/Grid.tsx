/* Grid: rows and panels where the dashboard puts them; a narrow window shows them below each other. */
import { useMemo } from 'react';
import { arrange, COLUMNS, GAP_PX, gridHeight, gridRows, repeatPlaces, ROW_PX, type Placed } from '../grafana/layout';
import type { Scope, VariableValue } from '../grafana/interpolate';
import type { GridPos, PanelModel } from '../grafana/model';
import { Icon } from '../ui';

/* Below this width there is one column. */
const NARROW_PX = 640;

export interface GridItem {
    key: string;
    panel: PanelModel;
    /* The values of a repeat. */
    extra?: Scope['variables'];
}

interface GridProps {
    panels: readonly PanelModel[];
    values: Scope['variables'];
    width: number;
    folded: ReadonlySet<number>;
    onFold: (row: PanelModel) => void;
    fill: (text: string) => string;
    children: (item: GridItem, size: { width: number; height: number }) => React.ReactNode;
}

function repeated(name: string | undefined, values: Scope['variables']): VariableValue[] | undefined {
    const found = name ? values.get(name) : undefined;
    if (!found || !Array.isArray(found.value) || found.value.length === 0) {
        return undefined;
    }
    const texts = Array.isArray(found.text) && found.text.length === found.value.length ? found.text : found.value;
    return found.value.map((value, i) => ({ value, text: texts[i]!, isMulti: found.isMulti }));
}

interface Expanded extends GridItem {
    gridPos: GridPos;
}

/* Repeated panels become as many as their variable has values; what stands below moves down. */
function expand(panels: readonly PanelModel[], values: Scope['variables']): Expanded[] {
    const result: Expanded[] = [];
    let shift = 0;
    for (const panel of [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x)) {
        const place = { ...panel.gridPos, y: panel.gridPos.y + shift };
        const list = repeated(panel.repeat, values);
        if (!list || panel.type === 'row') {
            result.push({ key: String(panel.id), panel, gridPos: place });
            continue;
        }
        const { places, growth } = repeatPlaces(place, list.length, panel.repeatDirection, panel.maxPerRow);
        list.forEach((value, i) => result.push({ key: `${panel.id}-${i}`, panel, gridPos: places[i]!, extra: new Map([[panel.repeat!, value]]) }));
        shift += growth;
    }
    return result;
}

/* A repeated row brings its panels once for each value. */
function expandRows(panels: readonly PanelModel[], values: Scope['variables']): { panel: PanelModel; extra?: Scope['variables']; key: string }[] {
    return panels.flatMap((panel) => {
        const list = panel.type === 'row' ? repeated(panel.repeat, values) : undefined;
        return list ? list.map((value, i) => ({ panel: i === 0 ? panel : { ...panel, id: panel.id * 1000 + i }, extra: new Map([[panel.repeat!, value]]) as Scope['variables'], key: `${panel.id}-${i}` })) : [{ panel, key: String(panel.id) }];
    });
}

function layout(panels: readonly PanelModel[], values: Scope['variables'], folded: ReadonlySet<number>): { placed: (Placed & { item: GridItem })[]; rows: number } {
    const rows = expandRows(panels, values);
    const items = new Map<PanelModel, GridItem>();
    const flat: PanelModel[] = [];
    let shift = 0;
    for (const { panel, extra, key } of rows) {
        const scope: Scope['variables'] = extra ? new Map([...values, ...extra]) : values;
        const inner = expand(panel.panels, scope).map((e, i) => {
            const copy = { ...e.panel, gridPos: e.gridPos };
            items.set(copy, { key: `${key}/${e.key}/${i}`, panel: e.panel, extra: extra || e.extra ? new Map([...(extra ?? []), ...(e.extra ?? [])]) : undefined });
            return copy;
        });
        const copy: PanelModel = { ...panel, panels: inner, gridPos: { ...panel.gridPos, y: panel.gridPos.y + shift } };
        shift += extra ? 1 : 0;
        items.set(copy, { key: `row-${key}`, panel: copy, ...(extra ? { extra } : {}) });
        flat.push(copy);
    }
    const top = expand(flat, values).map((e) => {
        const copy = { ...e.panel, gridPos: e.gridPos };
        const known = items.get(e.panel);
        items.set(copy, { key: e.extra ? e.key : (known?.key ?? e.key), panel: copy, extra: e.extra ?? known?.extra });
        return copy;
    });
    const placed = arrange(top, (row) => folded.has(row.id)).map((p) => ({ ...p, item: items.get(p.panel)! }));
    return { placed, rows: gridRows(placed) };
}

export function Grid({ panels, values, width, folded, onFold, fill, children }: GridProps) {
    const { placed, rows } = useMemo(() => layout(panels, values, folded), [panels, values, folded]);
    const narrow = width < NARROW_PX;
    const columnPx = (width + GAP_PX) / COLUMNS;
    let y = 0;
    const boxes = placed.map(({ place, panel, item }) => {
        const height = panel.type === 'row' ? ROW_PX : gridHeight(place.h);
        const box = narrow
            ? { left: 0, top: y, width, height }
            : { left: Math.round(place.x * columnPx), top: place.y * (ROW_PX + GAP_PX), width: Math.round(place.w * columnPx - GAP_PX), height };
        y += height + GAP_PX;
        return { box, panel, item };
    });
    return (
        <div className="grid" style={{ height: narrow ? y : gridHeight(rows) }}>
            {boxes.map(({ box, panel, item }) => (
                <div key={item.key} className="grid-cell" style={{ left: box.left, top: box.top, width: box.width, height: box.height }}>
                    {panel.type === 'row' ? (
                        <button type="button" className="grid-row" aria-expanded={!folded.has(panel.id)} onClick={() => onFold(panel)}>
                            <Icon name={folded.has(panel.id) ? 'right' : 'down'} size={13} />
                            <b>{item.extra ? fillWith(fill, panel.title, item.extra) : fill(panel.title)}</b>
                            {folded.has(panel.id) && <span className="muted">{panel.panels.length > 0 ? `${panel.panels.length} panels` : ''}</span>}
                        </button>
                    ) : children(item, box)}
                </div>
            ))}
        </div>
    );
}

function fillWith(fill: (text: string) => string, text: string, extra: Scope['variables']): string {
    let result = text;
    for (const [name, value] of extra) {
        const shown = String(value.text ?? value.value);
        result = result.replaceAll(`\${${name}}`, shown).replaceAll(`[[${name}]]`, shown).replace(new RegExp(`\\$${name}\\b`, 'g'), shown);
    }
    return fill(result);
}
