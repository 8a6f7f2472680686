/* Silences: active, pending and expired ones; end them, make them again. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { memo, useMemo } from 'react';
import { amExpireSilence, type AmSilence, amSilences } from '../../api/alertmanager';
import { formatTime } from '../../grafana/time';
import {
    Ago, Button, Empty, Fault, FilterBar, formatMatcher, Icon, Link, Loading, matchesWords, More, notify, Page, State, type StateKind, useFilter, usePoll, useShown,
} from '../../ui';
import { describe } from './recurrence';

const kinds: Record<AmSilence['status']['state'], StateKind> = { active: 'ok', pending: 'warn', expired: 'none' };
const order: Record<AmSilence['status']['state'], number> = { active: 0, pending: 1, expired: 2 };

function againLink(silence: AmSilence, edit: boolean): string {
    const params = new URLSearchParams();
    silence.matchers.forEach((matcher) => params.append('matcher', formatMatcher(matcher)));
    params.set('comment', silence.comment);
    if (Object.keys(silence.annotations ?? {}).length > 0) {
        params.set('annotations', JSON.stringify(silence.annotations));
    }
    if (silence.timeIntervals?.length) {
        params.set('recurring', JSON.stringify(silence.timeIntervals));
    }
    if (edit) {
        params.set('id', silence.id);
        params.set('starts', silence.startsAt);
        params.set('ends', silence.endsAt);
    }
    return `/silences/new?${params.toString()}`;
}

/* When it ends; of one that recurs, when it begins or ends next. A date stays on its line. */
function Until({ silence }: { silence: AmSilence }) {
    const { state } = silence.status;
    const next = silence.nextWindows?.[0];
    return (
        <>
            <span className="nowrap">{formatTime(Date.parse(silence.endsAt))}</span>
            {next && state !== 'expired' && <div className="nowrap" style={{ fontSize: 12 }}>{state === 'active' ? 'until' : 'next'} {formatTime(Date.parse(state === 'active' ? next.endsAt : next.startsAt))}</div>}
            <div className="muted nowrap" style={{ fontSize: 12 }}>{state === 'expired' ? 'ended' : 'ends'} <Ago at={silence.endsAt} /></div>
        </>
    );
}

const Row = memo(function Row({ silence, onExpire }: { silence: AmSilence; onExpire: (silence: AmSilence) => void }) {
    const { state } = silence.status;
    return (
        <tr>
            <td style={{ width: 110 }}><State kind={kinds[state]}>{state}</State></td>
            <td>
                <span className="labels">{silence.matchers.map((matcher) => <span className="label" key={formatMatcher(matcher)}>{formatMatcher(matcher)}</span>)}</span>
                {silence.timeIntervals?.map((interval, i) => <div key={i} className="row" style={{ marginTop: 4, gap: 6 }}><Icon name="refresh" size={12} />{describe(interval)}</div>)}
                <div style={{ marginTop: 4 }}>{silence.comment}</div>
                {Object.entries(silence.annotations ?? {}).map(([name, value]) => (
                    <div key={name} className="muted" style={{ fontSize: 12, overflowWrap: 'anywhere' }}>{name}: {/^https?:\/\//.test(value) ? <a href={value} target="_blank" rel="noreferrer">{value}</a> : value}</div>
                ))}
                <div className="muted" style={{ fontSize: 12 }}>by {silence.createdBy || 'nobody'} · <span className="mono">{silence.id.slice(0, 8)}</span></div>
                <div className="num only-narrow" style={{ marginTop: 4 }}>
                    {state === 'pending' && !silence.nextWindows?.length && <div className="nowrap">from {formatTime(Date.parse(silence.startsAt))}</div>}
                    until <Until silence={silence} />
                </div>
            </td>
            <td className="num hide-narrow" style={{ width: 160 }}>{formatTime(Date.parse(silence.startsAt))}</td>
            <td className="num hide-narrow" style={{ width: 210 }}><Until silence={silence} /></td>
            <td className="right" style={{ width: '1%' }}>
                <span className="row wrap" style={{ justifyContent: 'flex-end' }}>
                    <Link className="alone" href={againLink(silence, state !== 'expired')}>{state === 'expired' ? 'again' : 'edit'}</Link>
                    {state !== 'expired' && <Button variant="default" size="compact-xs" onClick={() => onExpire(silence)}>Expire</Button>}
                </span>
            </td>
        </tr>
    );
});

export default function Silences() {
    const filter = useFilter({ first: 'current' });
    const client = useQueryClient();
    const list = useQuery({ queryKey: ['silences'], queryFn: ({ signal }) => amSilences(signal), refetchInterval: usePoll(10_000) });
    const expire = useMutation({
        mutationFn: (silence: AmSilence) => amExpireSilence(silence.id),
        onSuccess: () => {
            notify('The silence has ended', 'ok');
            void client.invalidateQueries({ queryKey: ['silences'] });
            void client.invalidateQueries({ queryKey: ['am-alerts'] });
        },
        onError: (error) => notify(error.message, 'bad'),
    });
    const { mutate } = expire;
    const { current, found, all } = useMemo(() => {
        const all = list.data ?? [];
        const isCurrent = (silence: AmSilence) => silence.status.state !== 'expired';
        const found = all
            .filter((one) => filter.choice === 'all' || (filter.choice === 'current') === isCurrent(one))
            .filter((one) => matchesWords(`${one.id} ${one.comment} ${one.createdBy} ${one.matchers.map(formatMatcher).join(' ')} ${JSON.stringify(one.annotations ?? {})}`, filter.text))
            .sort((a, b) => order[a.status.state] - order[b.status.state] || Date.parse(b.endsAt) - Date.parse(a.endsAt));
        return { all: all.length, current: all.filter(isCurrent).length, found };
    }, [list.data, filter]);
    const [rows, more] = useShown(filter.key);
    return (
        <Page title="Silences" actions={<Link href="/silences/new"><Button leftSection={<Icon name="plus" size={13} />}>New silence</Button></Link>}>
            <FilterBar
                what="silences"
                choices={[
                    { value: 'current', label: 'Current', count: current },
                    { value: 'expired', label: 'Expired', count: all - current },
                    { value: 'all', label: 'All', count: all },
                ]}
            />
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Silences" retry={() => void list.refetch()} />}
            {found.length > 0 && (
                <section className="panel table-wrap">
                    <table className="table">
                        <thead><tr><th>State</th><th>Silenced</th><th className="hide-narrow">From</th><th className="hide-narrow">Until</th><th /></tr></thead>
                        <tbody>{found.slice(0, rows).map((one) => <Row key={one.id} silence={one} onExpire={mutate} />)}</tbody>
                    </table>
                    <More shown={rows} total={found.length} more={more} />
                </section>
            )}
            {list.data && found.length === 0 && (
                <Empty title={filter.choice === 'current' ? 'Nothing is silenced' : 'No silence is so'} icon="silence">
                    A silence mutes the alerts that its matchers fit, for a while. <Link href="/silences/new">Make one</Link>, or start from an <Link href="/alerts">alert</Link>.
                </Empty>
            )}
        </Page>
    );
}
