/* Targets: what is scraped, and why it is not. */
import { useQuery } from '@tanstack/react-query';
import { targets } from '../../api/prometheus';
import { Fault, LabelSet, Loading, Page, State } from '../../ui';

export default function Targets() {
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: 15_000 });
    return (
        <Page title="Targets">
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} retry={() => void list.refetch()} />}
            <div className="panel table-wrap">
                <table className="table">
                    <tbody>
                        {list.data?.activeTargets.map((target) => (
                            <tr key={`${target.scrapePool} ${target.scrapeUrl}`}>
                                <td>{target.scrapeUrl}</td>
                                <td><State kind={target.health === 'up' ? 'ok' : target.health === 'down' ? 'bad' : 'none'}>{target.health}</State></td>
                                <td><LabelSet labels={target.labels} /></td>
                                <td>{target.lastError}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Page>
    );
}
