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

/* The halves of FNV-1a's offset; its prime is 2^40 + 0x1b3. */
const FNV_OFFSET = [0xcbf29ce4, 0x84222325] as const;
const FNV_PRIME_LOW = 0x1b3;
const encoder = new TextEncoder();
/* Lists of thousands are looked through again and again; their label sets stay the same. */
const known = new WeakMap<object, string>();

/* fingerprint is Alertmanager's of a label set: FNV-1a over 64 bits of the sorted names and values, each behind 0xff. */
export function fingerprint(labels: Record<string, string>): string {
    const before = known.get(labels);
    if (before !== undefined) {
        return before;
    }
    let [high, low]: [number, number] = [...FNV_OFFSET];
    const add = (byte: number) => {
        low = (low ^ byte) >>> 0;
        const product = low * FNV_PRIME_LOW;
        high = (Math.imul(high, FNV_PRIME_LOW) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
        low = product >>> 0;
    };
    for (const name of Object.keys(labels).sort()) {
        for (const text of [name, labels[name]!]) {
            encoder.encode(text).forEach(add);
            add(0xff);
        }
    }
    const hash = [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
    known.set(labels, hash);
    return hash;
}
