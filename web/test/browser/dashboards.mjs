/* dashboards: the corpus of tests/web/boards and Node Exporter Full in a browser. */
import { axe, check, LIMIT_MS, settled, visit } from './harness.mjs';

/* Panels that the machine cannot fill are named here, with the reason. */
const MAY_BE_EMPTY = [];
/* The browser tells of handlers in a text that is only being parsed: the text panel's. */
const PARSED = [/Executing inline event handler violates/];

/* near scrolls through the page, so that every panel has been in sight, and waits until none is busy. */
export async function drawAll(page) {
    await page.locator('.board-panel').first().waitFor();
    await page.evaluate(async () => {
        const box = document.querySelector('#main');
        const scrolls = box.scrollHeight > box.clientHeight ? box : document.scrollingElement;
        for (let y = 0; y <= scrolls.scrollHeight; y += 400) {
            scrolls.scrollTop = y;
            /* Who watches what comes into sight is told between two frames. */
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }
        scrolls.scrollTop = 0;
    });
    await page.waitForFunction(() => ![...document.querySelectorAll('.board-panel')].some((p) => p.dataset.state === 'busy'), undefined, { timeout: LIMIT_MS });
}

export const states = (page) => page.evaluate(() => [...document.querySelectorAll('.board-panel')].map((p) => ({ id: p.dataset.panel, state: p.dataset.state, type: p.dataset.type, title: p.getAttribute('aria-label'), text: p.innerText.slice(0, 200) })));

/* nodeExporterFull gives the dashboard as the server has it, with the panels of its rows beside the others; undefined: it has none. */
export async function nodeExporterFull(origin) {
    const get = async (path) => (await fetch(origin + path)).json();
    const hit = (await get('/api/search')).find((board) => board.title === 'Node Exporter Full');
    return hit && { uid: hit.uid, panels: (await get(`/api/dashboards/uid/${hit.uid}`)).dashboard.panels.flatMap((p) => [p, ...(p.panels ?? [])]) };
}

