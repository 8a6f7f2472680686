/* LinksDialog: where a value leads. */
import type { DataLink } from '../grafana/fieldconfig';
import { dataLinkTitle, dataLinkUrl, type LinkContext } from '../grafana/links';
import { formatTime } from '../grafana/time';
import { Icon, Modal } from '../ui';

export interface PickedLinks {
    context: LinkContext;
    links: readonly DataLink[];
}

export default function LinksDialog({ picked, fill, close }: { picked: PickedLinks; fill: (text: string) => string; close: () => void }) {
    const { context, links } = picked;
    return (
        <Modal opened onClose={close} title={<span className="truncate">{context.name}</span>} size={460}>
            <p className="num">{context.text} <span className="muted">{context.time === null ? '' : formatTime(context.time)}</span></p>
            <ul className="link-list">
                {links.map((link, i) => (
                    <li key={i}><a href={dataLinkUrl(link.url, context, fill)} rel="noreferrer" target={link.targetBlank ? '_blank' : undefined}><Icon name={link.targetBlank ? 'external' : 'link'} size={13} /> {dataLinkTitle(link.title, context, fill)}</a></li>
                ))}
            </ul>
        </Modal>
    );
}
