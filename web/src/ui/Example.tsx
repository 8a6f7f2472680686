/* Example: what a newcomer puts into a file, to be copied. */
import { ActionIcon } from '@mantine/core';
import { Icon } from './icons';
import { basePath } from './router';
import { copyText } from './takeaway';

/* Names what it is for: "Scrape configuration". */
export function Example({ label, text }: { label: string; text: string }) {
    return (
        <div className="example">
            <pre className="code" tabIndex={0} aria-label={label}>{text}</pre>
            <ActionIcon aria-label={`Copy: ${label}`} onClick={() => void copyText(text)}><Icon name="copy" size={14} /></ActionIcon>
        </div>
    );
}

const RELOAD = 'kill -HUP PID, or curl -X POST ADDRESS/-/reload where --web.enable-lifecycle is given';

/* The first steps of each kind, as the empty pages have them. */
export function ScrapeExample() {
    /* The address by which the page was reached is one that answers. */
    const { host } = window.location;
    return (
        <>
            <p>The configuration file names what is scraped; then reload ({RELOAD}). This host’s own metrics are at <code className="mono">/host/metrics</code> of this server.</p>
            <Example label="Scrape configuration" text={`scrape_configs:\n- job_name: node\n  static_configs:\n  - targets: ['localhost:9100']\n- job_name: this-host\n  metrics_path: ${basePath()}/host/metrics\n  static_configs:\n  - targets: ['${host}']`} />
        </>
    );
}

export function RuleExample() {
    return (
        <>
            <p><code className="mono">rule_files: [rules.yml]</code> in the configuration names the files; <code className="mono">barograph check rules rules.yml</code> checks one; then reload ({RELOAD}).</p>
            <Example label="Rules" text={`groups:\n- name: availability\n  rules:\n  - alert: TargetDown\n    expr: up == 0\n    for: 5m\n    labels: {severity: page}\n    annotations: {summary: '{{ $labels.instance }} does not answer'}`} />
        </>
    );
}

export function AlertingExample() {
    return (
        <>
            <p>Start with <code className="mono">--alertmanager.config-file=alertmanager.yml</code>: an Alertmanager’s file as it is.</p>
            <Example label="Alerting configuration" text={`route:\n  receiver: team\nreceivers:\n- name: team\n  webhook_configs: [{url: 'http://localhost:5001/'}]`} />
        </>
    );
}
