/* Dashboard list: links to dashboards by tag, title or folder. */
import { useQuery } from '@tanstack/react-query';
import { searchDashboards } from '../../api/dashboards';
import type { PanelProps } from '../../dashboard/types';
import { asNumber, asText, asTexts } from '../../grafana/json';
import { Link } from '../../ui';

export default function DashboardListPanel({ panel, fill }: PanelProps) {
    const answer = useQuery({ queryKey: ['dashboards'], queryFn: ({ signal }) => searchDashboards(signal) });
    const find = fill(asText(panel.options.query) ?? '').toLowerCase();
    const tags = asTexts(panel.options.tags);
    const list = (answer.data ?? []).filter((d) => d.type === 'dash-db' && d.title.toLowerCase().includes(find) && tags.every((t) => d.tags.includes(t))).slice(0, asNumber(panel.options.maxItems) ?? 30);
    return (
        <div className="list-panel" tabIndex={0} role="region" aria-label={panel.title || 'Dashboards'}>
            {list.map((d) => <div key={d.uid} className="row"><Link href={`/d/${d.uid}`}>{d.title}</Link></div>)}
            {list.length === 0 && !answer.isPending && <p className="muted">No dashboard fits.</p>}
        </div>
    );
}
