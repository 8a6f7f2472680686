/*
 * Colours: Grafana's named hues and palettes in its dark and its light look, so that an imported dashboard has its own
 * colours; scales from a value to a colour. Hues and palettes as @grafana/data 13.2 has them; test/oracle compares.
 */

import { own } from './json';

export type Look = 'dark' | 'light';

/* Each hue from the lightest to the darkest. The light look is one step darker. */
const SHADES = ['super-light-', 'light-', '', 'semi-dark-', 'dark-'];
const HUES: Record<string, readonly string[]> = {
    red: ['#FFA6B0', '#FF7383', '#F2495C', '#E02F44', '#C4162A', '#AD0317'],
    orange: ['#FFCB7D', '#FFB357', '#FF9830', '#FF780A', '#FA6400', '#E55400'],
    yellow: ['#FFF899', '#FFEE52', '#FADE2A', '#F2CC0C', '#E0B400', '#CC9D00'],
    green: ['#C8F2C2', '#96D98D', '#73BF69', '#56A64B', '#37872D', '#19730E'],
    blue: ['#C0D8FF', '#8AB8FF', '#5794F2', '#3274D9', '#1F60C4', '#1250B0'],
    purple: ['#DEB6F2', '#CA95E5', '#B877D9', '#A352CC', '#8F3BB8', '#7C2EA3'],
};

const OTHER: Record<Look, Record<string, string>> = {
    dark: { 'panel-bg': '#181b1f', text: 'rgb(204, 204, 220)', transparent: 'rgba(0,0,0,0)' },
    light: { 'panel-bg': '#ffffff', text: 'rgba(36, 41, 46, 1)', transparent: 'rgba(255, 255, 255, 0)' },
};

/** What a colour is when none was chosen. */
export const FALLBACK_COLOR = '#808080';

export const CLASSIC_PALETTE: readonly string[] = [
    'green', 'semi-dark-yellow', 'blue', 'orange', 'red', 'purple', 'dark-green', 'dark-yellow', 'dark-blue', 'dark-orange', 'dark-red',
    'dark-purple', 'super-light-green', 'super-light-yellow', 'super-light-blue', 'super-light-orange', 'super-light-red', 'super-light-purple',
    '#447EBC', '#C15C17', '#890F02', '#0A437C', '#6D1F62', '#584477', '#B7DBAB', '#F4D598', '#70DBED', '#F9BA8F', '#F29191', '#82B5D8',
    '#E5A8E2', '#AEA2E0', '#629E51', '#E5AC0E', '#64B0C8', '#E0752D', '#BF1B00', '#0A50A1', '#962D82', '#614D93', '#9AC48A', '#F2C96D',
    '#65C5DB', '#F9934E', '#EA6460', '#5195CE', '#D683CE', '#806EB7', '#3F6833', '#967302', '#2F575E', '#99440A', '#58140C', '#052B51',
    '#511749', '#3F2B5B', '#E0F9D7', '#FCEACA', '#CFFAFF', '#F9E2D2', '#FCE2DE', '#BADFF4', '#F9D9F9', '#DEDAF7',
];

/* The eight of Okabe and Ito, and white. */
const COLORBLIND_PALETTE: readonly string[] = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#000000', '#FFFFFF'];

/** namedColor gives CSS of a name ("dark-red", "text") or of a colour that is CSS already. */
export function namedColor(name: string | undefined, look: Look): string {
    if (typeof name !== 'string' || name === '') {
        return FALLBACK_COLOR;
    }
    for (const [hue, shades] of Object.entries(HUES)) {
        if (name.endsWith(hue)) {
            const place = SHADES.indexOf(name.slice(0, name.length - hue.length));
            if (place >= 0) {
                return shades[place + (look === 'light' ? 1 : 0)]!;
            }
        }
    }
    return own(OTHER[look], name) ?? (name === 'gray' ? FALLBACK_COLOR : name === 'white' ? '#ffffff' : name === 'black' ? '#000000' : name);
}

// ---- numbers of colours ----

export interface Rgb {
    r: number; // 0..255
    g: number;
    b: number;
    a: number; // 0..1
}

