/* annotations: what happened, drawn over panels; filters put into every query. */
import { axe, check, settled } from './harness.mjs';

const HOSTILE = '<img data-evil src=x>';

async function save(origin, dashboard) {
    const answer = await fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard, overwrite: true }) });
    const text = await answer.text();
    check(answer.ok, text);
    return JSON.parse(text).uid;
}

const panel = (id, expr, more = {}) => ({ id, type: 'timeseries', title: expr, gridPos: { x: 12 * ((id - 1) % 2), y: 0, w: 12, h: 8 }, targets: [{ refId: 'A', expr, exemplar: true }], ...more });

export function annotationTests({ origin, using, go }) {
    const drop = (uid) => fetch(`${origin}/api/dashboards/uid/${uid}`, { method: 'DELETE' });
    return [
        ['annotations: events and alerts over panels, switched off and on', (browser) => using(browser, {}, async (page) => {
            const uid = await save(origin, {
                uid: 'test-annotations', title: 'Annotations', time: { from: 'now-5m', to: 'now' },
                annotations: { list: [
                    { builtIn: 1, name: 'Annotations & Alerts', enable: true, hide: true, datasource: { type: 'grafana', uid: '-- Grafana --' } },
                    { name: HOSTILE, enable: true, iconColor: 'purple', expr: 'up{job="broken"} == bool 0', step: '1s', titleFormat: 'down: {{weird}}', textFormat: '{{instance}}', tagKeys: 'job' },
                    { name: 'Off', enable: false, iconColor: 'blue', expr: 'up', step: '1s' },
                ] },
                panels: [panel(1, 'up'), panel(2, 'node_memory_MemFree_bytes')],
            });
            await go(page, `/d/${uid}`);
            const flags = (id) => page.locator(`[data-panel="${id}"] .plot-flag`);
            await flags(1).first().waitFor();
            /* TargetDown is about up, so its span stands in the first panel alone; the other annotation stands in both. */
            await page.locator('[data-panel="1"] .plot-flag[aria-label^="TargetDown"]').first().waitFor();
            check((await page.locator('[data-panel="2"] .plot-flag[aria-label^="TargetDown"]').count()) === 0, 'an alert stands where its metric is not');
            await page.locator('[data-panel="2"] .plot-flag[aria-label^="down: <b data-evil>bold</b>"]').first().waitFor();
            await page.locator('[data-panel="2"] .plot-flag[aria-label^="down:"]').last().hover();
            await page.locator('.plot-flag-tip', { hasText: 'down: <b data-evil>bold</b>' }).waitFor();
            check((await page.locator('[data-evil]').count()) === 0, 'a label became an element');
            await page.getByRole('button', { name: /^Annotations: [1-9]/ }).click();
            await page.getByRole('dialog', { name: 'Annotations' }).getByText(HOSTILE).first().waitFor();
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.locator('.annotation-switch label', { hasText: HOSTILE }).click();
            await page.locator('[data-panel="2"] .plot-flag').first().waitFor({ state: 'detached' });
            await page.locator('.annotation-switch label', { hasText: 'Off' }).click();
            await page.locator('[data-panel="2"] .plot-flag[aria-label^="Off"]').first().waitFor();
            await drop(uid);
        })],
        ['filters: picked from the labels that are there, put into every query, kept in the URL', (browser) => using(browser, {}, async (page) => {
            const uid = await save(origin, {
                uid: 'test-adhoc', title: 'Filters', time: { from: 'now-5m', to: 'now' },
                templating: { list: [{ type: 'adhoc', name: 'Filters', filters: [] }] },
                panels: [panel(1, 'up', { fieldConfig: { defaults: {}, overrides: [] } }), panel(2, 'sum by (job) (rate(process_cpu_seconds_total[1m])) or up{job!="x"}')],
            });
            await go(page, `/d/${uid}`);
            await page.locator('[data-panel="1"][data-state="ready"]').waitFor();
            await page.getByRole('button', { name: 'Add a filter to Filters' }).click();
            await page.getByRole('combobox', { name: 'Label' }).fill('job');
            await page.getByRole('option', { name: 'job', exact: true }).click();
            await page.getByRole('combobox', { name: 'Value' }).click();
            await page.getByRole('option', { name: 'node', exact: true }).click();
            const asked = page.waitForRequest((request) => request.url().includes('query_range') && decodeURIComponent((request.postData() ?? '').replaceAll('+', ' ')).includes('up{job!="x", job="node"}'));
            await page.getByRole('button', { name: 'Add', exact: true }).click();
            await asked;
            await page.waitForFunction(() => new URLSearchParams(location.search).get('var-Filters') === 'job|=|node');
            await page.waitForFunction(() => document.querySelectorAll('[data-panel="1"] .panel-legend-box button').length === 1);
            await page.reload();
            await page.getByText('job = node').waitFor();
            await page.locator('[data-panel="1"][data-state="ready"]').waitFor();
            const found = await axe(page);
            check(found.length === 0, `axe: ${JSON.stringify(found)}`);
            await page.getByRole('button', { name: 'Remove job = node' }).click();
            await page.waitForFunction(() => document.querySelectorAll('[data-panel="1"] .panel-legend-box button').length > 1);
            await go(page, `/d/${uid}?var-Filters=${encodeURIComponent(`weird|=|<b data-evil>bold</b>`)}`);
            await page.getByText('weird = <b data-evil>bold</b>').waitFor();
            await settled(page);
            check((await page.locator('[data-evil]').count()) === 0, 'a value became an element');
            await drop(uid);
        })],
    ];
}
