/* Home: what is wrong now, and how the server itself is. */
import { useQuery } from '@tanstack/react-query';
import { targets } from '../../api/prometheus';
import { Fault, Link, Loading, Page, State } from '../../ui';

export default function Home() {
    const list = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => targets(signal), refetchInterval: 15_000 });
    const down = list.data?.activeTargets.filter((target) => target.health === 'down') ?? [];
    return (
        <Page title="Home">
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Targets" retry={() => void list.refetch()} />}
            {list.data && (
                <p>
                    <State kind={down.length > 0 ? 'bad' : 'ok'}>{down.length} down</State>{' '}
                    <Link href="/targets">{list.data.activeTargets.length} targets</Link>
                </p>
            )}
        </Page>
    );
}
