/* crowd: answers of a big and hostile server: 10,000 alerts, 5,000 rules, 10,000 targets, with labels that try to be HTML and names without end. */
export const ALERTS = 10_000;
export const RULES = 5_000;
export const TARGETS = 10_000;

const EVIL = '<img data-evil src=x onerror=alert(1)>';
const LONG = 'x'.repeat(3000);
const started = Date.now();
const stamp = (agoMs) => new Date(started - agoMs).toISOString();

const labelsOf = (i) => ({
    alertname: i % 100 === 0 ? EVIL : `Alert${i % 50}`, instance: `10.0.${i >> 8}.${i & 255}:9100`, team: i % 7 === 0 ? EVIL : `team-${i % 7}`, severity: ['page', 'warn', 'info'][i % 3],
    ...(i === 1 ? { endless: LONG, [`n${LONG.slice(0, 200)}`]: 'v' } : {}),
});

function alertsOf(from, to) {
    return Array.from({ length: to - from }, (_, k) => from + k).map((i) => ({
        labels: labelsOf(i), annotations: { summary: `${i % 100 === 0 ? EVIL : 'It is slow'} ${i}` }, state: i % 5 === 0 ? 'pending' : 'firing', activeAt: stamp(60_000 + i * 1000), value: String(i),
    }));
}

/* The first group has an alerting rule with thousands of alerts; the others are groups of ten. */
function rulesAnswer() {
    const rule = (i, more = {}) => ({
        type: i % 2 ? 'recording' : 'alerting', name: i === 3 ? LONG : `rule_${i}`, query: `sum by (job) (rate(requests_${i}_total{path="${i === 3 ? LONG : EVIL}"}[5m])) > ${i}`, health: i % 500 === 7 ? 'err' : 'ok',
        ...(i % 500 === 7 ? { lastError: `${EVIL} many-to-many matching` } : {}), evaluationTime: 0.001, lastEvaluation: stamp(3000), labels: { team: EVIL },
        ...(i % 2 ? {} : { state: 'inactive', duration: 60, annotations: { summary: EVIL }, alerts: [] }), ...more,
    });
    const groups = Array.from({ length: RULES / 10 }, (_, g) => ({
        name: `group ${g} ${g % 50 === 0 ? EVIL : ''}`, file: `/etc/rules/${g}.yml`, interval: 30, limit: 0, evaluationTime: 0.01, lastEvaluation: stamp(3000),
        rules: Array.from({ length: 10 }, (_, i) => (g === 0 && i === 0 ? rule(0, { state: 'firing', alerts: alertsOf(0, ALERTS) }) : rule(g * 10 + i))),
    }));
    return { groups };
}

const targetsAnswer = () => ({
    activeTargets: Array.from({ length: TARGETS }, (_, i) => ({
        discoveredLabels: { __address__: `10.1.${i >> 8}.${i & 255}:9100`, __meta_evil: EVIL }, labels: { instance: `10.1.${i >> 8}.${i & 255}:9100`, job: `job-${i % 200}`, evil: EVIL, ...(i === 0 ? { endless: LONG } : {}) },
        scrapePool: i < 8000 ? 'huge' : `pool-${i % 200}${i === 9999 ? EVIL : ''}`, scrapeUrl: `http://10.1.${i >> 8}.${i & 255}:9100/metrics${i === 0 ? LONG : ''}`, globalUrl: `http://10.1.${i >> 8}.${i & 255}:9100/metrics`,
        lastError: i % 1000 === 0 ? `Get "${EVIL}": context deadline exceeded ${LONG}` : '', lastScrape: stamp(5000), lastScrapeDuration: 0.02, health: i % 1000 === 0 ? 'down' : 'up', scrapeInterval: '15s', scrapeTimeout: '10s',
    })),
    droppedTargets: [], droppedTargetCounts: {},
});

/* crowd answers for the server with them on a page. */
export async function crowd(page) {
    const fulfil = (data) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(data) });
    const alerts = alertsOf(0, ALERTS);
    const bodies = {
        rules: fulfil({ status: 'success', data: rulesAnswer() }), targets: fulfil({ status: 'success', data: targetsAnswer() }), alerts: fulfil({ status: 'success', data: { alerts } }),
        am: fulfil([]),
    };
    await page.route(/\/api\/v1\/rules(\?|$)/, (route) => route.fulfill(bodies.rules));
    await page.route(/\/api\/v1\/targets(\?|$)/, (route) => route.fulfill(bodies.targets));
    await page.route(/\/api\/v1\/alerts(\?|$)/, (route) => route.fulfill(bodies.alerts));
    await page.route(/\/api\/v2\/alerts(\?|$)/, (route) => route.fulfill(bodies.am));
}
