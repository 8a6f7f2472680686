/* gradient: how an area is coloured from its foot to its top. */
import { namedColor, parseColor, type Look } from '../grafana/color';
import { fieldColor, fieldLimits, isByValue } from '../grafana/fieldconfig';
import type { Field } from '../grafana/frame';
import { asRecord, asText } from '../grafana/json';
import { mix } from './colors';

/* Colours by value, from below; hard: each counts up to the next. */
export interface ColorStops {
    stops: { at: number; color: string }[];
    hard: boolean;
}

/* The area fades downwards, darkens downwards, or is coloured by value. */
export type Gradient = 'opacity' | 'hue' | ColorStops;

/** hexColor is a colour as #rrggbb: the canvas knows nothing else. */
export function hexColor(css: string): string {
    const c = parseColor(css);
    const two = (n: number): string => Math.round(n).toString(16).padStart(2, '0');
    return c ? `#${two(c.r)}${two(c.g)}${two(c.b)}` : '#808080';
}

/* Samples of a continuous colour scale. */
const SCALE_STOPS = 9;

/** stepsOf gives the steps of thresholds as values: shares are of the field's limits. */
export function stepsOf(field: Field): { at: number; color: string }[] {
    const { thresholds } = field.config;
    const { min, max } = fieldLimits(field);
    const isShare = thresholds?.mode === 'percentage';
    return (thresholds?.steps ?? []).map(({ value, color }) => ({ at: value === null || value === undefined ? -Infinity : isShare ? min + ((max - min) * value) / 100 : value, color }));
}

/** gradientOf reads a field's gradient mode; "scheme" colours by value, whatever the mode that gives each value its colour. */
export function gradientOf(field: Field, look: Look): Gradient | undefined {
    const mode = asText(asRecord(field.config.custom).gradientMode);
    if (mode === 'opacity' || mode === 'hue') {
        return mode;
    }
    if (mode !== 'scheme' || !isByValue(field.config.color?.mode)) {
        return undefined;
    }
    const isScale = field.config.color?.mode?.startsWith('continuous-') === true;
    const { min, max } = fieldLimits(field);
    const values = Array.from({ length: SCALE_STOPS }, (_, i) => min + ((max - min) * i) / (SCALE_STOPS - 1));
    const stops = isScale ? values.map((at) => ({ at, color: hexColor(fieldColor(field, at, look)) })) : stepsOf(field).map(({ at, color }) => ({ at, color: hexColor(namedColor(color, look)) }));
    return stops.length > 0 ? { stops, hard: !isScale } : undefined;
}

/** footOf is what an area of a colour has at its foot. */
export function footOf(gradient: 'opacity' | 'hue', color: string): { color: string; opacity: number } {
    return gradient === 'hue' ? { color: mix(color, '#000000', 0.45), opacity: 1 } : { color, opacity: 0 };
}

/** stopsOf gives the colours along an axis; `share` is where a value stands on it, from 0 to 1. */
export function stopsOf({ stops, hard }: ColorStops, share: (value: number) => number): { share: number; color: string }[] {
    return stops.flatMap(({ at, color }, i) => (hard ? [{ share: share(at), color }, { share: share(stops[i + 1]?.at ?? Infinity), color }] : [{ share: share(at), color }]));
}
