/* Star: marks a dashboard, so that it stands first in lists. */
import { ActionIcon } from '@mantine/core';
import { Icon } from './icons';
import { useVisits } from './visits';

export function Star({ uid, title }: { uid: string; title: string }) {
    const on = useVisits((v) => v.starred.includes(uid));
    const toggle = useVisits((v) => v.toggleStar);
    return <ActionIcon size={24} aria-label={`Star ${title}`} aria-pressed={on} className="star" onClick={() => toggle(uid)}><Icon name="star" size={14} /></ActionIcon>;
}
