/* Names: what a field is called in legends and tables, and what a legend's format makes of labels. */
import type { Field, Frame } from './frame';
import { own } from './json';

export const TIME_NAME = 'Time';
export const VALUE_NAME = 'Value';

export type Labels = Record<string, string>;

/** formatLabels writes {a="b", c="d"}; empty when there is none. */
export function formatLabels(labels: Labels | undefined): string {
    const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    return pairs.length === 0 ? '' : `{${pairs.map(([k, v]) => `${k}="${v}"`).join(', ')}}`;
}

/** seriesName writes name{a="b"} as Prometheus does. */
export function seriesName(labels: Labels): string {
    const { __name__: name = '', ...rest } = labels;
    return `${name}${formatLabels(rest)}` || '{}';
}

/** legendName fills {{label}} of a legend's format; nothing stands for a label that is not there, as in Grafana. */
export function legendName(format: string, labels: Labels): string {
    return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_all, name: string) => own(labels, name) ?? '');
}

/* The one label that tells all series apart, when all have just that one. */
function onlyLabel(frames: readonly Frame[]): string | undefined {
    let only: string | undefined;
    for (const frame of frames) {
        for (const field of frame.fields) {
            for (const name of Object.keys(field.labels ?? {})) {
                if (only !== undefined && only !== name) {
                    return undefined;
                }
                only = name;
            }
        }
    }
    return only;
}

/* "Value 2" for the second field of that name. */
function numbered(field: Field, frame: Frame | undefined): string {
    const same = (frame?.fields ?? []).filter((f) => f.name === field.name);
    const place = same.indexOf(field);
    return same.length > 1 && place >= 0 ? `${field.name} ${place + 1}` : field.name;
}

/** fieldName is what a field is called among the frames of a panel. */
export function fieldName(field: Field, frame?: Frame, frames?: readonly Frame[]): string {
    const { displayName, displayNameFromDS } = field.config;
    if (displayName) {
        return displayName;
    }
    if (frame && displayNameFromDS) {
        return displayNameFromDS;
    }
    if (field.type === 'time' && !field.labels) {
        return field.name || TIME_NAME;
    }
    const parts: string[] = [];
    const namesDiffer = (frames ?? []).some((f, i) => i > 0 && f.name !== frames![i - 1]!.name);
    let hasFrameName = false;
    let hasLabels = false;
    if (namesDiffer && frame?.name) {
        parts.push(frame.name);
        hasFrameName = true;
    }
    if (field.name && field.name !== VALUE_NAME) {
        parts.push(field.name);
    }
    if (field.labels && frame) {
        const only = onlyLabel(frames ?? [frame]);
        const text = only === undefined ? formatLabels(field.labels) : field.labels[only];
        if (text) {
            parts.push(text);
            hasLabels = true;
        }
    }
    if (frame?.name && !hasFrameName && !hasLabels && field.name === VALUE_NAME) {
        parts.push(frame.name);
    }
    const name = parts.join(' ') || field.name || VALUE_NAME;
    return name === field.name ? numbered(field, frame) : name;
}

/** frameName is what a frame is called where frames are listed. */
export function frameName(frame: Frame, index?: number): string {
    if (frame.name) {
        return frame.name;
    }
    const values = frame.fields.filter((f) => f.type !== 'time');
    if (values.length === 1) {
        return fieldName(values[0]!, frame);
    }
    if (index === undefined && values.length > 0) {
        return values.map((f) => fieldName(f, frame)).join(', ');
    }
    return `Series (${frame.refId ?? index})`;
}