/** parseColor reads #rgb, #rrggbb, #rrggbbaa, rgb() and rgba(); undefined for anything else. */
export function parseColor(css: string): Rgb | undefined {
    const hex = /^#([0-9a-f]{3,8})$/i.exec(css.trim())?.[1];
    if (hex && [3, 4, 6, 8].includes(hex.length)) {
        const wide = hex.length < 6 ? [...hex].map((c) => c + c).join('') : hex;
        const byte = (i: number): number => parseInt(wide.slice(i, i + 2), 16);
        return { r: byte(0), g: byte(2), b: byte(4), a: wide.length === 8 ? byte(6) / 255 : 1 };
    }
    const rgb = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+)(%?))?\s*\)$/i.exec(css.trim());
    if (!rgb) {
        return undefined;
    }
    const alpha = rgb[4] === undefined ? 1 : Number(rgb[4]) / (rgb[5] ? 100 : 1);
    return { r: Number(rgb[1]), g: Number(rgb[2]), b: Number(rgb[3]), a: alpha };
}

/** withAlpha gives the colour with that opacity, 0 to 1; a colour that cannot be read stays as it is. */
export function withAlpha(css: string, alpha: number): string {
    const c = parseColor(css);
    return c ? `rgba(${c.r}, ${c.g}, ${c.b}, ${Math.round(alpha * 1000) / 1000})` : css;
}

