/* ownColors: series of dashboards in our own colours, where a palette gives them theirs: each keeps its own, whatever stands beside it. */
import { colorsFor } from '../draw/colors';
import type { Look } from '../grafana/color';
import type { Field, Frame } from '../grafana/frame';

const hasPalette = (field: Field): boolean => field.type === 'number' && field.config.color?.mode?.startsWith('palette-') === true;

/* A series of another metric with the same labels has the same colour. */
function keyOf(field: Field): string {
    const labels = Object.entries(field.labels ?? {}).filter(([name]) => name !== '__name__').sort(([a], [b]) => (a < b ? -1 : 1));
    return labels.length > 0 ? JSON.stringify(labels) : (field.state?.displayName ?? field.name);
}

/** withOwnColors gives frames whose series have colours by the hash of their labels; colours that were chosen stay. */
export function withOwnColors(frames: readonly Frame[], look: Look): Frame[] {
    const keys = frames.flatMap((frame) => frame.fields.filter(hasPalette).map(keyOf));
    /* Of several fields with the same labels each needs a colour all the same. */
    const same = new Set(keys).size < keys.length;
    const nameOf = (field: Field): string => (same ? (field.state?.displayName ?? field.name) : keyOf(field));
    const names = frames.flatMap((frame) => frame.fields.filter(hasPalette).map(nameOf));
    const colors = new Map(colorsFor(names, look).map((color, i) => [names[i]!, color]));
    return frames.map((frame) => ({ ...frame, fields: frame.fields.map((field) => (hasPalette(field) ? { ...field, config: { ...field.config, color: { mode: 'fixed', fixedColor: colors.get(nameOf(field))! } } } : field)) }));
}
