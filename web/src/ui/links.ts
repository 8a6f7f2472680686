/* links: addresses of pages that other pages point at. */
import { quoteLabel } from './format';

/* exploreLink is the address of one expression in Explore. */
export function exploreLink(expr: string, range?: { from: string; to: string }, tab?: 'graph' | 'table' | 'tree', more: Record<string, string> = {}): string {
    const params = new URLSearchParams({ expr, ...range, ...more });
    if (tab && tab !== 'graph') {
        params.set('tab', tab);
    }
    return `/explore?${params.toString()}`;
}

/* silenceLink opens a new silence for an alert's labels. */
export function silenceLink(labels: Record<string, string>): string {
    const params = new URLSearchParams();
    Object.entries(labels).forEach(([name, value]) => params.append('matcher', `${name}=${quoteLabel(value)}`));
    return `/silences/new?${params.toString()}`;
}

/* backtestLink tries an alerting rule on the past. */
export function backtestLink(rule: { name: string; query: string; duration?: number; keepFiringFor?: number }): string {
    const params = new URLSearchParams({ name: rule.name, expr: rule.query, for: `${rule.duration ?? 0}s` });
    if (rule.keepFiringFor) {
        params.set('keep', `${rule.keepFiringFor}s`);
    }
    return `/backtest?${params.toString()}`;
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/* fingerprint is Alertmanager's of a label set: FNV-1a over 64 bits of the sorted names and values, each behind 0xff. */
export function fingerprint(labels: Record<string, string>): string {
    const encoder = new TextEncoder();
    let hash = FNV_OFFSET;
    const add = (byte: number) => {
        hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
    };
    for (const name of Object.keys(labels).sort()) {
        for (const text of [name, labels[name]!]) {
            encoder.encode(text).forEach(add);
            add(0xff);
        }
    }
    return hash.toString(16).padStart(16, '0');
}
