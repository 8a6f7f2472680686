/*
 * golden: each panel of tests/web/fixed/golden.json as it looked when somebody last looked, dark and light.
 * Usage: node golden.mjs FIXED_ORIGIN GOLDEN_FOLDER FAILED_FOLDER [--accept]
 * With --accept what is seen becomes golden. A panel of which too many pixels differ is put into FAILED_FOLDER: old, new and
 * difference side by side. Fonts are embedded in the page and text is drawn in grey without hinting, so only the browser's
 * own version matters: under another major version than that of versions.json more may differ, and it is said.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, launch, openPage, runAll } from './harness.mjs';
import { beside, compare, crop, decode, encode } from './png.mjs';

const [origin, folder, failed, ...flags] = process.argv.slice(2);
const accept = flags.includes('--accept');
const RANGE = 'from=1767600000000&to=1767615000000';
const WIDTH = 1280;
const HEIGHT = 2700;
/* A channel that is this far off is another colour, not another rounding. */
const CHANNEL_LEAST = 32;
const SHARE_MAX = 0.001;
const SHARE_MAX_OTHER_BROWSER = 0.02;
const TRIES = 3;
/* The query that fails on purpose. */
const ALLOWED = [/status of 400/];
const VERSIONS = path.join(folder, 'versions.json');

const slug = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

async function ready(page, count) {
    await page.waitForFunction((least) => {
        const panels = [...document.querySelectorAll('.board-panel')];
        return panels.length === least && document.fonts.status === 'loaded'
            && panels.every((p) => ['ready', 'empty', 'error'].includes(p.dataset.state) && p.querySelector('.board-panel-body')?.firstElementChild);
    }, count, { polling: 60 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));
}

/* shots gives every panel's picture by its name. */
async function shots(page, count) {
    await ready(page, count);
    const boxes = await page.evaluate(() => [...document.querySelectorAll('.board-panel')].map((p) => {
        const { x, y, width, height } = p.getBoundingClientRect();
        return { title: p.getAttribute('aria-label'), x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
    }));
    const whole = decode(await page.screenshot({ animations: 'disabled', caret: 'hide', scale: 'css' }));
    return new Map(boxes.map((b) => [slug(b.title), crop(whole, b.x, b.y, b.width, b.height)]));
}

const read = (name) => decode(readFileSync(path.join(folder, name)));

/* All panels of one colour scheme; what differs is drawn again a few times, for it may have been caught while it moved. */
async function look(browser, dark, limit) {
    const scheme = dark ? 'dark' : 'light';
    const { context, page, faults } = await openPage(browser, new URL(origin).origin, { dark, width: WIDTH, height: HEIGHT, allow: ALLOWED });
    try {
        const board = JSON.parse(readFileSync(new URL('../../../tests/web/fixed/golden.json', import.meta.url), 'utf8'));
        await page.goto(`${origin}/d/golden?${RANGE}`, { waitUntil: 'load' });
        let bad = [];
        for (let i = 0; i < TRIES && (i === 0 || bad.length > 0); i++) {
            const seen = await shots(page, board.panels.length);
            check(seen.size === board.panels.length, 'two panels have one name');
            if (accept) {
                for (const [name, picture] of seen) {
                    writeFileSync(path.join(folder, `${name}-${scheme}.png`), encode(picture));
                }
                break;
            }
            bad = [...seen].flatMap(([name, picture]) => {
                const file = `${name}-${scheme}.png`;
                if (!existsSync(path.join(folder, file))) {
                    return [{ file, text: 'no golden picture', pictures: [picture] }];
                }
                const old = read(file);
                const { differing, picture: difference } = compare(old, picture, CHANNEL_LEAST);
                const share = differing / (picture.width * picture.height);
                return share <= limit ? [] : [{ file, text: `${(share * 100).toFixed(2)} % differ`, pictures: [old, picture, difference] }];
            });
        }
        for (const { file, pictures } of bad) {
            mkdirSync(failed, { recursive: true });
            writeFileSync(path.join(failed, file), encode(beside(pictures)));
        }
        check(bad.length === 0, `${bad.map((b) => `${b.file}: ${b.text}`).join('\n')}\nold, new and difference are in ${failed}; tools/web_golden BUILD --accept takes what is seen now`);
        check(faults.length === 0, faults.join('\n'));
    } finally {
        await context.close();
    }
}

const started = await launch();
const major = started.version().split('.')[0];
await started.close();
if (accept) {
    readdirSync(folder).filter((f) => f.endsWith('.png')).forEach((f) => rmSync(path.join(folder, f)));
    writeFileSync(VERSIONS, `${JSON.stringify({ chromium: major })}\n`);
}
const drawnBy = JSON.parse(readFileSync(VERSIONS, 'utf8')).chromium;
if (drawnBy !== major) {
    console.log(`  the golden pictures are of chromium ${drawnBy}, this is ${major}: ${SHARE_MAX_OTHER_BROWSER * 100} % of a panel may differ`);
}
const limit = drawnBy === major ? SHARE_MAX : SHARE_MAX_OTHER_BROWSER;

process.exitCode = await runAll([
    ['golden pictures, dark', (browser) => look(browser, true, limit)],
    ['golden pictures, light', (browser) => look(browser, false, limit)],
], []);
