/* Alert list: what fires and waits, from the rules of this server. */
import { useQuery } from '@tanstack/react-query';
import { alerts } from '../../api/prometheus';
import type { PanelProps } from '../../dashboard/types';
import { fromNow } from '../../grafana/datetime';
import { asNumber, asText } from '../../grafana/json';
import { fingerprint, Link, State, usePoll } from '../../ui';

const EVERY_MS = 15_000;

export default function AlertListPanel({ panel, fill, to }: PanelProps) {
    const answer = useQuery({ queryKey: ['alerts'], queryFn: ({ signal }) => alerts(signal), refetchInterval: usePoll(EVERY_MS) });
    const name = fill(asText(panel.options.alertName) ?? '').toLowerCase();
    const most = asNumber(panel.options.maxItems) ?? 20;
    const list = (answer.data?.alerts ?? []).filter((a) => (a.labels.alertname ?? '').toLowerCase().includes(name)).sort((a, b) => Number(b.state === 'firing') - Number(a.state === 'firing')).slice(0, most);
    return (
        <div className="list-panel" tabIndex={0} role="region" aria-label={panel.title || 'Alerts'}>
            {list.length === 0 && <p className="muted">{answer.isPending ? '' : 'Nothing fires.'}</p>}
            {list.map((a, i) => (
                <div key={i} className="row">
                    <State kind={a.state === 'firing' ? 'bad' : 'warn'}>{a.state}</State>
                    <Link href={`/alerts/${fingerprint(a.labels)}`}>{a.labels.alertname}</Link>
                    <span className="grow truncate muted">{a.annotations.summary ?? ''}</span>
                    <span className="muted num">{fromNow(Date.parse(a.activeAt), to)}</span>
                </div>
            ))}
        </div>
    );
}
