/* demo: every panel of every dashboard of the demo shows data. Usage: node demo.mjs ORIGIN; called by tools/web_demo. */
import { drawAll, states } from './dashboards.mjs';
import { launch, openPage, settled } from './harness.mjs';

const [origin] = process.argv.slice(2);
/* What a server of two minutes cannot have: the past. */
const PAST = /offset\s+1[dw]/;

const browser = await launch();
const { page, faults } = await openPage(browser, new URL(origin).origin, { height: 1400, allow: [/Executing inline event handler violates/] });
const json = (path) => page.evaluate(async (url) => (await fetch(url)).json(), origin + path);

async function open(uid) {
    await page.goto(`${origin}/d/${uid}?from=now-5m&to=now&refresh=`, { waitUntil: 'load' });
    await drawAll(page);
    await page.keyboard.press('d');
    await page.keyboard.press('E');
    await settled(page);
    await drawAll(page);
    return states(page);
}

await page.goto(origin);
let count = 0;
let ready = 0;
let excused = 0;
const bad = [];
const boards = (await json('/api/search?type=dash-db')).sort((a, b) => a.title.localeCompare(b.title));
for (const { uid, title } of boards) {
    const { dashboard } = await json(`/api/dashboards/uid/${uid}`);
    const panels = dashboard.panels.flatMap((p) => [p, ...(p.panels ?? [])]);
    const seen = await open(uid);
    const without = seen.filter((p) => p.state !== 'ready');
    const past = without.filter((p) => panels.some((one) => one.title === p.title && (one.targets ?? []).some((t) => PAST.test(t.expr ?? ''))));
    count += seen.length;
    ready += seen.length - without.length;
    excused += past.length;
    bad.push(...without.filter((p) => !past.includes(p)).map((p) => `${title}: ${p.type} "${p.title}" is ${p.state}: ${p.text.replace(/\s+/g, ' ')}`));
    console.log(`${title}: ${seen.length - without.length} of ${seen.length}`);
}
await browser.close();
console.log([...bad, ...faults].join('\n'));
console.log(`${boards.length} dashboards: ${ready} of ${count} panels show data; ${excused} ask for a day or a week ago; ${bad.length} others do not`);
process.exitCode = bad.length + faults.length === 0 && boards.length > 0 ? 0 : 1;
