/* walk: from an alert to the exemplar behind it in four clicks, with the range of time kept; pictures of what is seen. */
import { readFileSync } from 'node:fs';
import { axe, check, LIMIT_MS } from './harness.mjs';

/* Of the design: 1.5 s for a screen. This machine may be busy: twelve times that fails, the figure is printed. */
const PNG_MS = 1500;

const params = (page) => page.evaluate(() => Object.fromEntries(new URLSearchParams(location.search)));

/* size reads width and height of a PNG. */
function size(file) {
    const bytes = readFileSync(file);
    check(bytes.subarray(1, 4).toString() === 'PNG', `${file} is no PNG`);
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), bytes: bytes.length };
}

export function walkTests({ using, origin, go }) {
    const traced = process.env.BAROGRAPH_TRACED;
    return [
        ...(traced ? [['walk: alert, panel, Explore, exemplar: four clicks, one range of time', (browser) => using(browser, { origin: traced }, async (page) => {
            let clicks = 0;
            const click = async (locator) => {
                clicks++;
                await locator.click();
            };
            await page.goto(`${traced}/alerts?show=firing`);
            const row = page.locator('tr', { hasText: 'Requests are slow' });
            await row.waitFor({ timeout: 2 * LIMIT_MS });
            await click(row.getByRole('link', { name: 'show panel' }));
            await page.locator('.plot canvas').waitFor();
            await page.locator('.plot-flag[aria-label^="firing"]').first().waitFor();
            const before = await params(page);
            check(before.from?.startsWith('now-') && before.to === 'now', `the panel has no range: ${JSON.stringify(before)}`);
            await click(page.getByRole('link', { name: 'Explore', exact: true }).last());
            await page.waitForFunction(() => location.pathname === '/explore');
            await page.locator('.plot-flag[aria-label^="firing"]').first().waitFor();
            const after = await params(page);
            check(after.from === before.from && after.to === before.to, `the range is not kept: ${JSON.stringify(after)}`);
            check(after.threshold === '>0.25' && after.expr.startsWith('histogram_quantile'), `threshold and expression are not kept: ${JSON.stringify(after)}`);
            const diamond = page.locator('.plot-point').last();
            await diamond.waitFor();
            await click(diamond);
            const card = page.getByRole('region', { name: 'Exemplar' });
            await card.getByText(/^4bf92f3577b34da6a3ce929d/).waitFor();
            check((await page.locator('[data-evil]').count()) === 0, 'a label became an element');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await click(card.getByRole('link', { name: 'Explore its series' }));
            await page.waitForFunction(() => new URLSearchParams(location.search).get('expr')?.startsWith('traced_request_duration_seconds_bucket{'));
            const last = await params(page);
            check(last.from === before.from && last.to === before.to, `the range is not kept: ${JSON.stringify(last)}`);
            check(clicks === 4, `${clicks} clicks`);
            await page.goBack();
            await page.getByRole('link', { name: 'back to the alert' }).click();
            await page.getByRole('heading', { name: 'SlowRequests' }).waitFor();
        })]] : []),
        ...(traced ? [['status: heartbeats: sent, held back, heard, missing, and one that comes', (browser) => using(browser, { origin: traced }, async (page) => {
            await page.goto(`${traced}/status/heartbeats`);
            const row = (section, name) => page.locator('.section', { has: page.getByRole('heading', { name: section }) }).locator('tr', { hasText: name });
            await row('Sent', 'outside').getByText('ok', { exact: true }).waitFor();
            await row('Sent', 'held-back').getByText('withheld', { exact: true }).waitFor();
            await row('Sent', 'held-back').locator('.cell-error', { hasText: 'Quiet' }).waitFor();
            await row('Expected', 'nightly-import').getByText('missing', { exact: true }).waitFor();
            await row('Expected', 'backup').getByText('never').waitFor();
            check(!(await page.locator('main').innerText()).includes('SECRET'), 'the address is a secret');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            const answer = await fetch(`${traced}/api/v1/heartbeat/backup`, { method: 'POST' });
            check(answer.status === 200, `the heartbeat: ${answer.status}`);
            await row('Expected', 'backup').getByText('ok', { exact: true }).waitFor();
            await row('Expected', 'backup').getByText(/ ago$/).waitFor();
        })]] : []),
        ['links: dashboards by tag, and what a value leads to', (browser) => using(browser, {}, async (page) => {
            const save = (dashboard) => fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard, overwrite: true }) });
            await save({ uid: 'test-linked', title: 'Linked <b data-evil>', tags: ['test-links'], panels: [] });
            await save({
                uid: 'test-links', title: 'Links', tags: ['test-links'], time: { from: 'now-2m', to: 'now' },
                templating: { list: [{ type: 'custom', name: 'mode', query: 'a,b', current: { value: 'b', text: 'b' } }] },
                links: [{ type: 'dashboards', tags: ['test-links'], asDropdown: true, title: 'Others', keepTime: true, includeVars: true }, { type: 'link', title: 'Bad', url: 'javascript:alert(1)' }],
                panels: [{ id: 1, type: 'timeseries', title: 'up', gridPos: { x: 0, y: 0, w: 24, h: 10 }, targets: [{ refId: 'A', expr: 'up{job="node"}' }],
                    fieldConfig: { defaults: { links: [{ title: 'Its job', url: '/explore?expr=up{job="${__field.labels.job}"}&${__url_time_range}' }] } } }],
            });
            await go(page, '/d/test-links');
            check((await page.getByRole('link', { name: 'Bad' }).getAttribute('href')) === '#', 'a script is an address');
            await page.getByRole('button', { name: 'Others' }).click();
            const href = await page.getByRole('menuitem', { name: 'Linked <b data-evil>' }).getAttribute('href');
            check(href === '/d/test-linked?from=now-2m&to=now&var-mode=b', `the link is ${href}`);
            await page.keyboard.press('Escape');
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            const box = await page.locator('[data-panel="1"] .u-over').boundingBox();
            await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2);
            await page.mouse.click(box.x + box.width - 4, box.y + box.height / 2);
            const link = page.getByRole('dialog').getByRole('link', { name: 'Its job' });
            check(/^\/explore\?expr=up\{job="node"\}&from=\d+&to=\d+$/.test(await link.getAttribute('href')), `the link is ${await link.getAttribute('href')}`);
            check((await page.locator('[data-evil]').count()) === 0, 'a title became an element');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await Promise.all(['test-links', 'test-linked'].map((uid) => fetch(`${origin}/api/dashboards/uid/${uid}`, { method: 'DELETE' })));
        })],
        ['explore: side by side, and beside the time before', (browser) => using(browser, {}, async (page) => {
            await go(page, '/explore?expr=node_load1&from=now-5s&to=now');
            await page.locator('.legend-table tbody tr').first().waitFor();
            await page.getByRole('button', { name: 'Split' }).click();
            await page.getByRole('region', { name: 'Right' }).locator('.legend-table tbody tr').first().waitFor();
            await page.getByRole('region', { name: 'Right' }).locator('label', { hasText: 'Log scale' }).click();
            await page.waitForFunction(() => new URLSearchParams(new URLSearchParams(location.search).get('split')).get('log') === '1');
            check(!(await params(page)).log, 'the left half has the right one\'s scale');
            await page.getByRole('region', { name: 'Left' }).locator('label', { hasText: 'Before' }).click();
            await page.getByRole('region', { name: 'Left' }).getByText('(before)').first().waitFor();
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.getByRole('button', { name: 'Close the left half' }).click();
            await page.waitForFunction(() => !new URLSearchParams(location.search).has('split') && new URLSearchParams(location.search).get('log') === '1' && !new URLSearchParams(location.search).has('before'));
        })],
        ['png: of a panel and of a dashboard', (browser) => using(browser, {}, async (page) => {
            await go(page, '/d/host-overview/host?from=now-5m&to=now');
            await page.locator('.board-panel[data-state="ready"]').first().waitFor();
            const panel = page.locator('.board-panel[data-type="timeseries"]').first();
            await panel.locator('canvas').waitFor();
            const box = await panel.boundingBox();
            await panel.getByRole('button', { name: /^Menu of/ }).click();
            let download = page.waitForEvent('download');
            let begin = performance.now();
            await page.getByRole('menuitem', { name: 'Save as PNG' }).click();
            let file = await (await download).path();
            const one = size(file);
            console.log(`  a panel of ${one.width} x ${one.height}: ${one.bytes} bytes, first picture after ${Math.round(performance.now() - begin)} ms`);
            check(Math.abs(one.width - box.width) <= 1 && Math.abs(one.height - box.height) <= 1, `the picture is ${one.width} x ${one.height}, the panel ${box.width} x ${box.height}`);
            check(one.bytes > 3000, 'the picture is empty');
            const times = [];
            for (let i = 0; i < 3; i++) {
                download = page.waitForEvent('download');
                await page.getByRole('button', { name: 'Share' }).click();
                begin = performance.now();
                await page.getByRole('menuitem', { name: 'Save as PNG' }).click();
                file = await (await download).path();
                times.push(performance.now() - begin);
            }
            const whole = size(file);
            const median = Math.round(times.sort((a, b) => a - b)[1]);
            console.log(`  the dashboard of ${whole.width} x ${whole.height}: ${whole.bytes} bytes, median ${median} ms`);
            check(whole.bytes > one.bytes, 'the picture of the dashboard holds less than one of its panels');
            check(median < 12 * PNG_MS, `${median} ms`);
        })],
    ];
}
