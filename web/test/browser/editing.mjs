/* editing: dashboards are changed in the page, and their files differ in nothing else. */
import { readFileSync } from 'node:fs';
import { axe, check, LIMIT_MS } from './harness.mjs';

/* What differs between two JSON values: paths, those that are gone or new with a sign. */
function differences(a, b, path = '') {
    const isObject = (v) => typeof v === 'object' && v !== null;
    if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) {
        return Object.is(a, b) ? [] : [path];
    }
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => {
        const at = path === '' ? key : `${path}.${key}`;
        return !Object.hasOwn(a, key) ? [`+${at}`] : !Object.hasOwn(b, key) ? [`-${at}`] : differences(a[key], b[key], at);
    });
}

/* The lines of one text that are not in the other, in their order. */
function newLines(before, after) {
    const known = new Set(before.split('\n'));
    return after.split('\n').filter((line) => !known.has(line));
}

export function editingTests(using, origin) {
    const go = (page, path) => page.goto(origin + path, { waitUntil: 'load' });
    const get = async (path) => (await fetch(origin + path)).json();
    const text = async (_page, uid) => readFileSync((await get(`/api/dashboards/uid/${uid}`)).meta.provisionedExternalId, 'utf8');
    /* A dashboard of our own, so that tests do not meet. */
    async function make(page, uid, more = {}) {
        const dashboard = {
            own: { kept: [1, { x: null }] }, uid, title: `Test ${uid}`, schemaVersion: 41, time: { from: 'now-5m', to: 'now' }, tags: ['editing'],
            panels: [
                { id: 1, type: 'stat', title: 'One', own: 'kept', gridPos: { h: 6, w: 8, x: 0, y: 0 }, targets: [{ refId: 'A', expr: 'count(up)', editorMode: 'code' }], fieldConfig: { defaults: { unit: 'none' }, overrides: [] }, options: { own: 1 } },
                { id: 2, type: 'timeseries', title: 'Two', gridPos: { h: 6, w: 8, x: 8, y: 0 }, targets: [{ refId: 'A', expr: 'node_load1' }], fieldConfig: { defaults: {}, overrides: [] }, options: {} },
            ],
            ...more,
        };
        const { status } = await fetch(`${origin}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard, overwrite: true }) });
        check(status === 200, `${uid}: status ${status}`);
        await go(page, `/d/${uid}`);
        await page.locator('.board-panel').first().waitFor();
        return text(page, uid);
    }
    const edit = async (page) => {
        await page.getByRole('button', { name: 'Edit', exact: true }).click();
        await page.getByRole('toolbar', { name: 'Edit the dashboard' }).waitFor();
    };
    const save = async (page, message = '') => {
        await page.keyboard.press('Control+s');
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('What has changed').fill(message);
        await dialog.getByRole('button', { name: 'Save', exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
        await page.getByRole('button', { name: 'Exit edit' }).waitFor();
    };

    return [
        ['editing: a panel is moved by mouse and keys, undone and redone, saved; the file differs only there', (browser) => using(browser, {}, async (page) => {
            const before = await make(page, 'edit-move');
            await edit(page);
            const one = page.locator('[data-cell="1"]');
            await one.waitFor();
            await one.focus();
            await page.keyboard.press('Shift+ArrowDown');
            await page.keyboard.press('Control+z');
            const head = await page.locator('[data-cell="2"] .board-panel-head').boundingBox();
            const width = (await page.locator('.edit-grid').boundingBox()).width / 24;
            await page.mouse.move(head.x + 60, head.y + 12);
            await page.mouse.down();
            await page.mouse.move(head.x + 60 + 4 * width, head.y + 14, { steps: 6 });
            await page.mouse.move(head.x + 60 + 8 * width, head.y + 14, { steps: 6 });
            await page.mouse.up();
            await page.getByRole('button', { name: 'Discard' }).waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.keyboard.press('Control+s');
            await page.getByRole('region', { name: 'Changes' }).waitFor();
            check((await axe(page)).length === 0, `axe, dialog: ${JSON.stringify(await axe(page))}`);
            await page.keyboard.press('Escape');
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            await save(page, 'moved aside');
            const after = await text(page, 'edit-move');
            check(JSON.stringify(differences(JSON.parse(before), JSON.parse(after))) === '["panels.1.gridPos.x"]', JSON.stringify(differences(JSON.parse(before), JSON.parse(after))));
            check(newLines(before, after).length === 1, `lines: ${newLines(before, after)}`);
            check(JSON.parse(after).panels[1].gridPos.x === 16, 'x');
            await page.reload();
            await page.locator('.board-panel').first().waitFor();
            check((await page.getByRole('toolbar', { name: 'Edit the dashboard' }).count()) === 0, 'edit mode is left');
        })],
        ['editing: a panel is sized by mouse, undone, redone, discarded, and saved as the diff tells', (browser) => using(browser, {}, async (page) => {
            const before = await make(page, 'edit-size');
            const cell = page.locator('[data-cell="2"]');
            const width = async () => Math.round((await cell.boundingBox()).width);
            /* Four columns wider, two lines higher. */
            async function size() {
                await cell.waitFor();
                const column = (await page.locator('.edit-grid').boundingBox()).width / 24;
                const grip = await cell.locator('.react-resizable-handle-se').boundingBox();
                const [x, y] = [grip.x + 12, grip.y + 12];
                await page.mouse.move(x, y);
                await page.mouse.down();
                await page.mouse.move(x + 2 * column, y + 40, { steps: 4 });
                await page.mouse.move(x + 4 * column, y + 76, { steps: 4 });
                await page.mouse.up();
                await page.getByRole('button', { name: 'Discard' }).waitFor();
            }
            const widths = async (least, most) => {
                await page.waitForFunction(([a, b]) => { const w = document.querySelector('[data-cell="2"]').getBoundingClientRect().width; return w >= a && w <= b; }, [least, most]);
            };
            await edit(page);
            const old = await width();
            await size();
            await widths(old * 1.4, old * 1.6);
            await page.getByRole('button', { name: 'Undo' }).click();
            await widths(old - 1, old + 1);
            check(await page.getByRole('button', { name: 'Undo' }).isDisabled(), 'there is something to undo');
            await page.getByRole('button', { name: 'Exit edit' }).waitFor();
            await page.getByRole('button', { name: 'Redo' }).click();
            await widths(old * 1.4, old * 1.6);
            await page.keyboard.press('Control+z');
            await widths(old - 1, old + 1);
            await page.keyboard.press('Control+y');
            await widths(old * 1.4, old * 1.6);
            await page.getByRole('button', { name: 'Discard' }).click();
            await page.getByRole('dialog', { name: 'Unsaved changes' }).getByRole('button', { name: 'Discard them' }).click();
            await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
            check((await text(page, 'edit-size')) === before, 'something is written');
            await edit(page);
            await widths(old - 1, old + 1);
            await size();
            await page.keyboard.press('Control+s');
            const changes = page.getByRole('region', { name: 'Changes' });
            await page.getByText('2 lines added, 2 removed').waitFor();
            const shown = (await changes.locator('.added, .removed').allInnerTexts()).map((line) => line.replace(/[\s,]+/g, ' ').trim());
            check(shown.sort().join('|') === '+ "h": 8|+ "w": 12|- "h": 6|- "w": 8', shown.join('|'));
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('button', { name: 'Exit edit' }).waitFor();
            const after = await text(page, 'edit-size');
            check(differences(JSON.parse(before), JSON.parse(after)).sort().join() === 'panels.1.gridPos.h,panels.1.gridPos.w', differences(JSON.parse(before), JSON.parse(after)).join());
            check(newLines(before, after).length === 2, `lines: ${newLines(before, after)}`);
        })],
        ['editing: a query is changed and seen at once; an older version is compared and restored', (browser) => using(browser, { height: 1000, allow: [/status of 400/] }, async (page) => {
            const before = await make(page, 'edit-query');
            await go(page, '/d/edit-query?editPanel=2');
            const shown = page.locator('.panel-editor .board-panel[data-state="ready"]');
            await shown.waitFor();
            const query = page.getByLabel('Expression of query A');
            const type = async (expr) => {
                await query.click();
                await page.keyboard.press('Control+a');
                await page.keyboard.insertText(expr);
                await page.keyboard.press('Escape');
                await page.keyboard.press('Enter');
            };
            await type('sum(');
            await page.getByRole('alert').filter({ hasText: 'parse error' }).first().waitFor();
            await type('count by (job) (up)');
            await page.waitForFunction(() => document.querySelectorAll('.panel-editor .panel-legend-box button').length >= 3);
            await page.getByRole('button', { name: 'Undo' }).click();
            await page.getByRole('button', { name: 'Undo' }).click();
            await page.waitForFunction(() => document.querySelectorAll('.panel-editor .panel-legend-box button').length === 1);
            await type('count by (job) (up)');
            await page.waitForFunction(() => document.querySelectorAll('.panel-editor .panel-legend-box button').length >= 3);
            await page.keyboard.press('Control+s');
            const dialog = page.getByRole('dialog');
            await dialog.getByRole('region', { name: 'Changes' }).waitFor();
            const changes = (await dialog.getByRole('region', { name: 'Changes' }).locator('.added, .removed').allInnerTexts()).map((line) => line.replace(/\s+/g, ' '));
            check(changes.join('|') === '- "expr": "node_load1"|+ "expr": "count by (job) (up)"', changes.join('|'));
            await dialog.getByLabel('What has changed').fill('what is up, by job');
            await dialog.getByRole('button', { name: 'Save', exact: true }).click();
            await dialog.waitFor({ state: 'detached' });
            const after = await text(page, 'edit-query');
            check(differences(JSON.parse(before), JSON.parse(after)).join() === 'panels.1.targets.0.expr', differences(JSON.parse(before), JSON.parse(after)).join());
            check(newLines(before, after).length === 1, `lines: ${newLines(before, after)}`);
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.getByRole('button', { name: 'Settings of the dashboard' }).click();
            await page.getByRole('tab', { name: 'Versions' }).click();
            const versions = page.getByRole('region', { name: 'Versions' }).locator('tbody tr');
            await versions.first().getByText('what is up, by job').waitFor();
            await versions.nth(1).getByRole('button', { name: 'Compare' }).click();
            await page.getByRole('region', { name: /^From version/ }).locator('.added', { hasText: 'count by (job) (up)' }).waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            /* What is not saved would be lost. */
            await page.getByRole('tab', { name: 'General' }).click();
            await page.getByLabel('Description').fill('not saved');
            await page.getByRole('tab', { name: 'Versions' }).click();
            check(await versions.nth(1).getByRole('button', { name: 'Restore' }).isDisabled(), 'a restored version would take what is not saved');
            await page.getByRole('button', { name: 'Undo' }).click();
            await versions.nth(1).getByRole('button', { name: 'Restore' }).click();
            await page.waitForFunction(() => document.querySelectorAll('[aria-label="Versions"] tbody tr').length === 3);
            check((await text(page, 'edit-query')) === before, 'the file is not as it was');
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.locator('[data-panel="2"][data-state="ready"]').waitFor();
            await page.waitForFunction(() => document.querySelectorAll('[data-panel="2"] .panel-legend-box button').length === 1);
        })],
        ['editing: rows, duplicates, removal by keyboard alone', (browser) => using(browser, {}, async (page) => {
            await make(page, 'edit-rows');
            await page.keyboard.press('e');
            await page.getByRole('toolbar', { name: 'Edit the dashboard' }).waitFor();
            await page.getByRole('button', { name: 'Add' }).focus();
            await page.keyboard.press('Enter');
            await page.getByRole('menuitem', { name: 'Row' }).waitFor();
            await page.keyboard.press('r');
            await page.keyboard.press('Enter');
            await page.locator('[data-cell="3"]').waitFor();
            await page.waitForFunction(() => document.activeElement?.dataset.cell === '3');
            await page.keyboard.press('ArrowUp');
            await page.locator('[data-cell="1"] section').focus();
            await page.keyboard.press('p');
            await page.keyboard.press('d');
            await page.locator('[data-cell="4"]').waitFor();
            await page.locator('[data-cell="2"] section').focus();
            await page.keyboard.press('p');
            await page.keyboard.press('r');
            await page.locator('[data-cell="2"]').waitFor({ state: 'detached' });
            await page.getByRole('button', { name: 'New row', exact: true }).click();
            await page.getByText('2 panels').waitFor();
            await save(page);
            const board = JSON.parse(await text(page, 'edit-rows'));
            check(board.panels.length === 1 && board.panels[0].collapsed === true && board.panels[0].panels.length === 2, JSON.stringify(board.panels));
            check(board.panels[0].panels.every((p) => p.own === 'kept' && p.title === 'One'), 'the copy has all that the panel has');
            await page.keyboard.press('Escape');
            await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
        })],
        ['editing: a panel is added, asked for, given a unit and a threshold, and saved', (browser) => using(browser, { height: 1000 }, async (page) => {
            const before = await make(page, 'edit-panel');
            await edit(page);
            await page.getByRole('button', { name: 'Add', exact: true }).click();
            await page.getByRole('menuitem', { name: 'Visualization' }).click();
            await page.waitForFunction(() => new URLSearchParams(location.search).get('editPanel') === '3');
            const query = page.getByLabel('Expression of query A');
            await query.click();
            await page.keyboard.type('sum(rate(node_cpu_seconds_total[$__rate_interval]', { delay: 5 });
            await page.keyboard.press('Escape');
            await page.keyboard.press('End');
            await page.keyboard.press('Enter');
            await page.locator('.panel-editor .board-panel[data-state="ready"]').waitFor();
            check((await page.locator('.cm-lintRange-error').count()) === 0, 'a macro is no fault');
            await page.getByLabel('Title', { exact: true }).fill('CPU');
            const unit = page.getByRole('combobox', { name: 'Unit' });
            await unit.click();
            await unit.fill('seconds (s)');
            await page.getByRole('option', { name: 'seconds (s)', exact: true }).click();
            await page.getByRole('button', { name: 'Add threshold' }).click();
            await page.getByLabel('Threshold 2', { exact: true }).fill('5');
            await page.getByLabel('Threshold 2', { exact: true }).blur();
            await page.getByRole('button', { name: /Visualization: Time series/ }).click();
            await page.getByLabel('Find a visualization').fill('stat');
            await page.getByRole('option', { name: /^Stat/ }).first().click();
            await page.locator('.panel-editor .board-panel[data-type="stat"][data-state="ready"]').waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.locator('[data-cell="3"] .board-panel[data-state="ready"]').waitFor();
            await page.locator('[data-cell="3"]').focus();
            await page.keyboard.press('ArrowRight');
            await save(page, 'a panel more');
            const after = JSON.parse(await text(page, 'edit-panel'));
            check(JSON.stringify(differences(JSON.parse(before), after)) === '["+panels.2"]', JSON.stringify(differences(JSON.parse(before), after)));
            const made = after.panels[2];
            check(made.title === 'CPU' && made.type === 'stat' && made.fieldConfig.defaults.unit === 's' && made.targets[0].expr.includes('$__rate_interval'), JSON.stringify(made));
            check(JSON.stringify(made.fieldConfig.defaults.thresholds.steps.map((s) => s.value)) === '[null,5,80]', JSON.stringify(made.fieldConfig));
            check(made.gridPos.x === 1, JSON.stringify(made.gridPos));
            await page.reload();
            await page.locator('.board-panel h2', { hasText: 'CPU' }).waitFor();
            await page.locator('.board-panel[data-panel="3"][data-state="ready"]').waitFor();
        })],
        ['editing: queries, transformations, mappings and overrides; nothing else changes', (browser) => using(browser, { height: 1000 }, async (page) => {
            const before = await make(page, 'edit-more');
            await go(page, '/d/edit-more?editPanel=1');
            await page.getByRole('button', { name: 'Add query' }).click();
            await page.getByRole('button', { name: 'Query B up' }).click();
            await page.getByRole('button', { name: 'Hide query B' }).click();
            await page.getByLabel('Min step').last().fill('1m');
            await page.getByRole('tab', { name: /Transformations/ }).click();
            await page.getByRole('button', { name: 'Add transformation' }).click();
            await page.getByRole('menuitem', { name: /^Limit/ }).click();
            await page.getByLabel('Rows', { exact: true }).fill('300');
            await page.getByRole('button', { name: 'Add transformation' }).click();
            await page.getByRole('menuitem', { name: /^Filter data by values/ }).click();
            const condition = page.getByRole('group', { name: 'Condition 1' });
            await condition.getByRole('combobox', { name: 'Field of condition 1' }).click();
            await page.getByRole('option').nth(1).click();
            await condition.getByRole('combobox', { name: 'Test of condition 1' }).click();
            await page.getByRole('option', { name: 'Is between' }).click();
            await condition.getByLabel('To of condition 1').fill('1000');
            await page.getByRole('button', { name: 'Transformation 2 as JSON' }).click();
            await page.getByLabel('JSON of transformation 2').getByText('"between"').waitFor();
            await page.getByRole('button', { name: 'Value mappings', exact: true }).click();
            await page.getByRole('button', { name: 'Add mapping' }).click();
            await page.getByRole('menuitem', { name: 'Range' }).click();
            await page.getByLabel('From, of mapping 1').fill('1');
            await page.getByLabel('Text of mapping 1').fill('some');
            await page.getByText('some', { exact: true }).first().waitFor();
            await page.getByText('Overrides', { exact: true }).click();
            await page.getByRole('button', { name: 'Add field override' }).click();
            await page.getByRole('button', { name: 'Add property' }).click();
            await page.getByRole('menuitem', { name: /Decimals/ }).click();
            await page.getByRole('region', { name: 'Override 1' }).getByLabel('Decimals', { exact: true }).fill('2');
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            await page.waitForFunction(() => !document.querySelector('[aria-label="Edit the dashboard"] button[data-variant="filled"]'));
            const after = JSON.parse(await text(page, 'edit-more'));
            const panel = after.panels[0];
            check(panel.targets.map((t) => `${t.refId} ${t.hide === true} ${t.interval ?? ''} ${t.editorMode ?? ''}`).join() === 'B true  ,A false 1m code', JSON.stringify(panel.targets));
            const { fieldName } = panel.transformations[1].options.filters[0];
            check(fieldName !== '' && fieldName !== 'Time' && JSON.stringify(panel.transformations) === JSON.stringify([{ id: 'limit', options: { limitField: 300 } }, { id: 'filterByValue', options: { filters: [{ fieldName, config: { id: 'between', options: { from: 0, to: 1000 } } }], match: 'any', type: 'include' } }]), JSON.stringify(panel.transformations));
            check(panel.fieldConfig.defaults.mappings[0].options.result.text === 'some' && panel.fieldConfig.defaults.unit === 'none', JSON.stringify(panel.fieldConfig));
            check(JSON.stringify(panel.fieldConfig.overrides[0].properties) === '[{"id":"decimals","value":2}]', JSON.stringify(panel.fieldConfig.overrides));
            const rest = (board) => JSON.stringify({ ...board, panels: [{ ...board.panels[0], targets: 0, transformations: 0, fieldConfig: 0 }, board.panels[1]] });
            check(rest(after) === rest({ ...JSON.parse(before), panels: [{ ...JSON.parse(before).panels[0], transformations: 0 }, JSON.parse(before).panels[1]] }), rest(after));
        })],
        ['editing: a variable is made, tried and used', (browser) => using(browser, {}, async (page) => {
            const before = await make(page, 'edit-variables');
            await page.keyboard.press('d');
            await page.keyboard.press('s');
            await page.getByRole('tab', { name: 'Variables' }).click();
            await page.getByRole('button', { name: 'New variable' }).click();
            await page.getByLabel('Name', { exact: true }).fill('job');
            await page.getByLabel('Query', { exact: true }).fill('label_values(up, job)');
            await page.getByLabel('Query', { exact: true }).press('Enter');
            await page.getByRole('region', { name: 'Preview of values' }).getByText('barograph').waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.getByRole('button', { name: 'All variables' }).click();
            await page.getByText('nowhere').waitFor();
            await page.getByRole('tab', { name: 'General' }).click();
            await page.getByLabel('Description').fill('With a variable');
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.getByRole('combobox', { name: 'job' }).waitFor();
            await save(page);
            const board = JSON.parse(await text(page, 'edit-variables'));
            check(differences(JSON.parse(before), board).sort().join() === '+description,+templating', differences(JSON.parse(before), board).join());
            check(board.description === 'With a variable' && board.templating.list[0].name === 'job' && board.templating.list[0].query.query === 'label_values(up, job)', JSON.stringify(board.templating));
        })],
        ['editing: an annotation is made, tried and kept where the file has it', (browser) => using(browser, {}, async (page) => {
            const before = await make(page, 'edit-annotations', { annotations: { list: [{ own: 1, name: 'newer', enable: true, iconColor: 'blue', target: { expr: 'node_load1 > 1e9', refId: 'Anno', own: 2 } }] } });
            await go(page, '/d/edit-annotations?editview=annotations');
            await page.getByRole('button', { name: 'newer', exact: true }).click();
            await page.getByLabel('Expression of the annotation').click();
            await page.keyboard.press('Control+a');
            await page.keyboard.insertText('node_load1 >= 0');
            await page.keyboard.press('Enter');
            await page.getByRole('region', { name: 'Preview of events' }).getByText('newer').first().waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.getByRole('button', { name: 'All annotations' }).click();
            await page.getByRole('button', { name: 'New annotation' }).click();
            await page.getByLabel('Name', { exact: true }).fill('newer');
            await page.getByText('Another annotation is called so.').waitFor();
            await page.getByLabel('Name', { exact: true }).fill('starts');
            await page.getByLabel('Expression of the annotation').click();
            await page.keyboard.insertText('changes(process_start_time_seconds[1m]) > 0');
            await page.getByLabel('Title', { exact: true }).fill('{{job}} began');
            await page.getByText('These panels', { exact: true }).click();
            await page.getByRole('combobox', { name: 'Panels' }).click();
            await page.getByRole('option', { name: 'Two (2)' }).click();
            await page.keyboard.press('Escape');
            await page.getByRole('button', { name: 'All annotations' }).click();
            await page.getByRole('button', { name: 'starts', exact: true }).waitFor();
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            const after = JSON.parse(await text(page, 'edit-annotations'));
            check(JSON.stringify(differences(JSON.parse(before), after)) === '["annotations.list.0.target.expr","+annotations.list.1"]', JSON.stringify(differences(JSON.parse(before), after)));
            const made = after.annotations.list[1];
            check(made.name === 'starts' && made.expr.startsWith('changes(') && made.titleFormat === '{{job}} began' && JSON.stringify(made.filter) === '{"exclude":false,"ids":[2]}', JSON.stringify(made));
        })],
        ['editing: who may only read edits nothing, saves a copy, or makes it editable', (browser) => using(browser, {}, async (page) => {
            await make(page, 'edit-locked', { editable: false, refresh: '10s', timepicker: { refresh_intervals: ['7s', '10s'] } });
            check((await page.getByRole('button', { name: 'Edit', exact: true }).count()) === 0, 'it can be edited');
            await page.locator('[data-panel="1"]').focus();
            await page.keyboard.press('e');
            await page.getByText('This dashboard is read-only').first().waitFor();
            await page.keyboard.press('p');
            await page.keyboard.press('r');
            check((await page.locator('.board-panel').count()) === 2, 'a panel is gone');
            /* Its own refresh, which can be turned off. */
            await page.getByRole('button', { name: 'Refresh every: 10s' }).click();
            await page.getByRole('menuitem', { name: '7s' }).waitFor();
            await page.getByRole('menuitem', { name: 'Off' }).click();
            await page.getByRole('button', { name: 'Refresh every: off' }).waitFor();
            check(new URL(page.url()).searchParams.get('refresh') === '', page.url());
            await page.getByRole('button', { name: 'Read-only' }).click();
            await page.getByRole('heading', { name: 'This dashboard is read-only' }).waitFor();
            check((await axe(page)).length === 0, `axe: ${JSON.stringify(await axe(page))}`);
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByText('saved as another one').waitFor();
            await page.keyboard.press('Escape');
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            await page.getByRole('button', { name: 'Make editable' }).click();
            await page.getByRole('tab', { name: 'General' }).waitFor();
            await page.keyboard.press('Control+s');
            await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            check(JSON.parse(await text(page, 'edit-locked')).editable === true, 'it is editable');
            await page.getByRole('button', { name: 'Back to dashboard' }).click();
            await page.locator('[data-cell="1"]').waitFor();
        })],
        ['editing: who leaves is asked; a draft can be discarded', (browser) => using(browser, {}, async (page) => {
            const before = await make(page, 'edit-leave');
            await edit(page);
            await page.locator('[data-cell="1"]').focus();
            await page.keyboard.press('Shift+ArrowRight');
            await page.getByRole('link', { name: 'Explore' }).first().click();
            await page.getByRole('dialog', { name: 'Unsaved changes' }).waitFor();
            await page.getByRole('button', { name: 'Stay' }).click();
            await page.getByRole('dialog').waitFor({ state: 'detached' });
            check(new URL(page.url()).pathname === '/d/edit-leave', page.url());
            await page.getByRole('link', { name: 'Explore' }).first().click();
            await page.getByRole('button', { name: 'Discard them' }).click();
            await page.waitForFunction(() => location.pathname === '/explore');
            check((await text(page, 'edit-leave')) === before, 'nothing is written');
        })],
        ['editing: who saves second is told, and may overwrite', (browser) => using(browser, { allow: [/status of 412/] }, async (page) => {
            await make(page, 'edit-conflict');
            await edit(page);
            await page.locator('[data-cell="1"]').focus();
            await page.keyboard.press('Shift+ArrowDown');
            const other = await page.evaluate(async (url) => {
                const { dashboard } = await (await fetch(`${url}/api/dashboards/uid/edit-conflict`)).json();
                const answer = await fetch(`${url}/api/dashboards/db`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ dashboard: { ...dashboard, description: 'theirs' } }) });
                return answer.status;
            }, origin);
            check(other === 200, `the other one's save: ${other}`);
            await page.keyboard.press('Control+s');
            const dialog = page.getByRole('dialog');
            await dialog.getByRole('button', { name: 'Save', exact: true }).click();
            await dialog.getByText('changed by someone else').waitFor();
            await dialog.getByRole('button', { name: 'Overwrite theirs' }).click();
            await dialog.waitFor({ state: 'detached' });
            await page.getByRole('button', { name: 'Exit edit' }).waitFor();
            const board = JSON.parse(await text(page, 'edit-conflict'));
            check(board.description === undefined && board.panels[0].gridPos.h === 7, JSON.stringify(board));
        })],
        ['editing: a new dashboard is made, and stored when it is saved', (browser) => using(browser, {}, async (page) => {
            await go(page, '/dashboard/new');
            await page.getByRole('button', { name: 'Add', exact: true }).click();
            await page.getByRole('menuitem', { name: 'Row' }).click();
            await page.locator('[data-cell="1"]').waitFor({ timeout: LIMIT_MS });
            await page.keyboard.press('Control+s');
            const dialog = page.getByRole('dialog');
            await dialog.getByLabel('Title').fill('Made in the page');
            await dialog.getByRole('button', { name: 'Save', exact: true }).click();
            await page.waitForFunction(() => /^\/d\//.test(location.pathname));
            await page.getByRole('heading', { name: 'Made in the page' }).waitFor();
            const stored = JSON.parse(await text(page, new URL(page.url()).pathname.split('/')[2]));
            check(stored.panels.length === 1 && stored.panels[0].type === 'row', JSON.stringify(stored));
        })],
    ];
}
