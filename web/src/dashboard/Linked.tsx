/* Linked: a value that leads where its field's data links say: one link is followed, several are listed first. */
import { type CSSProperties, lazy, type ReactNode, Suspense, useState } from 'react';
import type { DataLink } from '../grafana/fieldconfig';
import { dataLinkTitle, dataLinkUrl, type LinkContext } from '../grafana/links';
import type { SingleValue } from '../grafana/single';
import type { PanelProps } from './types';

const LinksDialog = lazy(() => import('../draw/LinksDialog'));

interface LinkedProps {
    links: readonly DataLink[] | undefined;
    context: () => LinkContext;
    fill: (text: string) => string;
    className?: string;
    style?: CSSProperties;
    /* What it is without links. */
    as?: 'div' | 'span';
    children: ReactNode;
}

export function Linked({ links, context, fill, className, style, as: Plain = 'div', children }: LinkedProps) {
    const [open, setOpen] = useState<LinkContext | null>(null);
    if (!links || links.length === 0) {
        return <Plain className={className} style={style}>{children}</Plain>;
    }
    const classes = className ? `${className} linked` : 'linked';
    const one = links.length === 1 ? links[0]! : undefined;
    return one ? (
        <a className={classes} style={style} href={dataLinkUrl(one.url, context(), fill)} target={one.targetBlank ? '_blank' : undefined} rel="noreferrer" title={one.title ? dataLinkTitle(one.title, context(), fill) : undefined}>{children}</a>
    ) : (
        <>
            <button type="button" className={classes} style={style} aria-haspopup="dialog" onClick={() => setOpen(context())}>{children}</button>
            {open && <Suspense fallback={null}><LinksDialog picked={{ context: open, links }} fill={fill} close={() => setOpen(null)} /></Suspense>}
        </>
    );
}

/** valueContext is what the links of a single value may speak of. */
export function valueContext(one: SingleValue, { from, to }: Pick<PanelProps, 'from' | 'to'>): LinkContext {
    return { value: Number.isNaN(one.value.numeric) ? one.text : one.value.numeric, text: one.text, time: null, name: one.title, labels: one.field.labels ?? {}, from, to };
}
