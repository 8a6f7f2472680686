/* paint: what colour a count of a heatmap has. */
import { interpolateColors, namedColor, scaleColors, type Look } from '../../grafana/color';
import { asNumber, asRecord, asText, own, type Json } from '../../grafana/json';

export interface Paint {
    /* From the least to the most, for what explains them. */
    colors: readonly string[];
    low: number;
    high: number;
    /* Undefined: it is not drawn. */
    colorOf: (count: number) => string | undefined;
}

/* Schemes of Grafana's heatmap, from little to much; unknown ones are oranges. */
const SCHEMES: Record<string, readonly string[]> = {
    Oranges: ['#2b2118', '#7a3e12', '#c4621a', '#f28e2b', '#ffd199'], Blues: ['#152238', '#1f4e8c', '#3a7fd0', '#7fb2ee', '#d3e6fb'], Greens: ['#14261a', '#1f5b33', '#379a55', '#7fcf93', '#d9f2de'],
    Reds: ['#2c1517', '#7a1f26', '#c23a3a', '#ee7d72', '#fbd6d0'], Purples: ['#211a30', '#4d3a86', '#7b62c4', '#ad9be6', '#e3dcf8'], Greys: ['#1d1f23', '#4a4e57', '#828893', '#b9bec7', '#eceef1'],
};
const STEPS = 64;
const STEPS_MAX = 128;

function schemeOf(color: Json, look: Look): readonly string[] {
    if (color.mode === 'opacity') {
        const fill = namedColor(asText(color.fill) ?? 'dark-orange', look);
        return [look === 'dark' ? '#1d1f23' : '#f4f5f5', fill];
    }
    const scheme = asText(color.scheme) ?? 'Oranges';
    const perceptual = scaleColors(`continuous-${scheme.toLowerCase()}`, look);
    const list = perceptual ?? own(SCHEMES, scheme) ?? SCHEMES.Oranges!;
    return look === 'light' && !perceptual ? [...list].reverse() : list;
}

/** scaleShare is where a count stands on the scale, from 0 to 1. */
export function scaleShare({ low, high }: Pick<Paint, 'low' | 'high'>, count: number): number {
    return Math.min(1, Math.max(0, (count - low) / (high - low || 1)));
}

/** paintOf reads the options of a heatmap whose largest count is `most`. */
export function paintOf(options: Json, look: Look, most: number): Paint {
    const color = asRecord(options.color);
    const filter = asRecord(options.filterValues);
    const scheme = schemeOf(color, look);
    const colors = color.reverse === true ? [...scheme].reverse() : scheme;
    const low = asNumber(color.min) ?? 0;
    const high = asNumber(color.max) ?? most;
    const exponent = asNumber(color.exponent) ?? 0.5;
    const steps = Math.round(Math.min(STEPS_MAX, Math.max(2, asNumber(color.steps) ?? STEPS)));
    const scale = Array.from({ length: steps }, (_, i) => interpolateColors(colors, i / (steps - 1)));
    const [hiddenTo, hiddenFrom] = [Math.max(0, asNumber(filter.le) ?? 0), asNumber(filter.ge) ?? Infinity];
    return {
        colors, low, high,
        colorOf: (count) => {
            const share = scaleShare({ low, high }, count) ** exponent;
            return count > hiddenTo && count < hiddenFrom ? scale[Math.min(steps - 1, Math.floor(share * steps))] : undefined;
        },
    };
}
