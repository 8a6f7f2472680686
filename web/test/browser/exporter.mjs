/*
 * exporter: Node Exporter Full over Debian's node exporter, whose job is "node", and this server's own metrics of the host, whose job is "built-in".
 * Usage: node exporter.mjs ORIGIN ADDRESS_OF_THE_EXPORTERS_METRICS; called by tests/web/run_node_exporter.py.
 */
import { drawAll, nodeExporterFull, showsWhatIsThere } from './dashboards.mjs';
import { check, runAll, using } from './harness.mjs';

const [origin, metrics] = process.argv.slice(2);
const samples = async () => (await (await fetch(metrics)).text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const holds = (lines, name, labels) => lines.some((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && labels.every((label) => line.includes(label)));
const board = await nodeExporterFull(origin);
const url = `${origin}/d/${board.uid}?from=now-1m&to=now&refresh=&var-job=node`;
const param = (page, name) => page.evaluate((key) => new URLSearchParams(location.search).get(key), name);

process.exitCode = await runAll([
    ['every panel whose metrics the exporter serves shows data', (browser) => using(browser, origin, { height: 1400 }, async (page) => {
        /* What comes and goes (connections in a state) is not counted: only what is served before and after. */
        const before = await samples();
        await page.goto(url, { waitUntil: 'load' });
        await drawAll(page);
        const after = await samples();
        check(await showsWhatIsThere(page, board, (name, labels) => holds(before, name, labels) && holds(after, name, labels)) >= 60, 'few panels have data');
    })],
    ['another host is chosen, a row opened, a range dragged, and the way back', (browser) => using(browser, origin, { height: 1000 }, async (page) => {
        const asks = (job) => page.waitForRequest((request) => request.url().includes('/query') && (new URLSearchParams(request.postData() ?? '').get('query') ?? '').includes(`job="${job}"`));
        const first = asks('node');
        await page.goto(url, { waitUntil: 'load' });
        await first;
        await drawAll(page);
        const other = asks('built-in');
        await page.getByLabel('Job', { exact: true }).first().click();
        await page.getByRole('option', { name: 'built-in' }).click();
        await other;
        check((await param(page, 'var-job')) === 'built-in', page.url());
        await drawAll(page);
        const before = await page.locator('.board-panel').count();
        await page.getByRole('button', { name: /Memory Meminfo/ }).click();
        await page.waitForFunction((count) => document.querySelectorAll('.board-panel').length > count, before);
        await drawAll(page);
        const over = page.locator('.board-panel[data-type="timeseries"][data-state="ready"] .u-over').first();
        await over.scrollIntoViewIfNeeded();
        const box = await over.boundingBox();
        await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 5 });
        await page.mouse.up();
        await page.waitForFunction(() => /^\d+$/.test(new URLSearchParams(location.search).get('from') ?? ''));
        const wide = Number(await param(page, 'to')) - Number(await param(page, 'from'));
        check(Math.abs(wide - 15_000) < 2000, `a quarter of a minute was dragged, and ${wide} ms are shown`);
        await drawAll(page);
        await page.goBack();
        await page.waitForFunction(() => new URLSearchParams(location.search).get('from') === 'now-1m');
        check((await param(page, 'var-job')) === 'built-in', page.url());
    })],
], []);
