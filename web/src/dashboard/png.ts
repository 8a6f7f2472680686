/*
 * png: pictures of panels and dashboards, made by the page itself from what it shows, so that they look the same. Loaded when
 * the first one is wanted. Why not by the server: docs/decisions/png-by-the-page.md.
 *
 * 1. The element is copied; canvases become pictures of themselves, controls are left out.
 * 2. The copy goes into an SVG image together with the page's own style sheets and fonts: the browser lays it out once more by
 *    the same rules. (To write the computed style of each element into it instead takes ten times as long.)
 * 3. The image is drawn into a canvas, and that is the PNG.
 */
import { notify, saveFile } from '../ui';
import { useDrawAll } from './drawAll';

/* A canvas of more pixels a side is refused by browsers. */
const SIDE_MAX = 16_000;
const DRAW_LIMIT_MS = 20_000;
const DRAW_POLL_MS = 20;
/* Looks in a row that find nothing busy: panels that have just been mounted begin to ask after they are there. */
const QUIET_LOOKS = 3;
/* Controls have no place in a picture. */
const LEFT_OUT = '.panel-menu, .busy-bar, .plot-tip, .plot-flag-tip, script';
const SVG = 'http://www.w3.org/2000/svg';

// ---- style sheets ----

/* Fonts as data, by their address. */
const fonts = new Map<string, Promise<string>>();

async function fetchFont(url: string): Promise<string> {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const parts: string[] = [];
    for (let at = 0; at < bytes.length; at += 0x8000) {
        parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
    }
    return `data:font/woff2;base64,${btoa(parts.join(''))}`;
}

/* An image may load nothing: the fonts come with it. */
async function fontRule(rule: CSSFontFaceRule): Promise<string> {
    const found = /url\(["']?([^"')]+)["']?\)/.exec(rule.style.getPropertyValue('src'));
    if (!found) {
        return rule.cssText;
    }
    const url = new URL(found[1]!, rule.parentStyleSheet?.href ?? document.baseURI).href;
    const data = fonts.get(url) ?? fetchFont(url);
    fonts.set(url, data);
    try {
        return rule.cssText.replace(found[0], `url("${await data}")`);
    } catch {
        fonts.delete(url);
        return '';
    }
}

async function styles(): Promise<string> {
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const texts = await Promise.all(rules.map((rule) => (rule instanceof CSSFontFaceRule ? fontRule(rule) : rule.cssText)));
    return [...texts, '* { animation: none !important; transition: none !important; caret-color: transparent !important; }'].join('\n');
}

// ---- the copy ----

/* A picture of a canvas or an image in its place, of the same size. */
function pictureOf(source: HTMLCanvasElement | HTMLImageElement): HTMLElement {
    const picture = document.createElement('img');
    const style = getComputedStyle(source);
    picture.className = source.className;
    picture.style.cssText = `${source.style.cssText}; display: ${style.display}; position: ${style.position}; left: ${style.left}; top: ${style.top}; width: ${style.width}; height: ${style.height}`;
    try {
        const canvas = source instanceof HTMLCanvasElement ? source : drawn(source);
        picture.src = canvas.width > 0 && canvas.height > 0 ? canvas.toDataURL() : '';
    } catch {
        picture.alt = ''; /* of another origin: the browser does not give its pixels */
    }
    return picture;
}

function drawn(image: HTMLImageElement): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    return canvas;
}

function copyOf(element: HTMLElement): HTMLElement {
    const copy = element.cloneNode(true) as HTMLElement;
    const pictures = 'canvas, img';
    const sources = [...element.querySelectorAll<HTMLCanvasElement | HTMLImageElement>(pictures)];
    copy.querySelectorAll(pictures).forEach((one, i) => one.replaceWith(pictureOf(sources[i]!)));
    const inputs = [...element.querySelectorAll('input')];
    copy.querySelectorAll('input').forEach((one, i) => one.setAttribute('value', inputs[i]!.value));
    copy.querySelectorAll(LEFT_OUT).forEach((one) => one.remove());
    const { width, height } = element.getBoundingClientRect();
    Object.assign(copy.style, { margin: '0', transform: 'none', position: 'relative', left: '0', top: '0', boxSizing: 'border-box', width: `${width}px`, height: `${height}px` });
    return copy;
}

