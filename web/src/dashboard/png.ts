/*
 * png: pictures of panels and dashboards, made by the page itself from what it shows, so that they look the same. Loaded when
 * the first one is wanted. Why not by the server: docs/decisions/png-by-the-page.md.
 */
import { getFontEmbedCSS, toBlob } from 'html-to-image';
import { notify } from '../ui';
import { useDrawAll } from './drawAll';

/* A canvas of more pixels a side is refused by browsers. */
const SIDE_MAX = 16_000;
const DRAW_LIMIT_MS = 20_000;
const DRAW_POLL_MS = 50;
/* Controls have no place in a picture. */
const LEFT_OUT = ['panel-menu', 'busy-bar', 'plot-tip', 'plot-flag-tip'];

/* The fonts as data, once for all pictures. */
let fonts: Promise<string> | null = null;

function isDrawn(node: HTMLElement): boolean {
    return !LEFT_OUT.some((name) => node.classList?.contains(name));
}

function background(): string {
    return getComputedStyle(document.documentElement).getPropertyValue('--page').trim() || '#ffffff';
}

/* pngOf draws an element at 1:1, smaller where the browser would refuse. */
export async function pngOf(element: HTMLElement): Promise<Blob> {
    fonts ??= getFontEmbedCSS(element).catch(() => '');
    const { width, height } = element.getBoundingClientRect();
    const blob = await toBlob(element, {
        pixelRatio: Math.min(1, SIDE_MAX / Math.max(width, height, 1)), backgroundColor: background(), filter: isDrawn, fontEmbedCSS: await fonts, skipAutoScale: true,
        style: { margin: '0', transform: 'none', position: 'static' },
    });
    if (!blob) {
        throw new Error('the browser gave no picture: the dashboard may be too large for it');
    }
    return blob;
}

/* fileName is "cpu-by-mode 2026-11-29 10.00.png": names come from outside. */
export function fileName(title: string, now: Date): string {
    const safe = title.replace(/[^\p{L}\p{N}_ .-]+/gu, '-').replace(/^[-. ]+|[-. ]+$/g, '').slice(0, 80);
    return `${safe || 'panel'} ${now.toISOString().slice(0, 16).replace('T', ' ').replace(':', '.')}.png`;
}

function download(blob: Blob, name: string): void {
    const url = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function allDrawn(element: HTMLElement): Promise<void> {
    const end = performance.now() + DRAW_LIMIT_MS;
    /* Two looks in a row: panels that have just been mounted begin to ask after they are there. */
    for (let quiet = 0; quiet < 2 && performance.now() < end;) {
        await new Promise((done) => setTimeout(done, DRAW_POLL_MS));
        quiet = element.querySelector('[data-state="busy"]') ? 0 : quiet + 1;
    }
}

/* savePng draws and saves; of a dashboard all panels are drawn first, those out of sight too. */
export async function savePng(element: HTMLElement, title: string, all = false): Promise<void> {
    try {
        if (all) {
            useDrawAll.setState({ all: true });
            await allDrawn(element);
        }
        download(await pngOf(element), fileName(title, new Date()));
    } catch (error) {
        notify(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
        useDrawAll.setState({ all: false });
    }
}

/* saveBoardPng saves the dashboard that is open, or its one panel that is viewed. */
export async function saveBoardPng(title: string): Promise<void> {
    const element = document.querySelector<HTMLElement>('.grid') ?? document.querySelector<HTMLElement>('.board-panel');
    if (element) {
        await savePng(element, title, true);
    }
}
