/* run: the UI in a real browser against a real server. Usage: node run.mjs ORIGIN PREFIXED_ORIGIN [NAME...] */
import { axe, check, runAll, settled, using as usingOrigin } from './harness.mjs';
import { dashboardTests } from './dashboards.mjs';
import { annotationTests } from './annotations.mjs';
import { liveTests } from './live.mjs';
import { editingTests } from './editing.mjs';
import { featureTests } from './features.mjs';
import { operateTests } from './operate.mjs';
import { panelTests } from './panels.mjs';
import { PAGES } from './pages.mjs';
import { walkTests } from './walk.mjs';

const [origin, prefixed, ...only] = process.argv.slice(2);

const using = (browser, options, body) => usingOrigin(browser, options.origin ?? origin, options, body);
const go = (page, path) => page.goto(origin + path, { waitUntil: 'load' });

/* `within` goes there as a click on a link does, without loading the page anew. */
async function lookAt(page, path, withAxe, within) {
    await (within ? page.evaluate((to) => history.pushState(null, '', to), path) : go(page, path));
    await settled(page);
    check((await page.locator('h1').count()) === 1, `${path}: one h1 is wanted`);
    check(!(await page.locator('h1').innerText()).includes('failed'), `${path}: the page failed: ${await page.locator('main').innerText()}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(wide <= 0, `${path}: ${wide} px wider than the window`);
    if (withAxe) {
        const found = await axe(page);
        check(found.length === 0, `${path}: axe: ${JSON.stringify(found)}`);
    }
}

/* All faults of all pages are told at once. */
async function lookAtAll(page, withAxe, within = false) {
    const faults = [];
    for (const [i, { path }] of PAGES.entries()) {
        await lookAt(page, path, withAxe(path), within && i > 0).catch((error) => faults.push(error.message));
    }
    check(faults.length === 0, faults.join('\n'));
}

const tests = [
    ['every page, dark, wide', (browser) => using(browser, { dark: true }, async (page) => {
        await lookAtAll(page, () => true);
    })],
    ['every page, light, narrow', (browser) => using(browser, { dark: false, width: 390, height: 844 }, async (page) => {
        await lookAtAll(page, (path) => ['/', '/explore', '/alerts', '/targets'].includes(path.split('?')[0]), true);
    })],
    ['an expression is completed, run, shown three ways, and remembered', (browser) => using(browser, {}, async (page) => {
        await go(page, '/explore');
        const editor = page.getByLabel('Query A');
        await editor.click();
        await page.keyboard.type('node_loa', { delay: 20 });
        await page.locator('.cm-tooltip-autocomplete li', { hasText: 'node_load15' }).waitFor();
        await page.keyboard.type('d1');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => new URLSearchParams(location.search).get('expr') === 'node_load1');
        await page.locator('.legend-table tbody tr').first().waitFor();
        await page.getByText('Table', { exact: true }).click();
        await page.locator('.result-table tbody tr').first().waitFor();
        await page.getByText('Query tree', { exact: true }).click();
        await page.locator('.tree-node').first().waitFor();
        await page.goBack();
        await page.goBack();
        await page.locator('.legend-table tbody tr').first().waitFor();
        await page.getByRole('button', { name: 'History' }).click();
        await page.locator('.history-expr', { hasText: 'node_load1' }).waitFor();
    })],
    ["a faulty expression shows the server's words, and the rest goes on", (browser) => using(browser, { allow: [/status of 400/] }, async (page) => {
        await go(page, '/explore?expr=sum(&expr=up');
        await page.getByRole('alert').first().waitFor();
        check((await page.getByRole('alert').first().innerText()).includes('parse error'), 'no parse error is shown');
        await page.locator('.legend-table tbody tr').first().waitFor();
    })],
    ['two queries, one hidden, are in the URL and come back', (browser) => using(browser, {}, async (page) => {
        await go(page, '/explore?expr=up&expr=node_load1');
        await page.locator('.legend-table tbody tr').first().waitFor();
        const before = await page.locator('.legend-table tbody tr').count();
        await page.getByRole('button', { name: 'Hide', exact: true }).first().click();
        await page.waitForFunction(() => new URLSearchParams(location.search).get('hide') === 'A');
        await page.waitForFunction((count) => document.querySelectorAll('.legend-table tbody tr').length < count, before);
        await page.reload();
        await page.getByRole('button', { name: 'Show', exact: true }).waitFor();
    })],
    ['a drag zooms, a double click zooms out', (browser) => using(browser, {}, async (page) => {
        /* The server is young: a longer range would have no data in its middle. */
        await go(page, '/explore?expr=node_load1&from=now-10s&to=now');
        const over = page.locator('.plot .u-over');
        await over.waitFor();
        await page.locator('.legend-table tbody tr').first().waitFor();
        await settled(page);
        const box = await over.boundingBox();
        await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
        await page.mouse.up();
        await page.waitForFunction(() => /^\d+$/.test(new URLSearchParams(location.search).get('from') ?? ''));
        const width = () => page.evaluate(() => { const p = new URLSearchParams(location.search); return Number(p.get('to')) - Number(p.get('from')); });
        const zoomed = await width();
        check(Math.abs(zoomed - 0.3 * 10_000) < 500, `the zoom is ${zoomed} ms wide`);
        /* The answer for the part makes the plot anew: it is that one which is clicked. */
        await settled(page);
        await over.waitFor();
        const part = await over.boundingBox();
        await page.mouse.dblclick(part.x + part.width * 0.5, part.y + 50);
        await page.waitForFunction((before) => { const p = new URLSearchParams(location.search); return Number(p.get('to')) - Number(p.get('from')) > before; }, zoomed);
    })],
    ["Prometheus's links land where they should", (browser) => using(browser, {}, async (page) => {
        for (const [old, want] of [
            ['/graph?g0.expr=up&g0.tab=1', '/explore?expr=up&tab=table'],
            ['/query?g0.expr=up&g0.range_input=6h', '/explore?expr=up&from=now-6h&to=now'],
            ['/flags', '/status/flags'], ['/config', '/status/config'], ['/tsdb-status', '/status/tsdb'], ['/status', '/status/runtime'],
        ]) {
            await go(page, old);
            await page.waitForFunction((path) => location.pathname + location.search === path, want);
        }
    })],
    ['keyboard alone: palette, pages, help', (browser) => using(browser, {}, async (page) => {
        await go(page, '/');
        await settled(page);
        await page.keyboard.press('Control+k');
        await page.getByLabel('Search pages, dashboards and actions').waitFor();
        await page.keyboard.type('targ');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => location.pathname === '/targets');
        await page.getByLabel('Search pages, dashboards and actions').waitFor({ state: 'detached' });
        await page.keyboard.press('g');
        await page.keyboard.press('a');
        await page.waitForFunction(() => location.pathname === '/alerts');
        await page.keyboard.press('Control+k');
        await page.getByLabel('Search pages, dashboards and actions').waitFor();
        await page.keyboard.type('host over');
        await page.getByRole('option', { name: 'Host overview' }).waitFor();
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => location.pathname.startsWith('/d/host-overview'));
        await page.getByRole('heading', { name: 'Host overview' }).waitFor();
        await page.keyboard.press('?');
        await page.getByText('Go to Explore').waitFor();
        await page.keyboard.press('Escape');
        await page.getByText('Go to Explore').waitFor({ state: 'detached' });
    })],
    ['keyboard alone: a dashboard, zoom, a panel, an alert silenced; no event of a mouse', (browser) => using(browser, {}, async (page) => {
        await page.addInitScript(() => {
            window.mouseEvents = [];
            for (const type of ['mousedown', 'mouseup', 'mousemove', 'pointerdown', 'pointermove', 'wheel', 'touchstart']) {
                addEventListener(type, () => window.mouseEvents.push(type), true);
            }
        });
        const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
        /* Tab until the focus is on what is wanted. */
        const tabTo = async (what, test) => {
            for (let i = 0; i < 150; i++) {
                await press('Tab');
                if (await page.evaluate(`((at) => { ${test}; })(document.activeElement)`)) {
                    return;
                }
            }
            check(false, `Tab does not reach ${what}`);
        };
        const range = () => page.evaluate(() => new URLSearchParams(location.search).get('from') ?? '');

        await go(page, '/');
        await settled(page);
        await press('Control+k');
        await page.getByLabel('Search pages, dashboards and actions').waitFor();
        await page.keyboard.type('host over');
        await page.getByRole('option', { name: 'Host overview' }).waitFor();
        await press('Enter');
        await page.getByRole('heading', { name: 'Host overview' }).waitFor();
        await page.locator('.board-panel').first().waitFor();
        const before = await range();
        await press('t', 'z');
        await page.waitForFunction((old) => (new URLSearchParams(location.search).get('from') ?? '') !== old, before);
        await tabTo('a menu of a panel', 'return at.classList.contains("panel-menu")');
        /* The key works once the page knows which panel has the focus. */
        const isAlone = () => page.evaluate(() => new URLSearchParams(location.search).has('viewPanel'));
        for (let i = 0; i < 30 && !(await isAlone()); i++) {
            await press('v');
            await page.waitForTimeout(300);
        }
        await page.waitForFunction(() => new URLSearchParams(location.search).has('viewPanel') && document.querySelectorAll('.board-panel').length === 1);
        for (let i = 0; i < 30 && (await isAlone()); i++) {
            await press('Escape');
            await page.waitForTimeout(300);
        }
        await page.waitForFunction(() => document.querySelectorAll('.board-panel').length > 1);
        await tabTo('a menu of a panel', 'return at.classList.contains("panel-menu")');
        await press('Enter', 'ArrowDown', 'Home', 'Enter');
        await page.waitForFunction(() => new URLSearchParams(location.search).has('viewPanel'));

        await press('g', 'a');
        await page.waitForFunction(() => location.pathname === '/alerts');
        await page.getByRole('link', { name: 'It always fires' }).first().waitFor();
        await tabTo('the alert', 'return at.tagName === "A" && at.innerText.includes("It always fires")');
        await press('Enter');
        await page.getByRole('button', { name: 'Silence' }).waitFor();
        await tabTo('the way to a silence', 'return at.innerText?.trim() === "Silence"');
        await press('Enter');
        await page.getByLabel('Why').waitFor();
        await tabTo('who', 'return at.labels?.[0]?.innerText === "Who"');
        await page.keyboard.type('a hand on the keys');
        await press('Tab');
        await page.keyboard.type('no mouse was used');
        await tabTo('the button', 'return at.type === "submit"');
        await press('Enter');
        await page.waitForFunction(() => location.pathname === '/silences');
        await page.getByText('no mouse was used').waitFor();
        await tabTo('the button that ends it', 'return at.innerText === "Expire"');
        await press('Enter');
        await page.getByText('Nothing is silenced').waitFor();
        const events = await page.evaluate(() => window.mouseEvents);
        check(events.length === 0, `events of a mouse: ${events.join(', ')}`);
    })],
    ['hostile labels stay text', (browser) => using(browser, {}, async (page) => {
        for (const path of ['/targets', '/service-discovery', '/rules', '/alerts', '/explore?expr=up&tab=table', '/explore?expr=up']) {
            await go(page, path);
            await settled(page);
            const made = await page.evaluate(() => document.querySelectorAll('b[data-evil], img[data-evil], script[data-evil]').length);
            check(made === 0, `${path}: a label became an element`);
        }
        await go(page, '/targets');
        await page.getByText('<b data-evil>bold</b>').first().waitFor();
    })],
    ['filters are in the URL', (browser) => using(browser, {}, async (page) => {
        await go(page, '/targets');
        await page.getByText(/^Down 1$/).click();
        await page.waitForFunction(() => new URLSearchParams(location.search).get('show') === 'down');
        check((await page.locator('.section').count()) === 1, 'one pool has a target that is down');
        await page.getByLabel('Search targets').fill('no such thing');
        await page.getByText('No target is so').waitFor();
        await page.getByLabel('Search targets').fill('');
        await page.locator('.section').first().waitFor();
    })],
    ['an alert is silenced, and shown as muted', (browser) => using(browser, {}, async (page) => {
        await go(page, '/alerts?show=firing');
        await page.getByRole('link', { name: 'It always fires' }).click();
        await page.locator('.plot').waitFor();
        await page.getByRole('button', { name: 'Silence' }).click();
        await page.getByLabel('Who').fill('a test');
        await page.getByLabel('Why').fill('to see it muted');
        await page.locator('.panel', { hasText: 'What it mutes now' }).getByText('AlwaysFiring').waitFor();
        await page.getByRole('button', { name: /^Silence/ }).click();
        await page.waitForFunction(() => location.pathname === '/silences');
        await page.getByText('to see it muted').waitFor();
        await go(page, '/alerts?show=muted');
        await page.getByText('silenced').waitFor();
        /* The rail, the home page and the page of alerts count alike. */
        await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Alerts( \d+)?, 1 muted$/ }).waitFor();
        const counted = async (choice) => Number((await page.locator('label', { hasText: new RegExp(`^${choice} \\d+$`) }).innerText()).replace(/\D/g, ''));
        const [firing, pending] = [await counted('Firing'), await counted('Pending')];
        await page.getByRole('link', { name: `Alerts ${firing}, 1 muted`, exact: true }).waitFor();
        await go(page, '/');
        await page.getByRole('link', { name: `${firing} alerts firing, 1 muted` }).waitFor();
        await page.getByRole('link', { name: `${pending} alerts pending` }).waitFor();
        await page.getByRole('link', { name: '1 muted', exact: true }).click();
        await page.getByText('silenced').waitFor();
        await go(page, '/silences');
        await page.getByRole('button', { name: 'Expire' }).click();
        await page.getByText('Nothing is silenced').waitFor();
    })],
    ['an alert is acknowledged, and taken back', (browser) => using(browser, {}, async (page) => {
        await go(page, '/alerts?show=firing');
        await page.getByRole('link', { name: 'It always fires' }).first().click();
        await page.getByRole('button', { name: 'Acknowledge' }).click();
        const form = page.getByRole('dialog', { name: 'Acknowledge' });
        await form.getByLabel('Who').fill('a test');
        await form.getByLabel('What is done').fill('looking at it');
        await form.getByRole('button', { name: 'Acknowledge' }).click();
        await page.getByText('looking at it').waitFor();
        await go(page, '/alerts');
        await page.getByText('seen by a test').waitFor();
        await page.getByRole('link', { name: 'It always fires' }).first().click();
        await page.getByRole('button', { name: 'Take back' }).click();
        await page.getByRole('button', { name: 'Acknowledge' }).waitFor();
    })],
    ['a silence recurs, and says when', (browser) => using(browser, {}, async (page) => {
        await go(page, '/silences/new?matcher=alertname%3D%22Quiet%22');
        await page.getByText('Recurring', { exact: true }).click();
        await page.getByRole('button', { name: 'Sat', exact: true }).click();
        await page.getByLabel('Times', { exact: true }).fill('22:00-06:00');
        await page.getByText('over midnight takes two').waitFor();
        await page.getByLabel('Times', { exact: true }).fill('22:00-24:00');
        await page.getByLabel('Time zone').fill('Europe/Vienna');
        await page.locator('.windows li').nth(4).waitFor();
        await page.getByLabel('Who').fill('a test');
        await page.getByLabel('Why').fill('every night but Sunday');
        await page.getByRole('button', { name: /^Silence/ }).click();
        await page.getByText('Mon–Sat, 22:00–24:00 (Europe/Vienna)').waitFor();
        await page.getByRole('link', { name: 'edit' }).click();
        await page.getByRole('button', { name: 'Mon', exact: true }).click();
        await page.getByRole('button', { name: /^Save/ }).click();
        await page.getByText('Tue–Sat, 22:00–24:00 (Europe/Vienna)').waitFor();
        await page.getByRole('button', { name: 'Expire' }).click();
        await page.getByText('Nothing is silenced').waitFor();
    })],
    ['a silence that is to come is edited, and stays the one that it is', (browser) => using(browser, {}, async (page) => {
        const startsAt = new Date(Date.now() + 3_600_123).toISOString();
        const body = { matchers: [{ name: 'alertname', value: 'Later', isRegex: false, isEqual: true }], startsAt, endsAt: new Date(Date.now() + 7_200_456).toISOString(), createdBy: 'a test', comment: 'the first words' };
        const { silenceID } = await (await fetch(`${origin}/api/v2/silences`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).json();
        await go(page, '/silences');
        await page.locator('tr', { hasText: 'the first words' }).getByRole('link', { name: 'edit' }).click();
        await page.getByLabel('Who').fill('a test');
        await page.getByLabel('Why').fill('other words');
        check(/^\d{4}-/.test(await page.getByLabel('From').inputValue()), `it would begin ${await page.getByLabel('From').inputValue()}`);
        await page.getByRole('button', { name: /^Save/ }).click();
        await page.waitForFunction(() => location.pathname === '/silences');
        await page.getByText('other words').waitFor();
        const now = await (await fetch(`${origin}/api/v2/silence/${silenceID}`)).json();
        check(now.comment === 'other words' && Date.parse(now.startsAt) === Date.parse(startsAt) && now.status.state === 'pending', JSON.stringify(now));
        await fetch(`${origin}/api/v2/silence/${silenceID}`, { method: 'DELETE' });
    })],
    ['labels find their receiver', (browser) => using(browser, {}, async (page) => {
        await go(page, '/routing');
        await page.getByLabel('Where does an alert with these labels go?').fill('severity="page"');
        await page.locator('.route.hit', { hasText: 'pager' }).waitFor();
    })],
    ['colours are chosen and kept', (browser) => using(browser, { dark: false }, async (page) => {
        const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
        await go(page, '/');
        await settled(page);
        check((await scheme()) === 'light', 'the system is not followed');
        await page.getByRole('button', { name: /Colours/ }).click();
        check((await scheme()) === 'dark', 'dark was not chosen');
        await page.reload();
        await settled(page);
        check((await scheme()) === 'dark', 'dark was not kept');
    })],
    ['below a path of --web.external-url', (browser) => using(browser, { origin: prefixed }, async (page) => {
        await page.goto(`${prefixed}/targets`);
        await settled(page);
        await page.getByRole('link', { name: 'Explore' }).first().click();
        await page.waitForFunction((path) => location.pathname === path, `${new URL(prefixed).pathname}/explore`);
        await page.goto(`${prefixed}/explore?expr=up&tab=table`);
        await page.locator('.result-table tbody tr').first().waitFor();
    })],
];

process.exitCode = await runAll([...tests, ...liveTests({ origin, prefixed, using, go }), ...annotationTests({ origin, using, go }), ...operateTests({ using, origin, go }), ...walkTests({ using, origin, go }), ...dashboardTests(using, origin), ...panelTests(using, origin), ...featureTests(using, origin), ...editingTests(using, origin)], only);

