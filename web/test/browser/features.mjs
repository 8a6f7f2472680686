/* features: tooltips that panels share, notes of panels, bar charts, pages of tables, events over heatmaps: as somebody with a pointer meets them. */
import { drawAll } from './dashboards.mjs';
import { axe, check } from './harness.mjs';

export function featureTests(using, origin) {
    const open = async (page, path) => {
        await page.goto(origin + path, { waitUntil: 'load' });
        await drawAll(page);
    };
    const panel = (id) => `[data-panel="${id}"]`;
    /* The newest part of a plot, moved to in steps: the first one enters it. */
    const pointAt = async (page, selector, share = 0.96) => {
        const { x, y, width, height } = await page.locator(selector).boundingBox();
        await page.mouse.move(x + width * share - 3, y + height / 2);
        await page.mouse.move(x + width * share, y + height / 2, { steps: 3 });
    };
    const tips = (page) => page.locator('.plot-tip:visible');
    /* Points until so many tooltips are there: a panel may have nothing yet at the time that was pointed at first. */
    const pointUntil = async (page, selector, isEnough) => {
        let count = 0;
        for (let i = 0; i < 40; i++) {
            await pointAt(page, selector);
            await page.waitForTimeout(300);
            count = await page.evaluate(() => [...document.querySelectorAll('.plot-tip')].filter((t) => !t.hidden).length);
            if (isEnough(count)) {
                return;
            }
        }
        check(false, `${count} tooltips`);
    };
    const put = async (dashboard) => {
        const answer = await fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard: { tags: ['testing'], ...dashboard }, overwrite: true }) });
        check(answer.ok, await answer.text());
    };
    return [
        ['dashboards: a tooltip in all panels at once', (browser) => using(browser, { height: 1100 }, async (page) => {
            await open(page, '/d/feature-shared-tooltip');
            await page.locator(`${panel(1)} canvas`).waitFor();
            /* Its own, that of one value, the heatmap's, two of states; one panel wants none. */
            await pointUntil(page, `${panel(1)} .u-over`, (count) => count === 5);
            const texts = await tips(page).allInnerTexts();
            check(texts.filter((t) => /node_load1\{[^]*node_load5\{/.test(t)).length === 1, `the panel of single values tells not of all: ${texts.join('\n--\n')}`);
            check(texts.some((t) => / to /.test(t.split('\n')[0])), 'no tooltip of the heatmap');
            const seconds = new Set(texts.map((t) => /\d\d:\d\d:\d\d/.exec(t)?.[0]));
            check(seconds.size <= 5 && !seconds.has(undefined), `times: ${[...seconds]}`);
            check((await page.locator('.time-cursor').count()) === 3, 'a line at that time in the heatmap and the states');
            await page.mouse.move(3, 3);
            await page.waitForFunction(() => [...document.querySelectorAll('.plot-tip')].every((t) => t.hidden) && document.querySelectorAll('.time-cursor').length === 0);
            /* From a heatmap to graphs, and by the keys. */
            await pointUntil(page, `${panel(4)} canvas`, (count) => count >= 4);
            await page.mouse.move(3, 3);
            await page.locator(`${panel(1)} .plot`).focus();
            await page.keyboard.press('ArrowLeft');
            await page.waitForFunction(() => [...document.querySelectorAll('.plot-tip')].filter((t) => !t.hidden).length >= 4);
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
        })],
        ['dashboards: a shared cursor alone has one tooltip', (browser) => using(browser, { height: 1100 }, async (page) => {
            const { dashboard } = await (await fetch(`${origin}/api/dashboards/uid/feature-shared-tooltip`)).json();
            const answer = await fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard: { ...dashboard, id: null, uid: 'panel-cursor', title: 'One cursor', tags: ['testing'], graphTooltip: 1 }, overwrite: true }) });
            check(answer.ok, await answer.text());
            await open(page, '/d/panel-cursor');
            await page.locator(`${panel(1)} canvas`).waitFor();
            await pointAt(page, `${panel(1)} .u-over`);
            await page.waitForFunction(() => document.querySelectorAll('.time-cursor').length === 3);
            await tips(page).first().waitFor();
            check((await tips(page).count()) === 1, `${await tips(page).count()} tooltips`);
        })],
        ['dashboards: what a panel is about, and where it leads', (browser) => using(browser, {}, async (page) => {
            await open(page, '/d/feature-panel-notes');
            const about = page.locator(panel(1)).getByRole('button', { name: 'About one link' });
            const box = page.getByRole('dialog', { name: 'About one link' });
            await about.hover();
            await box.getByRole('link', { name: 'the kernel' }).waitFor();
            check((await page.evaluate(() => document.activeElement?.closest('[role="dialog"]') === null)), 'a look takes the focus');
            check((await box.innerText()).includes('<img src=x onerror=alert(1)>') && (await box.innerText()).includes('Of node'), await box.innerText());
            check((await box.locator('img, [onerror], a[href^="javascript:"]').count()) === 0, 'HTML of a description became an element');
            /* It stays while the pointer goes into it. */
            await box.hover();
            await page.waitForTimeout(400);
            check(await box.isVisible(), 'it went away from under the pointer');
            await page.mouse.move(3, 3);
            await box.waitFor({ state: 'detached' });
            await about.focus();
            await page.keyboard.press('Enter');
            await box.waitFor();
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.keyboard.press('Escape');
            await box.waitFor({ state: 'detached' });
            const link = page.locator(panel(1)).getByRole('link', { name: 'Runbook of node' });
            check(/^https:\/\/example\.org\/node\?from=\d+&to=\d+&var-job=node$/.test(await link.getAttribute('href')), await link.getAttribute('href'));
            check((await link.getAttribute('target')) === '_blank', 'no tab of its own');
            const old = await page.locator(panel(3)).getByRole('link', { name: 'Old' }).getAttribute('href');
            check(/^d\/feature-panel-notes\?from=\d+&to=\d+&var-job=node&kiosk$/.test(old), old);
            await page.locator(panel(2)).getByRole('button', { name: 'Links: 3' }).click();
            check((await page.getByRole('menuitem', { name: 'bad' }).getAttribute('href')) === '#', 'an address that runs a script');
            check((await page.getByRole('menuitem', { name: 'Explore node' }).getAttribute('target')) === '_blank', 'targetBlank');
            await page.getByRole('menuitem', { name: 'Targets' }).click();
            await page.waitForFunction(() => location.pathname === '/targets');
        })],
        ['dashboards: bars lie, stand, are stacked, and tell their values', (browser) => using(browser, { height: 1200 }, async (page) => {
            await open(page, '/d/feature-bar-charts');
            /* By attributes: the browser says of a rectangle without area that it has no place either. */
            const boxes = (id) => page.locator(`${panel(id)} svg rect`).evaluateAll((list) => list.map((r) => Object.fromEntries(['x', 'y', 'width', 'height'].map((name) => [name, Number(r.getAttribute(name))]))));
            /* A line around a bar takes up to a pixel of it. */
            const alike = (sizes) => sizes.length > 0 && Math.max(...sizes) - Math.min(...sizes) <= 1.5;
            for (const id of [1, 2, 3, 4, 7, 8]) {
                await page.locator(`${panel(id)} svg rect`).first().waitFor({ state: 'attached' });
            }
            const [lying, stacked, shares, upright, narrow] = await Promise.all([1, 2, 3, 7, 8].map(boxes));
            check(lying.length >= 4 && alike(lying.map((b) => b.height)), `bars that lie are equally thick: ${JSON.stringify(lying)}`);
            check(alike(narrow.map((b) => b.height)), `bars of a narrow panel lie: ${JSON.stringify(narrow)}`);
            check(alike(upright.map((b) => b.width)), 'bars of a wide panel stand');
            check(new Set(stacked.map((b) => Math.round(b.x / 4))).size <= stacked.length / 2, 'stacked bars have one place');
            const ends = [0, 1, 2].map((i) => shares[2 * i + 1].x + shares[2 * i + 1].width);
            check(alike(ends), `shares of a sum end in one place: ${ends}`);
            check((await page.locator(`${panel(4)} svg text[transform^="rotate(-45"]`).count()) > 2, 'labels are not turned');
            /* A job that is down has no bar of `up`, so what is where depends on what is up. */
            await page.locator(panel(2)).scrollIntoViewIfNeeded();
            const pointedAt = new Set();
            for (const rect of await page.locator(`${panel(2)} svg rect`).all()) {
                const box = await rect.boundingBox();
                if (!box || box.width < 3 || box.height < 3) {
                    continue;
                }
                await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
                await tips(page).first().waitFor();
                await page.waitForTimeout(100);
                check((await tips(page).locator('.plot-tip-row').count()) === 3, 'all values of a category');
                pointedAt.add((await tips(page).locator('.plot-tip-row.near').innerText()).split(/\s/)[0]);
            }
            check(pointedAt.has('all') && pointedAt.size > 1, `the part of the stack that is pointed at: ${[...pointedAt]}`);
            check((await page.locator(`${panel(3)} svg text`).allTextContents()).some((t) => t === '50%' || t === '33%'), 'shares are told');
        })],
        ['dashboards: series in our own colours, and back', (browser) => using(browser, {}, async (page) => {
            await open(page, '/d/feature-series-colours');
            const colours = (id) => page.locator(`${panel(id)} .legend-swatch`).evaluateAll((list) => list.map((one) => one.style.background).join());
            for (const id of [1, 3]) {
                await page.locator(`${panel(id)} .legend-swatch`).nth(3).waitFor();
            }
            const [fixed, named] = [await colours(1), await colours(3)];
            const press = async () => { await page.keyboard.press('d'); await page.keyboard.press('p'); };
            await press();
            await page.getByText('Series have colours of our own').waitFor();
            check((await colours(3)) !== named && (await colours(1)) === fixed, `those of a palette change, fixed ones stay: ${named} to ${await colours(3)}, ${fixed} to ${await colours(1)}`);
            const own = await colours(3);
            await page.reload({ waitUntil: 'load' });
            await drawAll(page);
            await page.waitForFunction(([selector, wanted]) => [...document.querySelectorAll(selector)].map((one) => one.style.background).join() === wanted, [`${panel(3)} .legend-swatch`, own]);
            await press();
            await page.getByText('Series have the dashboard’s colours').waitFor();
            check((await colours(3)) === named, 'the colours of the dashboard are not back');
        })],
        ['dashboards: a table in pages, one whose rows grow, one of tables', (browser) => using(browser, {}, async (page) => {
            await open(page, '/d/feature-table-pages');
            const table = page.locator(panel(1));
            const place = table.locator('.pager [aria-live]');
            await place.waitFor();
            const [first, last, all] = (/^(\d+) to (\d+) of (\d+)$/.exec(await place.innerText()) ?? []).slice(1).map(Number);
            check(first === 1 && last >= 4 && all > last, await place.innerText());
            check((await table.locator('tbody tr:has(td)').count()) === last, 'rows of a page');
            check(await table.locator('.table-box').evaluate((box) => box.scrollHeight <= box.clientHeight), 'a page is higher than its room');
            const value = () => table.locator('tbody td').last().innerText();
            const before = await value();
            await table.getByRole('button', { name: 'Next page' }).click();
            await page.waitForFunction((n) => document.querySelector('[data-panel="1"] .pager [aria-live]').textContent.startsWith(`${n + 1} to `), last);
            check((await value()) !== before || all < 2 * last, 'the next page shows the same');
            await table.getByLabel('Find in the table').fill('nothing has this');
            await table.getByText('no rows').waitFor();
            await table.getByLabel('Find in the table').fill('');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.locator(`${panel(2)} tbody tr:has(td)`).nth(2).waitFor();
            const heights = await page.locator(`${panel(2)} tbody tr:has(td)`).evaluateAll((rows) => rows.map((r) => r.offsetHeight));
            check(heights.length >= 3 && heights.every((h) => h > 40), `heights: ${heights}`);
            const outer = page.locator(panel(3));
            await outer.getByRole('button', { name: 'Rows within' }).first().click();
            await outer.locator('.table-inner tbody tr').first().waitFor();
            check((await outer.locator('.table-inner th').allInnerTexts()).includes('requests'), 'names of the inner table');
            await outer.getByRole('button', { name: 'Rows within', expanded: true }).click();
            await outer.locator('.table-inner').waitFor({ state: 'detached' });
        })],
        ['dashboards: events over heatmaps and states', (browser) => using(browser, { height: 1000 }, async (page) => {
            await open(page, '/d/feature-heatmaps-and-events');
            for (const id of [1, 2, 3, 4]) {
                await page.locator(`${panel(id)} .plot-flag[aria-label*="is down"]`).first().waitFor();
            }
            /* One event may lie over another. */
            await page.locator(`${panel(3)} .plot-flag[aria-label*="is down"]`).first().hover({ force: true });
            await tips(page).filter({ hasText: /is down|a minute|TargetDown/ }).first().waitFor();
            await pointAt(page, `${panel(3)} svg[role="img"]`);
            await tips(page).filter({ hasText: ' to ' }).first().waitFor();
        })],
        ['dashboards: one that is too large is shown in part, and says so', (browser) => using(browser, {}, async (page) => {
            const stat = { type: 'stat', title: 'One of many' };
            await put({ uid: 'panel-too-many', title: 'Too many', panels: [{ type: 'row', title: 'Outer', panels: [{ type: 'row', title: 'Inner', panels: [stat] }] }, ...Array.from({ length: 100_000 }, () => stat)] });
            await page.goto(`${origin}/d/panel-too-many`, { waitUntil: 'load' });
            await page.getByText('This dashboard has more than can be shown. Left out: 95,003 of “panels”. Its file keeps them.').waitFor();
            await page.getByText('One of many').first().waitFor();
        })],
        ['dashboards: JSON that is nested without end is refused where it is typed in', (browser) => using(browser, {}, async (page) => {
            await page.goto(`${origin}/dashboards?import=`, { waitUntil: 'load' });
            await page.getByRole('textbox', { name: /JSON/ }).fill('{"panels":['.repeat(100_000) + ']}'.repeat(100_000));
            await page.getByText('nested more than 500 deep').first().waitFor();
        })],
        ['dashboards: a value for each calculation, fiscal years, names and scales of heatmaps', (browser) => using(browser, { height: 1000 }, async (page) => {
            const targets = [{ refId: 'A', expr: 'sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[1m]))', format: 'heatmap', legendFormat: '{{le}}' }];
            const heatmap = (id, layout) => ({ id, type: 'heatmap', title: layout, gridPos: { x: 12 * (id - 2), y: 8, w: 12, h: 9 }, targets, options: { rowsFrame: { layout }, tooltip: { mode: 'single', showColorScale: true } } });
            await put({
                uid: 'panel-calcs', title: 'Calculations', time: { from: 'now-5m', to: 'now' }, fiscalYearStartMonth: 3,
                panels: [{ id: 1, type: 'stat', title: 'Stat', gridPos: { x: 0, y: 0, w: 24, h: 8 }, targets: [{ refId: 'A', expr: 'count(up)', legendFormat: 'targets' }], options: { reduceOptions: { calcs: ['min', 'max'] } } }, heatmap(2, 'le'), heatmap(3, 'unknown')],
            });
            await open(page, '/d/panel-calcs');
            await page.locator(`${panel(1)} .stat-title`).nth(1).waitFor();
            check((await page.locator(`${panel(1)} .stat-title`).allInnerTexts()).join() === 'targets Min,targets Max', 'titles of the stat');
            /* Somewhere in the newest columns is a count, once there are two samples. */
            for (const [id, name] of [[2, / to /], [3, /^[\d.+Inf]+$/]]) {
                const { x, y, width, height } = await page.locator(`${panel(id)} canvas`).boundingBox();
                let scale = false;
                for (let i = 0; i < 600 && !scale; i++) {
                    if (i % 40 === 39) {
                        await page.getByRole('button', { name: 'Refresh', exact: true }).click();
                        await page.waitForTimeout(1000);
                    }
                    await page.mouse.move(x + width - 9 - (i % 3), y + ((height - 30) * ((i % 40) + 0.5)) / 40);
                    await page.waitForTimeout(60);
                    scale = (await page.locator('.plot-tip:visible .heatmap-scale').count()) === 1;
                }
                check(scale, `no scale in the tooltip of panel ${id}`);
                check(name.test(await page.locator('.plot-tip:visible .plot-tip-row span').first().innerText()), `the row of panel ${id}`);
                check(/linear-gradient.*linear-gradient/.test(await page.locator('.plot-tip:visible .heatmap-scale i').evaluate((i) => getComputedStyle(i).backgroundImage)), 'the place on the scale');
            }
            await page.mouse.move(3, 3);
            await page.getByRole('group', { name: 'Time range' }).locator('.range-button').click();
            await page.getByRole('button', { name: 'This fiscal year so far' }).click();
            await page.waitForFunction(() => new URLSearchParams(location.search).get('from') === 'now/fy');
            await page.locator('.range-button').filter({ hasText: 'This fiscal year so far' }).hover();
            await page.getByText(/^\d{4}-04-01 00:00:00 to /).waitFor();
        })],
    ];
}
