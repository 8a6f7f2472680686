/* operate: alerts, silences, targets and the rest as somebody uses them who has been woken up; and with thousands of each. */
import { axe, check, settled } from './harness.mjs';
import { ALERTS, crowd, RULES, TARGETS } from './crowd.mjs';

const search = (page, name) => page.evaluate((key) => new URLSearchParams(location.search).get(key), name);

export function operateTests({ using, origin, go }) {
    const silences = (path, method, body) => fetch(`${origin}/api/v2/${path}`, { method, headers: { 'Content-Type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
    return [
        ['operate: a silence that is edited keeps its annotations, and they are text', (browser) => using(browser, {}, async (page) => {
            const annotations = { ticket: 'https://tickets.invalid/1', 'odd name': '<img data-evil src=x> "quoted" \\ and\nmore' };
            const body = { matchers: [{ name: 'alertname', value: 'Noted', isRegex: false, isEqual: true }], startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString(), createdBy: 'a test', comment: 'with notes', annotations };
            await silences('silences', 'POST', body);
            await go(page, '/silences');
            const row = page.locator('tr', { hasText: 'with notes' });
            await row.getByRole('link', { name: 'https://tickets.invalid/1' }).waitFor();
            await row.getByRole('link', { name: 'edit' }).click();
            await page.getByLabel('Who').fill('a test');
            await page.getByLabel('Why').fill('other notes');
            await page.getByRole('button', { name: 'Annotation', exact: true }).click();
            await page.getByLabel('Annotation 3', { exact: true }).fill('owner="anna');
            await page.getByText('One of the annotations cannot be read.').waitFor();
            await page.getByLabel('Annotation 3', { exact: true }).fill('owner="anna"');
            await page.getByRole('button', { name: /^Save/ }).click();
            await page.waitForFunction(() => location.pathname === '/silences');
            await page.locator('tr', { hasText: 'other notes' }).getByText('owner: anna').waitFor();
            check((await page.locator('[data-evil]').count()) === 0, 'an annotation became an element');
            const now = (await (await fetch(`${origin}/api/v2/silences`)).json()).filter((one) => one.comment === 'other notes');
            check(JSON.stringify(now[0].annotations) === JSON.stringify(Object.fromEntries(Object.entries({ ...annotations, owner: 'anna' }).sort())), JSON.stringify(now));
            await silences(`silence/${now[0].id}`, 'DELETE');
        })],
        ['operate: alerts by label: a click chooses, matchers choose, and all of them are silenced together', (browser) => using(browser, {}, async (page) => {
            await go(page, '/alerts');
            await page.getByRole('link', { name: 'It always fires' }).first().waitFor();
            await page.getByRole('button', { name: 'severity="warn"' }).first().click();
            await page.getByRole('link', { name: 'It always fires' }).waitFor({ state: 'detached' });
            check((await search(page, 'search')) === 'severity="warn"', `the search is ${await search(page, 'search')}`);
            await page.getByLabel('Search alerts').fill('severity=~"pa.*" job!="broken" always');
            await page.getByRole('link', { name: 'It always fires' }).first().waitFor();
            check((await page.locator('tbody tr').count()) === (await page.locator('tbody tr', { hasText: 'It always fires' }).count()), 'others are there too');
            await page.getByLabel('Search alerts').fill('severity=~"("');
            await page.getByText('No alert is so').waitFor();
            await page.getByText(/Invalid regular expression/).waitFor();
            await page.getByLabel('Search alerts').fill('severity="page"');
            await page.getByRole('combobox', { name: 'Group by' }).click();
            await page.getByRole('option', { name: 'By severity' }).click();
            await page.locator('.section h2', { hasText: 'severity="page"' }).waitFor();
            check((await page.locator('.section').count()) === 1, 'one severity is one section');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.getByRole('button', { name: 'Silence these' }).click();
            await page.waitForFunction(() => location.pathname === '/silences/new');
            check((await page.getByLabel('Matcher 1', { exact: true }).inputValue()) === 'severity="page"', 'the matcher is not taken over');
        })],
        ['operate: what others post to the API is on every list of alerts, counted, with its receivers, and silenced as any other', (browser) => using(browser, {}, async (page) => {
            const rail = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Alerts/ });
            const counted = async () => Number((await rail.getAttribute('aria-label')).match(/\d+/)[0]);
            await go(page, '/');
            await page.waitForFunction(() => /^Alerts \d/.test(document.querySelector('nav a[href$="/alerts"]')?.getAttribute('aria-label') ?? ''));
            const before = await counted();
            const posted = { labels: { alertname: 'Posted', severity: 'page', evil: '<img data-evil src=x>' }, annotations: { summary: 'It came from elsewhere' }, generatorURL: 'http://elsewhere.invalid:9090/graph?g0.expr=up&g0.tab=1' };
            await silences('alerts', 'POST', [posted]);
            /* Of the same name as a rule here, and without a link to where it comes from. */
            await silences('alerts', 'POST', [{ labels: { alertname: 'AlwaysFiring', host: 'of others' } }]);
            await page.waitForFunction((want) => document.querySelector('nav a[href$="/alerts"]').getAttribute('aria-label') === `Alerts ${want}`, before + 2);
            await page.locator('tr', { hasText: 'It came from elsewhere' }).getByRole('link', { name: 'Posted' }).waitFor();
            check((await page.locator('.tile', { hasText: 'alerts firing' }).locator('b').innerText()) === String(before + 2), 'the tile and the rail count otherwise');
            await go(page, '/alerts');
            await page.getByText('Posted 2', { exact: true }).click();
            await page.waitForFunction(() => document.querySelectorAll('.section').length === 2);
            const row = page.locator('tr', { hasText: 'It came from elsewhere' });
            await page.locator('.section h2', { hasText: 'Posted, posted' }).waitFor();
            check((await row.innerText()).includes('from elsewhere.invalid:9090 to pager'), await row.innerText());
            check((await page.locator('tr', { hasText: 'of others' }).innerText()).includes('from the API to mail'), 'its source or receiver is not told');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await row.getByRole('link', { name: 'It came from elsewhere' }).click();
            await page.getByRole('heading', { name: 'Posted', exact: true }).waitFor();
            check((await page.getByRole('link', { name: 'elsewhere.invalid:9090' }).getAttribute('href')) === posted.generatorURL, 'the source is no link');
            check((await page.locator('.plot').count()) === 0 && (await page.locator('[data-evil]').count()) === 0, 'there is nothing to draw');
            await page.getByRole('button', { name: 'Silence' }).click();
            await page.getByLabel('Who').fill('a test');
            await page.getByLabel('Why').fill('others are silenced too');
            await page.getByRole('button', { name: /^Silence/ }).click();
            await page.waitForFunction(() => location.pathname === '/silences');
            await go(page, '/alerts?show=muted');
            await page.locator('tr', { hasText: 'It came from elsewhere' }).getByText('silenced').waitFor();
            await page.waitForFunction((want) => document.querySelector('nav a[href$="/alerts"]').getAttribute('aria-label') === `Alerts ${want}, 1 muted`, before + 1);
            for (const one of (await (await silences('silences')).json()).filter(({ comment, status }) => comment === 'others are silenced too' && status.state === 'active')) {
                await silences(`silence/${one.id}`, 'DELETE');
            }
            const endsAt = new Date().toISOString();
            await silences('alerts', 'POST', [{ ...posted, endsAt }, { labels: { alertname: 'AlwaysFiring', host: 'of others' }, endsAt }]);
            await page.waitForFunction((want) => document.querySelector('nav a[href$="/alerts"]').getAttribute('aria-label') === `Alerts ${want}`, before);
        })],
        ['operate: a narrow window shows silences without breaking a date', (browser) => using(browser, { width: 390, height: 844 }, async (page) => {
            const matchers = [{ name: 'alertname', value: 'Narrow', isRegex: false, isEqual: true }];
            const timeIntervals = [{ weekdays: ['monday:friday'], times: [{ start_time: '22:00', end_time: '24:00' }] }];
            const at = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
            for (const more of [{ endsAt: at(5) }, { startsAt: at(1), endsAt: at(24), comment: 'later' }, { endsAt: at(9000), timeIntervals }]) {
                await silences('silences', 'POST', { matchers, startsAt: at(0), createdBy: 'a test', comment: 'on a small screen', ...more });
            }
            await go(page, '/silences?search=narrow');
            await page.locator('tbody tr').nth(2).waitFor();
            await page.locator('tr', { hasText: 'later' }).getByText(/^from \d{4}-/).waitFor();
            const faults = await page.evaluate(() => {
                const dates = [...document.querySelectorAll('tbody td .nowrap')].filter((one) => one.offsetParent);
                const table = document.querySelector('.table-wrap');
                const column = dates.map((one) => one.closest('td').cellIndex);
                return { dates: dates.length, broken: dates.filter((one) => one.getBoundingClientRect().height > 26).length, wide: table.scrollWidth - table.clientWidth, columns: [...new Set(column)] };
            });
            /* An end and how far it is for each, and the beginning of one, and the next window of another, which may be to come too. */
            check(faults.dates >= 8 && faults.broken === 0 && faults.wide <= 0 && faults.columns.join() === '1', JSON.stringify(faults));
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            for (const one of (await (await silences('silences')).json()).filter(({ matchers: [{ value }], status }) => value === 'Narrow' && status.state !== 'expired')) {
                await silences(`silence/${one.id}`, 'DELETE');
            }
        })],
        ['operate: a scrape pool is chosen, and a label', (browser) => using(browser, {}, async (page) => {
            await go(page, '/targets');
            await page.getByRole('combobox', { name: 'Scrape pool' }).click();
            await page.getByRole('option', { name: 'node', exact: true }).click();
            await page.waitForFunction(() => document.querySelectorAll('.section').length === 1);
            check((await search(page, 'pool')) === 'node', 'the pool is not in the URL');
            await page.getByRole('button', { name: 'env="prod"' }).click();
            await page.waitForFunction(() => new URLSearchParams(location.search).get('search') === 'env="prod"');
            check((await page.locator('.section').count()) === 1, 'the target has the label');
            await page.getByRole('button', { name: 'env="prod"' }).click();
            await page.waitForFunction(() => !new URLSearchParams(location.search).has('search'));
            await page.getByLabel('Search targets').fill('env!="prod"');
            await page.getByText('No target is so').waitFor();
        })],
        ['operate: what was run before is among the completions', (browser) => using(browser, {}, async (page) => {
            await go(page, '/explore');
            await page.getByLabel('Query A').click();
            await page.keyboard.type('sum(node_load1) / 17');
            await page.keyboard.press('Escape');
            await page.keyboard.press('Enter');
            await page.waitForFunction(() => new URLSearchParams(location.search).get('expr') === 'sum(node_load1) / 17');
            await page.getByRole('button', { name: 'Add query' }).click();
            await page.getByLabel('Query B').click();
            await page.keyboard.type('su', { delay: 20 });
            await page.locator('.cm-tooltip-autocomplete li', { hasText: 'sum(node_load1) / 17' }).click();
            await page.waitForFunction(() => document.querySelectorAll('.cm-content')[1]?.innerText === 'sum(node_load1) / 17');
        })],
        ['operate: an empty range leads to data, and says when there are none', (browser) => using(browser, {}, async (page) => {
            await go(page, '/explore?expr=node_load1&from=now-10d&to=now-9d');
            await page.getByRole('button', { name: 'Nearest range with data' }).click();
            await page.locator('.legend-table tbody tr').first().waitFor();
            await go(page, '/explore?expr=nothing_is_called_so');
            await page.getByRole('button', { name: 'Nearest range with data' }).click();
            await page.getByText('None of its metrics has a sample').waitFor();
        })],
        ['operate: cardinality: what has grown is asked for', (browser) => using(browser, {}, async (page) => {
            await go(page, '/cardinality');
            await page.getByRole('button', { name: '1d', exact: true }).click();
            const row = page.getByRole('region', { name: 'Grown within 1d' }).locator('tr', { hasText: 'node_cpu_seconds_total' });
            await row.waitFor();
            check(Number((await row.locator('.right').innerText()).replace(/,/g, '')) > 1, 'all its series are new');
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
        })],
        ['operate: times are local, or of UTC where that is chosen, and stay so', (browser) => using(browser, { zone: 'Asia/Tokyo' }, async (page) => {
            await go(page, '/explore?expr=up&from=1767571200000&to=1767574800000');
            const range = page.locator('.range-button');
            check((await range.innerText()).includes('09:00'), `the range is ${await range.innerText()}`);
            await range.click();
            await page.getByText('Times are local: Asia/Tokyo').waitFor();
            await page.getByRole('button', { name: 'UTC', exact: true }).click();
            await page.waitForFunction(() => document.querySelector('.range-button')?.innerText.includes('01:00:00') && !document.querySelector('.range-form'));
            await go(page, '/');
            await settled(page);
            await page.keyboard.press('Control+k');
            await page.getByRole('combobox').fill('local times');
            await page.getByRole('option', { name: 'Show local times' }).waitFor();
        })],
        ...[['alerts', ALERTS, 'All'], ['rules', RULES, 'All'], ['targets', TARGETS, 'All'], ['service-discovery', TARGETS, 'Active']].map(([name, count, choice]) => [
            `operate: ${name} in thousands, with labels that want to be HTML`, (browser) => using(browser, {}, async (page) => {
                await crowd(page);
                await go(page, `/${name}`);
                await page.getByText(`${choice} ${count}`, { exact: true }).waitFor();
                await page.locator('tbody tr').first().waitFor();
                await settled(page);
                const rows = () => page.locator('tbody tr').count();
                const first = await rows();
                check(first >= 60 && first <= 240, `${first} rows are drawn at first`);
                check((await page.locator('[data-evil]').count()) === 0, 'a label became an element');
                check((await page.locator('main').innerText()).includes('<img data-evil'), 'what wants to be HTML is no text');
                const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                check(wide <= 0, `${wide} px wider than the window`);
                await page.getByText(/^[\d,]+ of [\d,]+$/).scrollIntoViewIfNeeded();
                await page.waitForFunction((before) => document.querySelectorAll('tbody tr').length > before, first);
                const found = await axe(page);
                check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            }),
        ]),
    ];
}
