/* harness: a browser, pages that count everything that must not happen, and a list of named tests. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/* Generous: the machine may have every core busy. */
export const LIMIT_MS = 30_000;

export class Failure extends Error {}

export function check(condition, text) {
    if (!condition) {
        throw new Failure(text);
    }
}

export async function launch() {
    return chromium.launch({
        executablePath: process.env.BAROGRAPH_CHROMIUM,
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb'],
    });
}

/* openPage gives a page of a context of its own, and the list of what went wrong on it. */
export async function openPage(browser, origin, { dark = true, width = 1280, height = 800, allow = [], zone } = {}) {
    const context = await browser.newContext({
        viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', bypassCSP: false, timezoneId: zone,
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    const page = await context.newPage();
    const faults = [];
    page.setDefaultTimeout(LIMIT_MS);
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()) && !allow.some((pattern) => pattern.test(message.text()))) {
            faults.push(`console ${message.type()}: ${message.text()} (${message.location().url ?? ''})`);
        }
    });
    page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
    page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:')) {
            faults.push(`request outside the origin: ${url}`);
        }
    });
    return { context, page, faults };
}

/* using opens a page, runs a body, and fails on whatever went wrong behind it. */
export async function using(browser, origin, options, body) {
    const { context, page, faults } = await openPage(browser, new URL(origin).origin, options);
    try {
        await body(page);
        check(faults.length === 0, faults.join('\n'));
    } finally {
        await context.close();
    }
}

/* axe returns the serious and critical findings. The policy forbids inline scripts, so it comes in through the debugger. */
export async function axe(page) {
    const session = await page.context().newCDPSession(page);
    await session.send('Runtime.evaluate', { expression: axeSource });
    const answer = await session.send('Runtime.evaluate', {
        expression: `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then((r) => JSON.stringify(
            r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => ({ id: v.id, nodes: v.nodes.slice(0, 4).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')) }))))`,
        awaitPromise: true,
        returnByValue: true,
    });
    await session.detach();
    return JSON.parse(answer.result.value ?? '[{"id":"axe did not run","nodes":[]}]');
}

/* settled waits until the page has its heading and asks for nothing any more. */
export async function settled(page) {
    await page.waitForSelector('h1');
    await page.waitForFunction(() => !document.querySelector('.busy-bar') && document.fonts.status === 'loaded', undefined, { timeout: LIMIT_MS }).catch(() => undefined);
    await page.waitForTimeout(150);
}

/* visit goes to a page within the one that is there, as a click on a link does: nothing is loaded twice. */
export async function visit(page, path, title) {
    await page.evaluate((to) => history.pushState(null, '', to), path);
    await page.waitForFunction(([to, wanted]) => location.pathname + location.search === to && document.querySelector('h1')?.textContent === wanted, [path, title], { timeout: LIMIT_MS });
}

/* A name chooses tests, one after a minus leaves tests out. */
function isChosen(name, only) {
    const [out, wanted] = [only.filter((part) => part.startsWith('-')), only.filter((part) => !part.startsWith('-'))];
    return !out.some((part) => name.includes(part.slice(1))) && (wanted.length === 0 || wanted.some((part) => name.includes(part)));
}

/* runAll runs tests that were named; prints a line each and "N passed, M failed" last. */
export async function runAll(tests, only) {
    const browser = await launch();
    let passed = 0;
    let failed = 0;
    try {
        for (const [name, test] of tests) {
            if (!isChosen(name, only)) {
                continue;
            }
            const begin = performance.now();
            try {
                await test(browser);
                passed++;
                console.log(`${name}: ok (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
            } catch (error) {
                failed++;
                console.log(`${name}: FAILED: ${error instanceof Failure ? error.message : error.stack}`);
            }
        }
    } finally {
        await browser.close();
    }
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
}
