/* SourceLink: where an alert comes from that no rule here has made. */
import type { AmAlert } from '../../api/alertmanager';
import { Link } from '../../ui';
import { sourceOf } from './model';

export function SourceLink({ am }: { am: AmAlert }) {
    const { name, href } = sourceOf(am);
    if (href?.startsWith('/')) {
        return <Link href={href}>{name}</Link>;
    }
    return href ? <a href={href} target="_blank" rel="noreferrer">{name}</a> : name;
}
