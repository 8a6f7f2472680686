/* live: what changes on the server appears without a reload, by events or, where they are refused, by asking. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { check, LIMIT_MS, settled } from './harness.mjs';

/* Pages that hear events ask by themselves only every 30 s: what appears sooner came by an event. */
const SOON_MS = 20_000;

async function post(origin, path, body) {
    const answer = await fetch(origin + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const text = await answer.text();
    check(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
}

function silence(origin, comment) {
    return post(origin, '/api/v2/silences', {
        matchers: [{ name: 'nobody', value: 'here', isRegex: false, isEqual: true }], startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString(),
        createdBy: 'a test', comment,
    });
}

const expire = (origin, id) => fetch(`${origin}/api/v2/silence/${id}`, { method: 'DELETE' });

/* heard waits until the page's source of events has said hello. */
const heard = (page) => page.waitForResponse((response) => response.url().includes('/api/v1/events') && response.ok());

export function liveTests({ origin, prefixed, using, go }) {
    return [
        ['live: a silence that another makes appears at once', (browser) => using(browser, {}, async (page) => {
            const events = heard(page);
            await go(page, '/silences');
            await events;
            await settled(page);
            const { silenceID } = await silence(origin, '<b data-evil>made elsewhere</b>');
            await page.getByText('<b data-evil>made elsewhere</b>').waitFor({ timeout: SOON_MS });
            await expire(origin, silenceID);
            await page.getByText('<b data-evil>made elsewhere</b>').waitFor({ state: 'detached', timeout: SOON_MS });
        })],
        ['live: without events the page asks by itself', (browser) => using(browser, { allow: [/Failed to load resource/, /EventSource/] }, async (page) => {
            await page.route('**/api/v1/events*', (route) => route.fulfill({ status: 503, body: 'too many' }));
            await go(page, '/silences');
            await settled(page);
            const { silenceID } = await silence(origin, 'found by asking');
            await page.getByText('found by asking').waitFor({ timeout: LIMIT_MS });
            await expire(origin, silenceID);
        })],
        ['live: below a prefix', (browser) => using(browser, { origin: prefixed }, async (page) => {
            const events = heard(page);
            await page.goto(`${prefixed}/silences`);
            await events;
        })],
        ['live: a dashboard that changes on disk is read again, one that is edited is not', (browser) => using(browser, {}, async (page) => {
            const saved = await post(origin, '/api/dashboards/db', { dashboard: { title: 'Changed on disk', panels: [{ id: 1, type: 'text', title: 'Before', gridPos: { x: 0, y: 0, w: 12, h: 4 }, options: { content: 'x' } }] } });
            const found = await fetch(`${origin}/api/dashboards/uid/${saved.uid}`).then((answer) => answer.json());
            const file = found.meta.provisionedExternalId;
            check(existsSync(file), `${file} is not there`);
            const change = (from, to) => {
                const text = readFileSync(file, 'utf8');
                check(text.includes(from), `"${from}" is not in ${text}`);
                writeFileSync(file, text.replace(from, to));
            };
            const events = heard(page);
            await go(page, `/d/${saved.uid}`);
            await events;
            await page.locator('.board-panel h2', { hasText: 'Before' }).waitFor();
            change('Before', 'After <i>');
            await page.locator('.board-panel h2', { hasText: 'After <i>' }).waitFor({ timeout: SOON_MS });
            await page.getByText('Changed on disk: this is version 2 now').waitFor();
            await page.getByRole('button', { name: 'Edit', exact: true }).click();
            await page.locator('[data-cell]').first().focus();
            await page.keyboard.press('Shift+ArrowDown');
            await page.getByRole('button', { name: 'Discard' }).waitFor();
            change('After <i>', 'Third');
            await page.getByText('It was changed on disk (version 3)').waitFor({ timeout: SOON_MS });
            await fetch(`${origin}/api/dashboards/uid/${saved.uid}`, { method: 'DELETE' });
        })],
    ];
}
