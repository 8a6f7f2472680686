/* AnnotationList: what the menu of annotations holds: switches, and what was found, for who cannot hover. */
import { formatDate, FULL_DATE } from '../grafana/datetime';
import { Switch, UnstyledButton } from '../ui';
import type { Annotations } from './annotations';

const LISTED_MAX = 100;
/* Shown before and after an event that is picked. */
const AROUND_MS = 5 * 60_000;

interface ListProps {
    annotations: Annotations;
    zone: string | undefined;
    onPick: (from: number, to: number) => void;
}

export default function AnnotationList({ annotations, zone, onPick }: ListProps) {
    const { states, list, toggle } = annotations;
    return (
        <div className="stack annotation-menu">
            {states.filter((one) => one.shown).map((one) => (
                <div key={one.name} className="annotation-switch">
                    <Switch checked={one.on} onChange={() => toggle(one.name)} label={one.name} />
                    <i style={{ background: one.color }} />
                    <span className="muted num">{one.on && one.error === '' ? one.count : ''}</span>
                    {one.error !== '' && <span className="bad-text">{one.error}</span>}
                </div>
            ))}
            {list.length > 0 && (
                <ul className="annotation-list" tabIndex={0} aria-label="Events">
                    {list.slice(-LISTED_MAX).reverse().map((one, i) => (
                        <li key={i}>
                            <UnstyledButton onClick={() => onPick(one.from - AROUND_MS, (one.to ?? one.from) + AROUND_MS)}>
                                <i style={{ background: one.color }} />
                                <span className="num muted">{formatDate(one.from, FULL_DATE, zone)}</span>
                                <b>{one.title}</b> <span className="truncate">{one.text.replaceAll('\n', ' ')}</span>
                            </UnstyledButton>
                        </li>
                    ))}
                </ul>
            )}
            {list.length > LISTED_MAX && <p className="muted">The last {LISTED_MAX} of {list.length} are listed.</p>}
        </div>
    );
}