/* What stands around an element decides by which rules it is drawn, and which font it inherits; it takes no place itself. */
function withSurroundings(copy: HTMLElement, element: HTMLElement): HTMLElement {
    let inner = copy;
    for (let around = element.parentElement; around; around = around.parentElement) {
        const shell = around.cloneNode(false) as HTMLElement;
        shell.style.display = 'contents';
        shell.append(inner);
        inner = shell;
    }
    return inner;
}

/* Characters that XML has not, in a label from outside, would spoil the picture; so would half a character. */
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** plainXml takes away what no XML may hold. */
export function plainXml(text: string): string {
    return text.replace(NOT_XML, '');
}

function svgOf(element: HTMLElement, css: string, width: number, height: number): string {
    const svg = document.createElementNS(SVG, 'svg');
    /* Rules that ask the root, the colour scheme above all, ask this one. */
    for (const { name, value } of document.documentElement.attributes) {
        svg.setAttribute(name, value);
    }
    svg.setAttribute('width', String(width));
    svg.setAttribute('height', String(height));
    const style = document.createElementNS(SVG, 'style');
    style.textContent = css;
    const box = document.createElementNS(SVG, 'foreignObject');
    box.setAttribute('width', '100%');
    box.setAttribute('height', '100%');
    box.append(withSurroundings(copyOf(element), element));
    svg.append(style, box);
    return plainXml(new XMLSerializer().serializeToString(svg));
}

// ---- the picture ----

function background(): string {
    return getComputedStyle(document.documentElement).getPropertyValue('--page').trim() || '#ffffff';
}

/** pngOf draws an element at 1:1, smaller where the browser would refuse. */
export async function pngOf(element: HTMLElement): Promise<Blob> {
    const css = await styles();
    const { width, height } = element.getBoundingClientRect();
    const image = new Image();
    /* As wide as the window: rules that ask its width get the same answer. */
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(element, css, Math.max(width, window.innerWidth), Math.max(height, window.innerHeight)))}`;
    await image.decode();
    const scale = Math.min(1, SIDE_MAX / Math.max(width, height, 1));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext('2d');
    if (context) {
        context.fillStyle = background();
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(image, 0, 0, width, height, 0, 0, canvas.width, canvas.height);
    }
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done));
    if (!context || !blob) {
        throw new Error('the browser gave no picture: the dashboard may be too large for it');
    }
    return blob;
}

/** fileName is "cpu-by-mode 2026-11-29 10.00.png": names come from outside. */
export function fileName(title: string, now: Date): string {
    const safe = title.replace(/[^\p{L}\p{N}_ .-]+/gu, '-').replace(/^[-. ]+|[-. ]+$/g, '').slice(0, 80);
    return `${safe || 'panel'} ${now.toISOString().slice(0, 16).replace('T', ' ').replace(':', '.')}.png`;
}

async function allDrawn(element: HTMLElement): Promise<void> {
    const end = performance.now() + DRAW_LIMIT_MS;
    for (let quiet = 0; quiet < QUIET_LOOKS && performance.now() < end;) {
        await new Promise((done) => setTimeout(done, DRAW_POLL_MS));
        quiet = element.querySelector('[data-state="busy"]') ? 0 : quiet + 1;
    }
}

/** savePng draws and saves; of a dashboard all panels are drawn first, those out of sight too. */
export async function savePng(element: HTMLElement, title: string, all = false): Promise<void> {
    try {
        if (all) {
            useDrawAll.setState({ all: true });
            await allDrawn(element);
        }
        saveFile(fileName(title, new Date()), await pngOf(element));
    } catch (error) {
        notify(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
        useDrawAll.setState({ all: false });
    }
}

/** saveBoardPng saves the dashboard that is open, or its one panel that is viewed. */
export async function saveBoardPng(title: string): Promise<void> {
    const element = document.querySelector<HTMLElement>('.grid, .edit-grid') ?? document.querySelector<HTMLElement>('.board-panel');
    if (element) {
        await savePng(element, title, true);
    }
}
