/* panels: what a panel says while it has no data, what is behind it, and every key of a dashboard. */
import { axe, check, LIMIT_MS } from './harness.mjs';

const HOUR_MS = 3_600_000;

export function panelTests(using, origin) {
    const go = (page, path) => page.goto(origin + path, { waitUntil: 'load' });
    /* A dashboard of our own, so that tests do not meet. */
    async function make(page, uid, panels, more = {}) {
        const dashboard = { uid, title: `Test ${uid}`, schemaVersion: 41, time: { from: 'now-5m', to: 'now' }, tags: ['testing'], panels, ...more };
        const { status } = await fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard, overwrite: true }) });
        check(status === 200, `${uid}: status ${status}`);
        await go(page, `/d/${uid}${more.search ?? ''}`);
        await page.locator('.board-panel').first().waitFor();
    }
    const panel = (id, type, title, expr, more = {}) => ({ id, type, title, gridPos: { h: 8, w: 12, x: ((id - 1) % 2) * 12, y: Math.floor((id - 1) / 2) * 8 }, targets: [{ refId: 'A', expr }], fieldConfig: { defaults: {}, overrides: [] }, options: {}, ...more });
    const search = (page) => page.evaluate(() => Object.fromEntries(new URLSearchParams(location.search)));
    return [
        ['dashboards: no data leads to the nearest range that has some', (browser) => using(browser, {}, async (page) => {
            const now = Date.now();
            await make(page, 'panel-nearest', [panel(1, 'timeseries', 'Load', 'node_load1'), panel(2, 'timeseries', 'Nothing', 'no_such_metric_anywhere')], { search: `?from=${now - 30 * HOUR_MS}&to=${now - 29 * HOUR_MS}` });
            const one = page.locator('[data-panel="1"]');
            await one.getByText('No data: ').waitFor();
            await one.getByRole('link', { name: 'node_load1' }).waitFor();
            await page.locator('[data-panel="2"]').getByRole('button', { name: 'Nearest range with data' }).click();
            await page.locator('[data-panel="2"]').getByText('None of its metrics').waitFor();
            await one.getByRole('button', { name: 'Nearest range with data' }).click();
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            const { from, to } = await search(page);
            check(Number(to) - Number(from) === HOUR_MS && Number(to) > now - HOUR_MS, `${from} to ${to}`);
        })],
        ['dashboards: a faulty query is shown where it is wrong, and asked again', (browser) => using(browser, { allow: [/status of (400|503)/] }, async (page) => {
            await make(page, 'panel-fault', [panel(1, 'timeseries', 'Wrong', 'up + )'), panel(2, 'timeseries', 'Right', 'node_load1')]);
            const wrong = page.locator('[data-panel="1"]');
            await wrong.getByText('parse error').waitFor();
            check((await wrong.locator('.panel-said u').innerText()) === ')', 'the place is not underlined');
            await page.locator('[data-panel="2"][data-state="ready"] canvas').waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            /* What was there stays, dimmed, while the server refuses. */
            await page.route('**/api/v1/query_range', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '{"status":"error","errorType":"unavailable","error":"too busy for this"}' }));
            await page.keyboard.press('t');
            await page.keyboard.press('ArrowLeft');
            const right = page.locator('[data-panel="2"][data-state="error"]');
            await right.getByText('too busy for this').waitFor();
            check(await right.locator('.failed canvas').isVisible(), 'the last data are gone');
            await page.unroute('**/api/v1/query_range');
            await right.getByRole('button', { name: 'Try again' }).click();
            await page.waitForFunction(() => document.querySelector('[data-panel="2"]').dataset.state !== 'error', undefined, { timeout: LIMIT_MS });
        })],
        ['dashboards: what has not come yet is drawn as axes, and nothing moves', (browser) => using(browser, {}, async (page) => {
            let free = () => undefined;
            const held = new Promise((done) => { free = done; });
            await page.route('**/api/v1/query_range', async (route) => { await held; await route.continue(); });
            await make(page, 'panel-skeleton', [panel(1, 'timeseries', 'Load', 'node_load1')]);
            const body = page.locator('[data-panel="1"] .board-panel-body');
            await page.waitForFunction(() => getComputedStyle(document.querySelector('[data-panel="1"] .board-panel-body'), '::after').opacity === '1');
            const before = await body.boundingBox();
            free();
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            const after = await body.boundingBox();
            check(JSON.stringify(before) === JSON.stringify(after), `${JSON.stringify(before)} became ${JSON.stringify(after)}`);
        })],
        ['dashboards: a trend draws over any ascending numbers, and says why it cannot', (browser) => using(browser, {}, async (page) => {
            const rows = [[10, 3], [100, 1], [55, 2]].map(([x, y]) => `label_replace(vector(${y}), "x", "${x}", "", "")`).join(' or ');
            const targets = [{ refId: 'A', expr: rows, format: 'table', instant: true }];
            const number = { id: 'convertFieldType', options: { conversions: [{ targetField: 'x', destinationType: 'number' }] } };
            const sorted = { id: 'sortBy', options: { sort: [{ field: 'x' }] } };
            const trend = (id, title, transformations, options = {}, more = {}) => panel(id, 'trend', title, '', { targets, transformations, options, ...more });
            await make(page, 'panel-trend', [
                trend(1, 'Drawn', [number, sorted], { xField: 'x' }, { fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'unit', value: 's' }, { id: 'displayName', value: 'waited' }] }] } }),
                trend(2, 'Unordered', [number]), trend(3, 'Without', [sorted], { xField: 'speed' }), trend(4, 'Text', [], { xField: 'x' }),
                trend(5, 'Alone', [number, sorted, { id: 'organize', options: { excludeByName: { Value: true } } }]),
                trend(6, 'Several', [], {}, { targets: [{ refId: 'A', expr: 'up' }] }),
            ]);
            for (const [id, said] of [[2, 'Values must be in ascending order'], [3, 'Unable to find field: speed'], [4, 'No numeric fields found for X axis'], [5, 'Data is missing a number field'], [6, 'Only one frame is supported, consider adding a join transformation']]) {
                await page.locator(`[data-panel="${id}"]`).getByText(said).waitFor();
            }
            const plot = page.locator('[data-panel="1"][data-state="ready"] .u-over');
            await plot.waitFor();
            const box = await plot.boundingBox();
            const tip = page.locator('.plot-tip:not([hidden])');
            /* The numbers stand where they belong: 55 of 10 to 100 is the middle. */
            for (const [share, want] of [[0.02, 'waited: 10 s'], [0.5, 'waited: 55 s'], [0.98, 'waited: 1.67 mins']]) {
                await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
                await tip.getByText(want, { exact: true }).waitFor();
            }
            await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
            await page.mouse.down();
            await page.mouse.move(box.x + box.width * 0.6, box.y + 20, { steps: 4 });
            await page.mouse.up();
            await page.mouse.move(box.x + 40, box.y + box.height / 2);
            await tip.getByText('waited: 55 s', { exact: true }).waitFor();
            check((await search(page)).from === undefined, 'the range of times has changed');
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
        })],
        ['dashboards: a list of alerts tells those that are muted apart, and has those of others', (browser) => using(browser, {}, async (page) => {
            const post = async (path, body) => {
                const answer = await fetch(`${origin}/api/v2/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
                check(answer.status === 200, `${path}: ${answer.status}`);
                return answer.json().catch(() => undefined);
            };
            const end = (ms) => new Date(Date.now() + ms).toISOString();
            const listed = ['ListedFirst', 'ListedMuted'].map((alertname) => ({ labels: { alertname } }));
            await post('alerts', listed);
            const { silenceID } = await post('silences', { matchers: [{ name: 'alertname', value: 'ListedMuted', isRegex: false, isEqual: true }], startsAt: end(0), endsAt: end(3_600_000), createdBy: 'a test', comment: 'listed' });
            await make(page, 'panel-alerts', [panel(1, 'alertlist', 'Alerts', '', { targets: [] }), panel(2, 'alertlist', 'Some', '', { targets: [], options: { alertName: 'Listed' } })]);
            const rows = page.locator('[data-panel="2"] .list-panel > .row');
            await page.locator('[data-panel="2"]').getByText('silenced').waitFor();
            const texts = (await rows.allInnerTexts()).map((text) => text.split('\n').slice(0, 2).join(' '));
            check(texts.join() === 'firing ListedFirst,silenced ListedMuted', texts.join());
            const all = (await page.locator('[data-panel="1"] .list-panel .state').allInnerTexts()).map((text) => text.trim());
            check(all.at(-1) === 'silenced' && all.includes('firing') && all.includes('pending'), all.join());
            await rows.first().getByRole('link', { name: 'ListedFirst' }).click();
            await page.getByRole('heading', { name: 'ListedFirst', exact: true }).waitFor();
            await fetch(`${origin}/api/v2/silence/${silenceID}`, { method: 'DELETE' });
            await post('alerts', listed.map((one) => ({ ...one, endsAt: end(0) })));
        })],
        ['dashboards: states in pages, bars with gradients, a heatmap of as many cells as are wanted', (browser) => using(browser, {}, async (page) => {
            const gradients = ['opacity', 'hue', 'scheme'].map((gradientMode, i) => ({ matcher: { id: 'byName', options: 'abc'[i] }, properties: [{ id: 'custom.gradientMode', value: gradientMode }, ...(gradientMode === 'scheme' ? [{ id: 'color', value: { mode: 'continuous-GrYlRd' } }] : [])] }));
            await make(page, 'panel-pages', [
                panel(1, 'state-timeline', 'States', 'node_cpu_seconds_total > 0', { options: { perPage: 3 } }),
                panel(2, 'barchart', 'Bars', '', { targets: ['a', 'b', 'c'].map((refId, i) => ({ refId, expr: `vector(${i + 1})`, legendFormat: refId })), interval: '1m', fieldConfig: { defaults: { color: { mode: 'palette-classic' } }, overrides: gradients } }),
                panel(3, 'heatmap', 'Heat', 'node_cpu_seconds_total', { options: { calculate: true, calculation: { xBuckets: { mode: 'count', value: '5' }, yBuckets: { mode: 'count', value: '4' } }, showValue: 'always', tooltip: { mode: 'single', yHistogram: true } } }),
            ]);
            const states = page.locator('[data-panel="1"]');
            const names = () => states.locator('svg g > text > title').allTextContents();
            const place = states.locator('.pager [aria-live]');
            await place.getByText(/^1 to 3 of \d+$/).waitFor();
            const first = await names();
            check(first.length === 3, `${first.length} rows`);
            await states.getByRole('button', { name: 'Next page' }).dblclick();
            await place.getByText(/^[47] to \d+ of \d+$/).waitFor();
            const next = await names();
            check(next.length <= 3 && next.every((name) => !first.includes(name)), `${first} and ${next}`);
            check((await search(page)).from === undefined, 'a double click on a button has zoomed out');
            const bars = page.locator('[data-panel="2"]');
            await bars.locator('rect[fill^="url("]').first().waitFor();
            const drawn = await bars.evaluate((box) => ({
                gradients: box.querySelectorAll('linearGradient').length, bars: box.querySelectorAll('rect').length,
                broken: [...box.querySelectorAll('rect')].filter((one) => !box.querySelector(one.getAttribute('fill').slice(4, -1))).length,
            }));
            check(drawn.gradients === 3 && drawn.broken === 0 && drawn.bars % 3 === 0, JSON.stringify(drawn));
            const heat = page.locator('[data-panel="3"] canvas');
            await heat.getAttribute('aria-label').then((text) => check(text.includes('4 buckets'), text));
            const box = await heat.boundingBox();
            await page.mouse.move(box.x + box.width - 20, box.y + 20);
            await page.waitForFunction(() => [...document.querySelectorAll('.plot-tip svg')].some((one) => one.querySelectorAll('rect').length === 4 && one.querySelectorAll('rect[fill="var(--accent)"]').length === 1));
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
        })],
        ['dashboards: inspection has the data, the queries, what they cost, the JSON', (browser) => using(browser, {}, async (page) => {
            await make(page, 'panel-inspect', [panel(1, 'timeseries', 'Two', 'node_load1', { targets: [{ refId: 'A', expr: 'node_load1' }, { refId: 'B', expr: 'rate(node_cpu_seconds_total[1m])' }] })]);
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            await page.locator('[data-panel="1"]').hover();
            await page.keyboard.press('i');
            await page.getByRole('tab', { name: 'Stats' }).click();
            const table = page.getByRole('region', { name: 'Statistics' });
            const row = async (name) => (await table.locator('tr', { hasText: name }).locator('td').allInnerTexts()).map((text) => text.replace(/\s/g, ' '));
            await table.getByText('All 2 queries').waitFor();
            const [a, b, all] = (await row('Rows')).map(Number);
            check(a > 0 && b > a && all === a + b, `rows: ${a}, ${b}, ${all}`);
            check((await row('of that evaluation')).every((text) => /^[\d.]+ ([mµ]s|s)$/.test(text)), `evaluation: ${await row('of that evaluation')}`);
            check((await row('Samples read')).map(Number)[0] > 0, 'no samples');
            check((await row('Size of the answer')).every((text) => / (B|kB|MB)$/.test(text)), 'bytes');
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.getByRole('tab', { name: 'JSON' }).click();
            await page.getByText('"title": "Two"').waitFor();
        })],
        ['dashboards: cells of tables, and links of values', (browser) => using(browser, { height: 1000 }, async (page) => {
            await go(page, '/d/feature-cells-and-links');
            const table = page.locator('[data-panel="2"]');
            await table.locator('tbody tr').nth(2).waitFor();
            await page.locator('[data-panel="1"] .cell-spark svg').first().waitFor();
            await table.locator('img[alt="A dot"]').first().waitFor();
            check(/^Explore 127\.0\.0\.1:\d+$/.test(await table.locator('td .cell-link').first().innerText()), 'a link is not called by its value');
            await table.locator('.cell-inspect').first().click();
            await page.getByRole('dialog', { name: 'doc' }).getByText('"up": [').waitFor();
            await page.keyboard.press('Escape');
            await page.getByRole('dialog', { name: 'doc' }).waitFor({ state: 'detached' });
            const jobs = table.locator('tbody td button.linked');
            const before = await jobs.count();
            await table.getByRole('button', { name: 'Filter job' }).click();
            await page.getByRole('dialog', { name: 'Filter job' }).getByLabel('node').check();
            await page.waitForFunction((count) => document.querySelectorAll('[data-panel="2"] tbody td button.linked').length < count, before);
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.keyboard.press('Escape');
            check((await jobs.allInnerTexts()).join() === 'node', 'the filter lets others through');
            await jobs.first().click();
            await page.getByRole('dialog').getByRole('link', { name: 'Explore node' }).waitFor();
            await page.getByRole('dialog').getByRole('link', { name: 'Targets' }).waitFor();
            await page.keyboard.press('Escape');
            await page.locator('[data-panel="5"]').getByRole('button', { name: /node_load1/ }).click();
            await page.getByRole('dialog').getByRole('link', { name: 'Targets' }).waitFor();
            await page.keyboard.press('Escape');
            await page.locator('[data-panel="6"]').getByRole('button', { name: /^Links of/ }).last().press('Enter');
            await page.getByRole('dialog').getByRole('link', { name: 'Targets' }).waitFor();
            await page.keyboard.press('Escape');
            await page.locator('[data-panel="3"] a.stat').click();
            await page.waitForFunction(() => location.pathname === '/explore');
        })],
        ['dashboards: a transformation for the frames of one query', (browser) => using(browser, {}, async (page) => {
            await make(page, 'panel-filter', [panel(1, 'table', 'Both', 'up', { targets: ['A', 'B'].map((refId) => ({ refId, expr: 'count(up)', format: 'table', instant: true })), transformations: [{ id: 'limit', options: { limitField: 1 } }] })], { search: '?editPanel=1' });
            await page.getByRole('tab', { name: /^Transform/ }).click();
            await page.getByRole('button', { name: 'Transformation 1 for some queries' }).click();
            const field = page.getByRole('combobox', { name: 'Queries of transformation 1' });
            await field.click();
            await page.getByRole('option', { name: 'B' }).click();
            await page.keyboard.press('Escape');
            await page.getByRole('button', { name: 'Transformation 1 as JSON' }).waitFor();
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            const saved = (await (await fetch(`${origin}/api/dashboards/uid/panel-filter`)).json()).dashboard.panels[0].transformations[0];
            check(JSON.stringify(saved) === '{"id":"limit","options":{"limitField":1},"filter":{"id":"byRefId","options":"/^(?:A|B)$/"}}', JSON.stringify(saved));
        })],
        ['dashboards: equal queries go once, what nobody sees is not asked, and a refresh draws into what is there', (browser) => using(browser, { height: 700 }, async (page) => {
            const asked = [];
            page.on('request', (request) => request.url().includes('/api/v1/query_range') && asked.push(Object.fromEntries(new URLSearchParams(request.postData() ?? ''))));
            const times = (expr) => asked.filter((one) => one.query === expr).length;
            /* On a slow machine panels may come into sight in different seconds, and ask for different times. */
            const twice = (expr) => times(expr) - new Set(asked.filter((one) => one.query === expr).map((one) => `${one.start} ${one.end} ${one.step}`)).size;
            const far = { gridPos: { h: 8, w: 24, x: 0, y: 80 } };
            const between = panel(4, 'text', 'Between', '', { gridPos: { h: 72, w: 24, x: 0, y: 8 }, options: { mode: 'markdown', content: 'far down' } });
            await make(page, 'panel-asks', [panel(1, 'timeseries', 'One', 'node_load1'), panel(2, 'timeseries', 'The same', 'node_load1'), between, panel(5, 'timeseries', 'Far', 'node_load15', far)]);
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            await page.locator('[data-panel="2"][data-state="ready"] canvas').waitFor();
            check(times('node_load1') > 0 && twice('node_load1') === 0, `of one query ${twice('node_load1')} are the same`);
            const first = times('node_load1');
            await page.evaluate(() => { document.querySelector('[data-panel="1"] canvas').kept = true; });
            await page.waitForTimeout(1100);
            const again = page.waitForResponse((response) => response.url().includes('/api/v1/query_range'));
            await page.keyboard.press('d');
            await page.keyboard.press('r');
            await again;
            await page.waitForFunction(() => document.querySelector('[data-panel="1"]').dataset.state === 'ready');
            check(times('node_load1') > first && twice('node_load1') === 0, `after a refresh: ${times('node_load1') - first} queries, ${twice('node_load1')} the same`);
            check(await page.evaluate(() => document.querySelector('[data-panel="1"] canvas').kept === true), 'a refresh makes a new canvas');
            /* A tab in the background rests, and looks when it is seen again. */
            await go(page, '/d/panel-asks?refresh=1s');
            await page.waitForFunction(() => document.querySelector('[data-panel="1"]')?.dataset.state === 'ready');
            const hide = (hidden) => page.evaluate((now) => {
                Object.defineProperty(document, 'hidden', { value: now, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            }, hidden);
            await hide(true);
            await page.waitForTimeout(300);
            const before = asked.length;
            await page.waitForTimeout(2500);
            check(asked.length === before, `${asked.length - before} queries of a page that nobody sees`);
            const seen = page.waitForRequest((request) => request.url().includes('/api/v1/query_range'));
            await hide(false);
            await seen;
            check(times('node_load15') === 0, 'a panel that nobody sees asks');
            await page.locator('[data-panel="5"]').scrollIntoViewIfNeeded();
            await page.locator('[data-panel="5"][data-state="ready"] canvas').waitFor();
        })],
        ['dashboards: every key of the list', (browser) => using(browser, {}, async (page) => {
            const row = { id: 9, type: 'row', title: 'Below', collapsed: true, gridPos: { h: 1, w: 24, x: 0, y: 8 }, panels: [panel(3, 'stat', 'Under', 'count(up)')] };
            await make(page, 'panel-keys', [panel(1, 'timeseries', 'Load', 'node_load1'), row]);
            const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
            const until = (what, body, arg) => page.waitForFunction(body, arg).catch(() => check(false, what));
            const param = (name, wanted) => until(`${name} is not ${wanted}`, ([key, value]) => new URLSearchParams(location.search).get(key) === value, [name, wanted]);
            const one = page.locator('[data-panel="1"]');
            const pointed = async () => { await page.mouse.move(5, 5); await one.hover(); };
            await page.locator('[data-panel="1"][data-state="ready"] canvas').waitFor();
            await press('?');
            const help = page.getByRole('dialog', { name: 'Keys' });
            await help.getByText('This list').waitFor();
            const listed = new Set((await help.locator('tr').evaluateAll((rows) => rows.map((r) => [...r.querySelectorAll('kbd')].map((k) => k.textContent).join(' ')))));
            const wanted = ['?', 'Ctrl k', '/', 'g h', 'g d', 'g e', 'g a', 'g t', 'd r', 'd E', 'd C', 'd k', 'd x', 't z', 't ←', 't →', 'v', 'e', 'i', 'p x', 'p s', 'p d', 'Esc'];
            check(wanted.every((keys) => listed.has(keys)), `not in the list of keys: ${wanted.filter((keys) => !listed.has(keys)).join(', ')}`);
            await press('Escape');
            await help.waitFor({ state: 'detached' });
            for (const key of ['Control+k', '/']) {
                await press(key);
                await page.getByLabel('Search pages, dashboards and actions').waitFor();
                await press('Escape');
                await page.getByLabel('Search pages, dashboards and actions').waitFor({ state: 'detached' });
            }
            await press('d', 'E');
            await page.locator('[data-panel="3"]').waitFor();
            await press('d', 'C');
            await page.locator('[data-panel="3"]').waitFor({ state: 'detached' });
            const asked = page.waitForRequest((r) => r.url().includes('/api/v1/query_exemplars'));
            await press('d', 'x');
            await asked;
            await page.getByText('Exemplars are shown').waitFor();
            await press('d', 'x');
            await page.getByText('Exemplars are hidden').waitFor();
            const refreshed = page.waitForRequest((r) => r.url().includes('/api/v1/query_range'));
            await page.waitForTimeout(1100);
            await press('d', 'r');
            await refreshed;
            await press('d', 'k');
            await param('kiosk', '');
            await press('d', 'k');
            await param('kiosk', null);
            await press('t', 'z');
            await until('t z does not zoom', () => new URLSearchParams(location.search).has('from'));
            for (const key of ['ArrowLeft', 'ArrowRight']) {
                const before = (await search(page)).from;
                await press('t', key);
                await until(`t ${key} does not shift`, (old) => new URLSearchParams(location.search).get('from') !== old, before);
            }
            await pointed();
            await press('v');
            await param('viewPanel', '1');
            await press('Escape');
            await param('viewPanel', null);
            await pointed();
            await press('i');
            await page.getByRole('tab', { name: 'Stats' }).waitFor();
            await press('Escape');
            await page.getByRole('tab', { name: 'Stats' }).waitFor({ state: 'detached' });
            await pointed();
            await press('p', 's');
            await until('p s copies no link', async () => (await navigator.clipboard.readText()).includes('viewPanel=1'));
            await pointed();
            await press('e');
            await param('editPanel', '1');
            await press('Escape');
            await param('editPanel', null);
            await page.getByRole('toolbar', { name: 'Edit the dashboard' }).waitFor();
            await pointed();
            await press('p', 'd');
            await until('p d does not duplicate', () => [...document.querySelectorAll('.board-panel h2')].filter((h) => h.textContent === 'Load').length === 2);
            await press('Control+s');
            await page.getByRole('dialog').getByLabel('What has changed').waitFor();
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('button', { name: 'Exit edit' }).waitFor();
            await press('Escape');
            await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
            await pointed();
            await press('p', 'x');
            await until('p x does not explore', () => location.pathname === '/explore' && new URLSearchParams(location.search).get('expr') === 'node_load1');
            await page.locator('.legend-table tbody tr').first().waitFor();
            await page.locator('h1').click();
            for (const [key, path] of [['h', '/'], ['d', '/dashboards'], ['a', '/alerts'], ['t', '/targets'], ['e', '/explore']]) {
                await press('g', key);
                await until(`g ${key} does not go to ${path}`, (to) => location.pathname === to, path);
            }
        })],
    ];
}
