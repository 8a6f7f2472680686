/* Notifications: what receivers were told, when, and what they said; the message as it was sent. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type AmDelivery, amHistory } from '../../api/alertmanager';
import { formatTime } from '../../grafana/time';
import { AlertingExample, Empty, Fault, FilterBar, formatQuantity, Icon, Loading, matchesWords, More, Page, State, UnstyledButton, useFilter, usePoll, useShown } from '../../ui';

const LIMIT = 500;

const isGood = (one: AmDelivery) => one.error === '';

function Row({ one }: { one: AmDelivery }) {
    const [open, setOpen] = useState(false);
    return (
        <>
            <tr>
                <td style={{ width: 34 }}>
                    <UnstyledButton aria-label={open ? 'Hide the message' : 'Show the message'} aria-expanded={open} onClick={() => setOpen(!open)} style={{ width: 24, height: 24 }}>
                        <Icon name={open ? 'down' : 'right'} size={13} />
                    </UnstyledButton>
                </td>
                <td className="num hide-narrow" style={{ width: 160 }}>{formatTime(Date.parse(one.time))}</td>
                <td style={{ width: 110 }}><State kind={isGood(one) ? 'ok' : 'bad'}>{one.outcome}</State></td>
                <td>
                    <b style={{ fontWeight: 500 }}>{one.receiver}</b> <span className="muted">{one.integration}</span>
                    <div className="mono muted" style={{ overflowWrap: 'anywhere' }}>{one.groupKey}</div>
                    {one.error && <div className="cell-error">{one.error}</div>}
                    <div className="num only-narrow">{formatTime(Date.parse(one.time))}</div>
                </td>
                <td className="right hide-narrow" style={{ width: 110 }}>{one.alerts} {one.status}</td>
                <td className="right hide-narrow" style={{ width: 90 }}>{one.attempts}</td>
                <td className="right hide-narrow" style={{ width: 80 }}>{one.httpStatus || ''}</td>
                <td className="right hide-narrow" style={{ width: 90 }}>{formatQuantity(one.durationMs / 1000, 'seconds', 3)}</td>
            </tr>
            {open && (
                <tr>
                    <td colSpan={8}><pre className="code" tabIndex={0} aria-label="Message" style={{ maxHeight: 320, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{one.message || 'The message was not kept.'}</pre></td>
                </tr>
            )}
        </>
    );
}

export default function Notifications() {
    const filter = useFilter();
    const list = useQuery({ queryKey: ['notifications'], queryFn: ({ signal }) => amHistory({ limit: LIMIT }, signal), refetchInterval: usePoll(10_000) });
    const [rows, more] = useShown(filter.key);
    const all = list.data ?? [];
    const found = all.filter(
        (one) => (filter.choice === 'all' || (filter.choice === 'good') === isGood(one)) && matchesWords(`${one.receiver} ${one.integration} ${one.groupKey} ${one.error} ${one.message}`, filter.text),
    );
    return (
        <Page title="Notifications">
            <FilterBar
                what="notifications"
                choices={[
                    { value: 'all', label: 'All', count: all.length },
                    { value: 'failed', label: 'Failed', count: all.filter((one) => !isGood(one)).length },
                    { value: 'good', label: 'Delivered', count: all.filter(isGood).length },
                ]}
            />
            {list.isPending && <Loading />}
            {list.error && <Fault error={list.error} what="Notifications" retry={() => void list.refetch()} />}
            {found.length > 0 && (
                <section className="panel table-wrap">
                    <table className="table">
                        <thead>
                            <tr>
                                <th /><th className="hide-narrow">Time</th><th>Outcome</th><th>Receiver and group</th><th className="right hide-narrow">Alerts</th><th className="right hide-narrow">Attempts</th>
                                <th className="right hide-narrow">HTTP</th><th className="right hide-narrow">Took</th>
                            </tr>
                        </thead>
                        <tbody>{found.slice(0, rows).map((one) => <Row key={`${one.time} ${one.receiver} ${one.integration} ${one.groupKey}`} one={one} />)}</tbody>
                    </table>
                    <More shown={rows} total={found.length} more={more} />
                </section>
            )}
            {list.data && found.length === 0 && (
                <Empty title={all.length === 0 ? 'Nothing was sent yet' : 'No notification is so'} icon="history">
                    {all.length === 0 ? <><p>What receivers are told stands here, with the message and their answer.</p><AlertingExample /></> : 'Another search or another outcome finds more.'}
                </Empty>
            )}
        </Page>
    );
}
