/* pictures: every page as it looks. Usage: node pictures.mjs ORIGIN FOLDER [NAME...]; called by tools/web_pictures. */
import path from 'node:path';
import { launch, openPage, settled } from './harness.mjs';
import { PAGES } from './pages.mjs';

const [origin, folder, ...names] = process.argv.slice(2);
const KINDS = [
    { suffix: 'dark-1280', dark: true, width: 1280, height: 800 },
    { suffix: 'light-1280', dark: false, width: 1280, height: 800 },
    { suffix: 'dark-390', dark: true, width: 390, height: 844 },
    { suffix: 'light-390', dark: false, width: 390, height: 844 },
];

const browser = await launch();
let bad = 0;
for (const kind of KINDS) {
    const { context, page, faults } = await openPage(browser, new URL(origin).origin, kind);
    for (const one of PAGES.filter(({ name }) => names.length === 0 || names.includes(name))) {
        await page.goto(origin + (one.picture ?? one.path), { waitUntil: 'load' });
        await settled(page);
        /* What is still being counted. */
        await page.waitForFunction(() => ![...document.querySelectorAll('.tile b')].some((one) => one.textContent === '…'), undefined, { timeout: 5000 }).catch(() => undefined);
        await page.waitForTimeout(900);
        await page.screenshot({ path: path.join(folder, `${one.name}-${kind.suffix}.png`) });
    }
    faults.forEach((text) => console.log(text));
    bad += faults.length;
    await context.close();
}
await browser.close();
process.exitCode = bad === 0 ? 0 : 1;
