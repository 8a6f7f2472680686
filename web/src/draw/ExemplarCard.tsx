/* ExemplarCard: one exemplar that was picked: its labels, whose it is, and where they lead. */
import type { Labels } from '../api/types';
import { formatTime } from '../grafana/time';
import { ActionIcon, Button, copyText, exploreLink, Icon, LabelSet, Link, quoteLabel, seriesName } from '../ui';
import type { PickedExemplar } from './exemplars';

interface CardProps {
    picked: PickedExemplar;
    /* The range that links keep. */
    range: { from: string; to: string };
    close: () => void;
}

/* The exemplar's series alone, without the bucket that it was counted in. */
export function seriesOfExemplar(series: Labels): string {
    const labels = Object.entries(series).filter(([key]) => key !== '__name__' && key !== 'le');
    return `${series.__name__ ?? ''}{${labels.map(([key, value]) => `${key}=${quoteLabel(value)}`).join(', ')}}`;
}

export default function ExemplarCard({ picked, range, close }: CardProps) {
    return (
        <section className="exemplar-card" aria-label="Exemplar">
            <header className="row">
                <i aria-hidden="true" /><b>Exemplar</b><span className="num">{picked.value}</span><span className="muted num">{formatTime(picked.time)}</span>
                <span className="grow" />
                <ActionIcon aria-label="Close" onClick={close}><Icon name="close" size={14} /></ActionIcon>
            </header>
            <dl className="kv">
                {Object.entries(picked.labels).map(([name, value]) => (
                    <div key={name} style={{ display: 'contents' }}>
                        <dt>{name}</dt>
                        <dd className="row wrap">
                            {/^https?:\/\//.test(value) ? <a href={value} target="_blank" rel="noreferrer">{value}</a> : <code className="mono">{value}</code>}
                            <ActionIcon aria-label={`Copy ${name}`} onClick={() => void copyText(value)}><Icon name="copy" size={13} /></ActionIcon>
                        </dd>
                    </div>
                ))}
                <dt>Series</dt><dd><code className="mono">{seriesName({ __name__: picked.series.__name__ ?? '' })}</code> <LabelSet labels={picked.series} without={['__name__']} /></dd>
            </dl>
            <div className="row wrap">
                <Link href={exploreLink(seriesOfExemplar(picked.series), range)}><Button variant="default" leftSection={<Icon name="explore" size={13} />}>Explore its series</Button></Link>
            </div>
        </section>
    );
}