/* The metrics that an expression names, each with the labels that it wants equal to a value, as text: [name, ['state="idle"']]. */
function selectorsOf(expr) {
    return [...expr.matchAll(/\b((?:node|process|go|scrape)_\w+)\s*(\{[^}]*\})?/g)].map(([, name, matchers]) => ({ name, labels: (matchers ?? '').match(/\w+="[^"$]*"/g) ?? [] }));
}

/*
 * showsWhatIsThere looks at all panels of Node Exporter Full. One without data must lack its metrics: each of its queries names one that isServed denies
 * (it gets the name and the values of labels that the query asks for). None may show an error.
 */
export async function showsWhatIsThere(page, { panels }, isServed) {
    await drawAll(page);
    await page.keyboard.press('d');
    await page.keyboard.press('E');
    await page.waitForFunction(() => document.querySelectorAll('.board-panel').length > 100);
    await drawAll(page);
    const all = await states(page);
    const failed = all.filter((p) => p.state === 'error' || p.text.includes('This panel failed')).map((p) => `${p.title}: ${p.text}`);
    const without = all.filter((p) => !failed.includes(`${p.title}: ${p.text}`) && p.state !== 'ready');
    const wrong = without.flatMap((p) => {
        const exprs = panels.filter((one) => String(one.id) === p.id).flatMap((one) => one.targets ?? []).map((t) => t.expr ?? '');
        const served = exprs.filter((expr) => selectorsOf(expr).every(({ name, labels }) => isServed(name, labels)));
        return exprs.length === 0 || served.length > 0 ? [`${p.title} has no data, though there is ${served.join(', ')}`] : [];
    });
    const ready = all.length - failed.length - without.length;
    console.log(`  Node Exporter Full: ${ready} of ${all.length} panels show data, ${without.length - wrong.length} ask for metrics that are not there, ${wrong.length} show nothing though theirs are, ${failed.length} an error`);
    check(failed.length + wrong.length === 0, [...failed, ...wrong].join('\n'));
    return ready;
}

export function dashboardTests(using, origin) {
    const go = (page, path) => page.goto(origin + path, { waitUntil: 'load' });
    const get = (page, path) => page.evaluate(async (url) => (await fetch(url)).json(), origin + path);
    return [
        ['dashboards: every feature of the corpus draws', (browser) => using(browser, { height: 1400, allow: PARSED }, async (page) => {
            await go(page, '/dashboards');
            await page.getByRole('link', { name: 'grid and rows' }).waitFor();
            const boards = (await get(page, '/api/search?tag=features&type=dash-db')).sort((a, b) => a.title.localeCompare(b.title));
            check(boards.length >= 25, `${boards.length} dashboards`);
            const faults = [];
            for (const board of boards) {
                await visit(page, `/d/${board.uid}`, board.title);
                await drawAll(page);
                for (const p of await states(page)) {
                    if (p.state !== 'ready' && !MAY_BE_EMPTY.includes(`${board.title}: ${p.title}`)) {
                        faults.push(`${board.title}: ${p.type} "${p.title}" is ${p.state}: ${p.text}`);
                    }
                    if (p.text.includes('This panel failed')) {
                        faults.push(`${board.title}: "${p.title}": ${p.text}`);
                    }
                }
                const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                check(wide <= 0, `${board.title}: ${wide} px wider than the window`);
            }
            check(faults.length === 0, faults.join('\n'));
        })],
        ['dashboards: text of others cannot run', (browser) => using(browser, { allow: PARSED }, async (page) => {
            await go(page, '/d/feature-text-pie-heatmap');
            await drawAll(page);
            await page.locator('.prose h1').waitFor();
            const bad = await page.evaluate(() => document.querySelectorAll('.prose img, .prose [onerror], .prose a[href^="javascript:"]').length);
            check(bad === 0, 'markup of the text panel was not sanitised');
        })],
        ['dashboards: a variable changes the panels and the URL', (browser) => using(browser, {}, async (page) => {
            await go(page, '/d/feature-variables');
            await drawAll(page);
            await page.getByLabel('instance', { exact: true }).first().waitFor();
            await go(page, '/d/feature-variables?var-job=node');
            await drawAll(page);
            await page.locator('.board-panel h2', { hasText: 'node of Production' }).waitFor();
            await page.getByLabel('env', { exact: true }).first().click();
            await page.getByRole('option', { name: 'test' }).click();
            await page.locator('.board-panel h2', { hasText: 'node of test' }).waitFor();
            check(new URL(page.url()).searchParams.get('var-env') === 'test', page.url());
        })],
        ['dashboards: rows fold, panels are viewed alone and inspected', (browser) => using(browser, {}, async (page) => {
            await go(page, '/d/feature-grid-and-rows');
            await drawAll(page);
            check((await states(page)).length === 2, 'the folded row hides its panels');
            await page.getByRole('button', { name: /Folded/ }).click();
            await page.waitForFunction(() => document.querySelectorAll('.board-panel').length === 4);
            await page.getByRole('button', { name: 'Menu of timeseries' }).first().click();
            await page.getByRole('menuitem', { name: 'Inspect' }).click();
            await page.getByRole('tab', { name: 'Queries' }).click();
            await page.getByText('up', { exact: true }).first().waitFor();
            await page.keyboard.press('Escape');
            await page.getByRole('tab', { name: 'Queries' }).waitFor({ state: 'detached' });
            await page.getByRole('button', { name: 'Menu of timeseries' }).first().click();
            await page.getByRole('menuitem', { name: 'View' }).click();
            await page.waitForFunction(() => document.querySelectorAll('.board-panel').length === 1 && new URLSearchParams(location.search).has('viewPanel'));
            await page.goBack();
            await page.waitForFunction(() => document.querySelectorAll('.board-panel').length > 1);
        })],
        ['dashboards: one that is starred stands first, after a reload too', (browser) => using(browser, {}, async (page) => {
            await go(page, '/d/feature-legends');
            await page.getByRole('button', { name: /^Star / }).click();
            await page.locator('.star[aria-pressed="true"]').waitFor();
            await go(page, '/dashboards');
            await page.getByRole('region', { name: 'Starred' }).getByRole('link', { name: 'legends' }).waitFor();
            await go(page, '/');
            await page.locator('.board-links li').first().getByText('legends').waitFor();
            await go(page, '/dashboards');
            await page.getByRole('region', { name: 'Starred' }).getByRole('button', { name: /^Star / }).click();
            await page.getByRole('region', { name: 'Starred' }).waitFor({ state: 'detached' });
        })],
        ['dashboards: new, changed as JSON, restored', (browser) => using(browser, {}, async (page) => {
            await go(page, '/dashboards');
            await page.getByRole('button', { name: 'New' }).click();
            await page.getByRole('menuitem', { name: 'New dashboard' }).click();
            await page.getByText('This dashboard has no panels').waitFor();
            await page.getByRole('button', { name: 'Settings of the dashboard' }).click();
            await page.getByRole('tab', { name: 'JSON' }).click();
            const json = page.getByLabel('JSON of the dashboard');
            await json.click();
            const write = async (text) => {
                await page.keyboard.press('Control+a');
                await page.keyboard.insertText(text);
            };
            const text = '{\n  "title": "New dashboard",\n  "panels": [{"id": 1, "type": "stat", "title": "Made here", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4}, "targets": [{"refId": "A", "expr": "count(up)"}]}],\n  "schemaVersion": 41\n}';
            await write(text.replace('],\n  "schema', ']\n  "schema'));
            await page.getByText('line 4, column 3: a comma or } is wanted').waitFor();
            await page.locator('.cm-lintRange-error, .cm-lintPoint-error').first().waitFor();
            check(await page.getByRole('button', { name: 'Apply' }).isDisabled(), 'what is no JSON cannot be applied');
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await json.click();
            await write(text);
            await page.getByLabel('Changes').waitFor();
            await page.getByRole('button', { name: 'Apply' }).click();
            await page.keyboard.press('Control+s');
            const dialog = page.getByRole('dialog');
            await dialog.getByLabel('Title').fill('Changed as JSON');
            await dialog.getByRole('button', { name: 'Save', exact: true }).click();
            await page.waitForFunction(() => location.pathname.startsWith('/d/'));
            await page.locator('.board-panel h2', { hasText: 'Made here' }).waitFor();
            await page.getByRole('button', { name: 'Edit', exact: true }).click();
            await page.locator('[data-cell="1"] section').focus();
            await page.keyboard.press('p');
            await page.keyboard.press('r');
            await page.getByText('This dashboard has no panels').waitFor();
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('button', { name: 'Exit edit' }).waitFor();
            await page.getByRole('button', { name: 'Settings of the dashboard' }).click();
            await page.getByRole('tab', { name: 'Versions' }).click();
            await page.getByRole('button', { name: 'Restore' }).click();
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.locator('.board-panel h2', { hasText: 'Made here' }).waitFor();
        })],
        ['dashboards: no serious finding of axe', (browser) => using(browser, {}, async (page) => {
            for (const path of ['/dashboards', '/d/feature-legends', '/d/feature-table', '/d/feature-stat', '/d/feature-bar-gauge-and-repeat']) {
                await go(page, path);
                await settled(page);
                if (path.startsWith('/d/')) {
                    await drawAll(page);
                }
                const found = await axe(page);
                check(found.length === 0, `${path}: axe: ${JSON.stringify(found)}`);
            }
        })],
        ['dashboards: Node Exporter Full over this host', (browser) => using(browser, { height: 1400 }, async (page) => {
            const board = await nodeExporterFull(origin);
            if (!board) {
                console.log('skipped: Node Exporter Full is not there');
                return;
            }
            await go(page, `/d/${board.uid}?from=now-1m&to=now&refresh=5m`);
            const known = new Set((await get(page, `/api/v1/label/__name__/values?match[]=${encodeURIComponent('{job="node"}')}`)).data);
            check(await showsWhatIsThere(page, board, (name) => known.has(name)) >= 20, 'few panels have data');
        })],
    ];
}
