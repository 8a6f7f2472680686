/* links: what dashboards, panels and values lead to: variables filled in, ranges and variables carried on, and no address that could run a script. */
import { own } from './json';
import type { DashboardLink } from './model';
import type { Labels } from './names';

/* Browsers pass over control characters before an address, and over line ends and tabs within it. */
const PASSED_OVER = /[\u0000-\u0020\u007f-\u009f]/g;

/** safeUrl is the address, or "#" when its scheme is none of the web's. */
export function safeUrl(url: string): string {
    const plain = url.replace(PASSED_OVER, '');
    return /^[a-z][a-z0-9+.-]*:/i.test(plain) && !/^(https?|mailto):/i.test(plain) ? '#' : url;
}

/** What a data link may speak of. */
export interface LinkContext {
    value: number | string | null;
    text: string;
    /** Ms since 1970. */
    time: number | null;
    name: string;
    labels: Labels;
    from: number;
    to: number;
    /** A field of the same row, by its name or its place. */
    fieldOf?: (field: string | number) => { raw: unknown; text: string } | undefined;
}

const DATA = /\$\{__(value|series|field|url_time_range|data)(?:\.([\w.]+|labels\["[^"\]]+"\]|fields\[(?:"[^"\]]+"|\d+)\](?:\.\w+)?))?(?::(\w+))?\}|\$__url_time_range\b/g;
const FIELD = /^fields(?:\.(.+?)|\["(.+)"\]|\[(\d+)\])(?:\.(text|numeric|raw))?$/;

/* fields.name, fields["my name"], fields[0], each with .text, .numeric or .raw behind it. */
function rowText(member: string, { fieldOf }: LinkContext): string | undefined {
    const found = FIELD.exec(member);
    const field = found && fieldOf?.(found[3] === undefined ? (found[1] ?? found[2] ?? '') : Number(found[3]));
    if (!found || !field) {
        return undefined;
    }
    return found[4] === 'text' ? field.text : found[4] === 'numeric' ? String(Number(field.raw)) : String(field.raw ?? '');
}

function dataText(what: string, member: string, c: LinkContext): string | undefined {
    if (what === 'url_time_range') {
        return `from=${Math.round(c.from)}&to=${Math.round(c.to)}`;
    }
    if (what === 'value') {
        return own({ raw: String(c.value ?? ''), numeric: String(Number(c.value)), text: c.text, time: c.time === null ? '' : String(Math.round(c.time)) }, member);
    }
    if (what === 'data') {
        return rowText(member, c);
    }
    const label = /^labels(?:\.(.+)|\["(.+)"\])$/.exec(member);
    if (label) {
        return own(c.labels, label[1] ?? label[2] ?? '') ?? '';
    }
    return member === 'name' && (what === 'series' || what === 'field') ? c.name : undefined;
}

function fillData(text: string, context: LinkContext, encodes: boolean): string {
    return text.replace(DATA, (all: string, what: string | undefined, member: string | undefined, format: string | undefined) => {
        const found = dataText(what ?? 'url_time_range', member ?? '', context);
        return found === undefined ? all : !encodes || what === undefined || what === 'url_time_range' || format === 'raw' ? found : encodeURIComponent(found);
    });
}

/** dataLinkUrl fills a data link; what is known of the value is percent-encoded, unless the link asks for it raw. */
export function dataLinkUrl(url: string, context: LinkContext, fill: (text: string) => string): string {
    return safeUrl(fill(fillData(url, context, true)));
}

/** dataLinkTitle is how a link is called; it may speak of the value too. */
export function dataLinkTitle(title: string, context: LinkContext, fill: (text: string) => string): string {
    return fill(fillData(title, context, false)) || 'Link';
}

/** linkParams are the parameters that a dashboard's link carries on. */
export function linkParams(link: Pick<DashboardLink, 'keepTime' | 'includeVars'>, range: { from: string; to: string }, variables: readonly { name: string; values: readonly string[] }[]): [string, string][] {
    return [
        ...(link.keepTime ? [['from', range.from], ['to', range.to]] as [string, string][] : []),
        ...(link.includeVars ? variables.flatMap((v) => v.values.map((value): [string, string] => [`var-${v.name}`, value])) : []),
    ];
}

/** withParams adds parameters to an address of this server or another one. */
export function withParams(url: string, params: readonly [string, string][]): string {
    const more = new URLSearchParams(params.map(([k, v]) => [k, v])).toString();
    const [rest = '', hash] = url.split('#', 2);
    return more === '' ? url : `${rest}${rest.includes('?') ? '&' : '?'}${more}${hash === undefined ? '' : `#${hash}`}`;
}

/** hasTags: all of them, as Grafana's search has it; a link without tags means every dashboard. */
export function hasTags(tags: readonly string[], wanted: readonly string[]): boolean {
    return wanted.every((tag) => tags.includes(tag));
}
