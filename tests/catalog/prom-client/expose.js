// Prints what prom-client exposes: `node expose.js text|openmetrics|json`. json: every sample as [name, labels, value].
"use strict";

const client = require("prom-client");

const kind = process.argv[2];
const registry = new client.Registry();
if (kind === "openmetrics") {
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
}
const registers = [registry];

const jobs = new client.Counter({ name: "node_jobs_total", help: "Jobs that were done.", labelNames: ["stage"], registers });
jobs.inc({ stage: "load" });
jobs.inc({ stage: "save" }, 2.5);
const odd = new client.Gauge({ name: "node_odd", help: 'A "help" with \\ and\na line break.', labelNames: ["text"], registers });
odd.set({ text: 'quote " backslash \\ line\nbreak, \u00e4 \u{1f600}' }, -0.25);
odd.set({ text: "inf" }, Infinity);
odd.set({ text: "large" }, 1e21);
const took = new client.Histogram({ name: "node_took_seconds", help: "Time.", labelNames: ["stage"], buckets: [0.1, 1.5, 12.5],
  registers, enableExemplars: kind === "openmetrics" });
for (const value of [0.05, 0.5, 0.7, 30]) {
  if (kind === "openmetrics") {
    took.observe({ labels: { stage: "load" }, value, exemplarLabels: { trace_id: "abc" } });
  } else {
    took.observe({ stage: "load" }, value);
  }
}
const size = new client.Summary({ name: "node_size_bytes", help: "Size.", percentiles: [0.5, 0.9], registers });
[1, 2, 3, 4].forEach((value) => size.observe(value));

async function main() {
  if (kind !== "json") {
    process.stdout.write(await registry.metrics());
    return;
  }
  const samples = [];
  for (const metric of await registry.getMetricsAsJSON()) {
    for (const { metricName, labels, value } of metric.values) {
      samples.push([metricName || metric.name, labels, String(value)]);
    }
  }
  process.stdout.write(JSON.stringify(samples));
}

main();
