/* PanelNotes: what stands beside the title of a panel: what its author says of it, and where it leads. */
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { safeUrl } from '../grafana/links';
import type { PanelLink } from '../grafana/model';
import { Icon, Menu, Popover, Tooltip } from '../ui';

const Html = lazy(() => import('../ui/Html').then((m) => ({ default: m.Html })));
/* Under the pointer it opens after a moment, and stays long enough to go into it. */
const OPEN_AFTER_MS = 200;
const CLOSE_AFTER_MS = 250;

/* About opens under the pointer, where it takes no focus, and at a press. Its text is markdown; HTML in it stays text. */
function About({ title, text }: { title: string; text: string }) {
    const [open, setOpen] = useState<'no' | 'hover' | 'press'>('no');
    const timer = useRef<number>(undefined);
    useEffect(() => () => window.clearTimeout(timer.current), []);
    const later = (next: 'no' | 'hover', ms: number) => () => {
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => setOpen((now) => (now === 'press' ? now : next)), ms);
    };
    const [enter, leave] = [later('hover', OPEN_AFTER_MS), later('no', CLOSE_AFTER_MS)];
    return (
        <Popover opened={open !== 'no'} onChange={(next) => setOpen(next ? 'press' : 'no')}>
            <Popover.Target>
                <button
                    type="button" className="panel-info" aria-label={`About ${title || 'the panel'}`} aria-haspopup="dialog" aria-expanded={open !== 'no'} onClick={() => setOpen(open === 'press' ? 'no' : 'press')}
                    onMouseEnter={enter} onMouseLeave={leave} onKeyDown={(event) => event.key === 'Escape' && setOpen('no')}
                >
                    <Icon name="info" size={13} />
                </button>
            </Popover.Target>
            <Popover.Dropdown aria-label={`About ${title || 'the panel'}`} takesFocus={open === 'press'}>
                <div className="panel-about" tabIndex={0} onMouseEnter={enter} onMouseLeave={leave}><Suspense fallback={null}><Html text={text} markdown="words" /></Suspense></div>
            </Popover.Dropdown>
        </Popover>
    );
}

/* PanelLinks is the one link, or a menu of several. */
function PanelLinks({ links, fill }: { links: readonly PanelLink[]; fill: (text: string) => string }) {
    const shown = links.map((link) => ({ title: fill(link.title) || 'Link', href: safeUrl(fill(link.url)), ...(link.targetBlank ? { target: '_blank' } : {}) }));
    const [one] = shown;
    if (!one) {
        return null;
    }
    return shown.length === 1 ? (
        <Tooltip label={one.title}>
            <a className="panel-info" href={one.href} target={one.target} rel="noreferrer" aria-label={one.title}><Icon name="external" size={13} /></a>
        </Tooltip>
    ) : (
        <Menu width={200}>
            <Menu.Target><button type="button" className="panel-info" aria-label={`Links: ${shown.length}`}><Icon name="link" size={13} /></button></Menu.Target>
            <Menu.Dropdown>{shown.map((link, i) => <Menu.Item key={i} component="a" href={link.href} target={link.target} rel="noreferrer" leftSection={<Icon name="external" size={12} />}>{link.title}</Menu.Item>)}</Menu.Dropdown>
        </Menu>
    );
}

export default function PanelNotes({ title, description, links, fill }: { title: string; description: string; links: readonly PanelLink[]; fill: (text: string) => string }) {
    return <>{description && <About title={title} text={description} />}<PanelLinks links={links} fill={fill} /></>;
}