function luminance(c: Rgb): number {
    const part = (n: number): number => {
        const share = n / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
}

/** contrast is WCAG's ratio of two colours, 1 to 21; 1 when one cannot be read. */
export function contrast(a: string, b: string): number {
    const left = parseColor(a);
    const right = parseColor(b);
    if (!left || !right) {
        return 1;
    }
    const [high, low] = [luminance(left), luminance(right)].sort((x, y) => y - x) as [number, number];
    return (high + 0.05) / (low + 0.05);
}

/** textOn is black or white, whichever is read better on the colour. */
export function textOn(css: string): string {
    return contrast(css, '#ffffff') >= contrast(css, '#000000') ? '#ffffff' : '#000000';
}

/* WCAG AA for text. */
const TEXT_CONTRAST_MIN = 4.5;

/** readableColor is the colour where text of it can be read on a panel, else that of text. */
export function readableColor(css: string, look: Look): string {
    return contrast(css, OTHER[look]['panel-bg']!) >= TEXT_CONTRAST_MIN ? css : OTHER[look].text!;
}

// ---- scales ----

/* A uniform cubic B-spline through the colours, as d3-interpolate's rgbBasis: ends are met, the middle is smooth. */
function splineAt(values: readonly number[], share: number): number {
    const n = values.length - 1;
    const i = share <= 0 ? 0 : share >= 1 ? n - 1 : Math.floor(share * n);
    const t = Math.min(Math.max(share, 0), 1);
    const v1 = values[i]!;
    const v2 = values[i + 1]!;
    const v0 = i > 0 ? values[i - 1]! : 2 * v1 - v2;
    const v3 = i < n - 1 ? values[i + 2]! : 2 * v2 - v1;
    const u = (t - i / n) * n;
    const u2 = u * u;
    const u3 = u2 * u;
    return ((1 - 3 * u + 3 * u2 - u3) * v0 + (4 - 6 * u2 + 3 * u3) * v1 + (1 + 3 * u + 3 * u2 - 3 * u3) * v2 + u3 * v3) / 6;
}

/** interpolateColors gives the colour at a share, 0 to 1, of a scale through these. */
export function interpolateColors(colors: readonly string[], share: number): string {
    const parsed = colors.map((c) => parseColor(c) ?? { r: 128, g: 128, b: 128, a: 1 });
    if (parsed.length < 2) {
        return colors[0] ?? FALLBACK_COLOR;
    }
    const at = (part: 'r' | 'g' | 'b'): number =>
        Math.round(Math.min(255, Math.max(0, splineAt(parsed.map((c) => c[part]), Number.isNaN(share) ? 0 : share))));
    return `rgb(${at('r')}, ${at('g')}, ${at('b')})`;
}

/* Nine points each of matplotlib's perceptual scales. */
const PERCEPTUAL: Record<string, readonly string[]> = {
    'continuous-viridis': ['#440154', '#472d7b', '#3b528b', '#2c728e', '#21918c', '#28ae80', '#5ec962', '#addc30', '#fde725'],
    'continuous-magma': ['#000004', '#1d1147', '#51127c', '#832681', '#b73779', '#e75263', '#fc8961', '#fec488', '#fcfdbf'],
    'continuous-plasma': ['#0d0887', '#4c02a1', '#7e03a8', '#a82296', '#cc4778', '#e66c5c', '#f89540', '#fdc527', '#f0f921'],
    'continuous-inferno': ['#000004', '#210c4a', '#57106e', '#8a226a', '#bc3754', '#e45a31', '#f98e09', '#f9cb35', '#fcffa4'],
    'continuous-cividis': ['#002051', '#11366c', '#3c4d6e', '#62646f', '#7f7c75', '#9a9478', '#bbaf71', '#e2cb5c', '#fdea45'],
};

const SCALES: Record<string, readonly string[]> = {
    'continuous-GrYlRd': ['green', 'yellow', 'red'],
    'continuous-RdYlGr': ['red', 'yellow', 'green'],
    'continuous-BlYlRd': ['dark-blue', 'super-light-yellow', 'dark-red'],
    'continuous-YlRd': ['super-light-yellow', 'dark-red'],
    'continuous-BlPu': ['blue', 'purple'],
    'continuous-YlBl': ['super-light-yellow', 'dark-blue'],
    'continuous-blues': ['panel-bg', 'dark-blue'],
    'continuous-reds': ['panel-bg', 'dark-red'],
    'continuous-greens': ['panel-bg', 'dark-green'],
    'continuous-purples': ['panel-bg', 'dark-purple'],
};

/** scaleColors gives the colours of a continuous mode; undefined when the mode is none. */
export function scaleColors(mode: string, look: Look): readonly string[] | undefined {
    return own(PERCEPTUAL, mode) ?? own(SCALES, mode)?.map((c) => namedColor(c, look));
}

/* The string hash of the npm package string-hash (djb2, from the end), which picks colours by name in Grafana. */
function nameHash(text: string): number {
    let hash = 5381;
    for (let i = text.length; i > 0; i--) {
        hash = (hash * 33) ^ text.charCodeAt(i - 1);
    }
    return hash >>> 0;
}

/* Grafana asks for this much contrast of palettes that it filters. */
const CONTRAST_MIN = 3;

function readable(palette: readonly string[], look: Look): string[] {
    const background = OTHER[look]['panel-bg']!;
    return palette.map((c) => namedColor(c, look)).filter((c) => contrast(c, background) >= CONTRAST_MIN);
}

/** paletteColor gives the colour of the index-th series, or of its name, in a palette mode. */
export function paletteColor(mode: string, index: number, name: string, look: Look): string | undefined {
    switch (mode) {
        case 'palette-classic':
            return namedColor(CLASSIC_PALETTE[index % CLASSIC_PALETTE.length]!, look);
        case 'palette-classic-by-name': {
            const colors = readable(CLASSIC_PALETTE, look);
            return colors[nameHash(name) % colors.length];
        }
        case 'palette-colorblind': {
            const colors = readable(COLORBLIND_PALETTE, look);
            return colors[index % colors.length];
        }
        default:
            return undefined;
    }
}

// ---- shades ----

function toHsl(c: Rgb): [number, number, number] {
    const [r, g, b] = [c.r / 255, c.g / 255, c.b / 255];
    const high = Math.max(r, g, b);
    const low = Math.min(r, g, b);
    const l = (high + low) / 2;
    const d = high - low;
    if (d === 0) {
        return [0, 0, l];
    }
    const s = l > 0.5 ? d / (2 - high - low) : d / (high + low);
    const h = high === r ? (g - b) / d + (g < b ? 6 : 0) : high === g ? (b - r) / d + 2 : (r - g) / d + 4;
    return [h * 60, s, l];
}

function fromHsl(h: number, s: number, l: number): string {
    const part = (n: number): string => {
        const k = (n + h / 30) % 12;
        const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
        return Math.round(value * 255).toString(16).padStart(2, '0');
    };
    return `#${part(0)}${part(8)}${part(4)}`;
}

const SHADE_STEPS = 6;

/** shadeColor gives the index-th shade of a colour: lighter and darker in turn. */
export function shadeColor(css: string, index: number): string {
    const place = index % (2 * SHADE_STEPS - 1);
    const c = parseColor(css);
    if (place === 0 || !c) {
        return css;
    }
    const step = Math.ceil(place / 2) / SHADE_STEPS;
    const [h, s, l] = toHsl(c);
    const lighter = place % 2 === 1;
    const moved = Math.min(1, Math.max(0, l + (lighter ? 0.2 : -0.35) * step));
    return fromHsl((h + (lighter ? 10 : -10) * step + 360) % 360, s, moved);
}
