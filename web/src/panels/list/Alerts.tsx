/* Alert list: what fires, waits and is muted, of the rules of this server and of others. */
import { useQuery } from '@tanstack/react-query';
import { alerts } from '../../api/prometheus';
import type { PanelProps } from '../../dashboard/types';
import { fromNow } from '../../grafana/datetime';
import { asNumber, asText } from '../../grafana/json';
import { fingerprint, Link, mutedHow, nameOf, rankOf, State, useListedAlerts, usePoll } from '../../ui';

const EVERY_MS = 15_000;

export default function AlertListPanel({ panel, fill, to }: PanelProps) {
    const answer = useQuery({ queryKey: ['alerts'], queryFn: ({ signal }) => alerts(signal), refetchInterval: usePoll(EVERY_MS) });
    const listed = useListedAlerts(answer.data?.alerts, EVERY_MS);
    const name = fill(asText(panel.options.alertName) ?? '').toLowerCase();
    const most = asNumber(panel.options.maxItems) ?? 20;
    const list = listed.filter(({ alert }) => nameOf(alert).toLowerCase().includes(name)).sort((a, b) => rankOf(a) - rankOf(b)).slice(0, most);
    return (
        <div className="list-panel" tabIndex={0} role="region" aria-label={panel.title || 'Alerts'}>
            {list.length === 0 && <p className="muted">{answer.isPending ? '' : 'Nothing fires.'}</p>}
            {list.map(({ alert, am }, i) => {
                const muted = mutedHow(am);
                return (
                    <div key={i} className="row">
                        <State kind={muted ? 'none' : alert.state === 'firing' ? 'bad' : 'warn'}>{muted ?? alert.state}</State>
                        <Link href={`/alerts/${fingerprint(alert.labels)}`} className="nowrap">{nameOf(alert)}</Link>
                        <span className="grow truncate muted">{alert.annotations.summary ?? ''}</span>
                        <span className="muted num nowrap">{fromNow(Date.parse(alert.activeAt), to)}</span>
                    </div>
                );
            })}
        </div>
    );
}
