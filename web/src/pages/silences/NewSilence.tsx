/* NewSilence: matchers, times and a reason, once or recurring, with the alerts that it would mute shown as they are typed. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { amAlerts, amSaveSilence, type TimeInterval } from '../../api/alertmanager';
import { formatDuration, formatTime, parseDuration, parseTime } from '../../grafana/time';
import {
    ActionIcon, Button, Empty, Fault, formatMatcher, Icon, LabelSet, notify, Page, parseMatcher, plural, Section, SegmentedControl, splitMatchers, storedAuthor, storeAuthor, State, TextInput, Textarea, useDebouncedValue,
    useLocation, useQueryParams,
} from '../../ui';
import { annotationsOf, givenAnnotations } from './annotations';
import { faultOf, fromInterval, newRecurrence, type Recurrence, toInterval } from './recurrence';
import { NextWindows, RecurrenceForm } from './RecurrenceForm';

const DURATIONS = ['1h', '2h', '6h', '12h', '1d', '3d', '7d'];
const LONG_DURATIONS = ['7d', '30d', '90d', '365d'];
const SHOWN = 50;

/* Of months no minutes are told. */
function roughly(ms: number): number {
    const unit = ms > 3 * 86_400_000 ? 86_400_000 : 60_000;
    return Math.round(ms / unit) * unit;
}

/* The link of a silence that is changed or made again carries its schedule. */
function givenIntervals(text: string | null): Recurrence[] {
    try {
        const list: unknown = JSON.parse(text ?? '[]');
        return Array.isArray(list) ? (list as TimeInterval[]).map(fromInterval) : [];
    } catch {
        return []; /* not ours */
    }
}

interface RowsProps {
    /* "Matcher": what a row is. */
    what: string;
    placeholder: string;
    rows: readonly string[];
    change: (rows: string[]) => void;
    faultOf: (text: string) => string | undefined;
    autoFocus?: boolean;
    least?: number;
}

/* Rows of text, name="value" each, with a button for one more. */
function Rows({ what, placeholder, rows, change, faultOf: fault, autoFocus = false, least = 0 }: RowsProps) {
    return (
        <>
            {rows.map((text, i) => (
                <div className="row" key={i}>
                    <TextInput
                        className="grow" aria-label={`${what} ${i + 1}`} placeholder={placeholder} value={text} autoFocus={autoFocus && i === 0 && text === ''}
                        error={text.trim() === '' ? undefined : fault(text)} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                        onChange={(event) => change(rows.map((one, at) => (at === i ? event.target.value : one)))}
                    />
                    {rows.length > least && (
                        <ActionIcon aria-label={`Remove ${what.toLowerCase()} ${i + 1}`} onClick={() => change(rows.filter((_, at) => at !== i))}><Icon name="close" size={14} /></ActionIcon>
                    )}
                </div>
            ))}
            <Button variant="subtle" size="compact-xs" style={{ alignSelf: 'flex-start' }} leftSection={<Icon name="plus" size={12} />} onClick={() => change([...rows, ''])}>{what}</Button>
        </>
    );
}

/* The time that was given, to the millisecond, while its field still says it: a silence keeps its number only with its own start. */
function exactly(text: string, given: number): number | null {
    return !Number.isNaN(given) && text === formatTime(given) ? given : null;
}

function Preview({ matchers }: { matchers: string[] }) {
    const [asked] = useDebouncedValue(matchers, 250);
    const found = useQuery({
        queryKey: ['silence-preview', asked],
        queryFn: ({ signal }) => amAlerts({ filter: asked }, signal),
        enabled: asked.length > 0,
        placeholderData: keepPreviousData,
    });
    return (
        <Section title="What it mutes now" aside={<span className="muted num" aria-live="polite">{found.data ? plural(found.data.length, 'alert') : ''}</span>}>
            {found.error ? <Fault error={found.error} /> : !found.data || found.data.length === 0 ? (
                <Empty title="No alert fits now" icon="silence">It mutes those that fit while it lasts.</Empty>
            ) : (
                <div className="table-wrap" style={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label="Alerts that fit">
                    <table className="table">
                        <tbody>
                            {found.data.slice(0, SHOWN).map((one) => (
                                <tr key={one.fingerprint}>
                                    <td style={{ width: 110 }}><State kind={one.status.state === 'suppressed' ? 'none' : 'bad'}>{one.status.state}</State></td>
                                    <td><b style={{ fontWeight: 500 }}>{one.labels.alertname}</b> <LabelSet labels={one.labels} without={['alertname']} /></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                    {found.data.length > SHOWN && <div className="panel-body muted">and {plural(found.data.length - SHOWN, 'other')}</div>}
                </div>
            )}
        </Section>
    );
}

export default function NewSilence() {
    const [params] = useQueryParams();
    const [, navigate] = useLocation();
    const client = useQueryClient();
    const id = params.get('id') ?? undefined;
    const [matchers, setMatchers] = useState<string[]>(() => {
        const given = params.getAll('matcher').concat(splitMatchers(params.get('filter') ?? ''));
        return given.length > 0 ? given : [''];
    });
    const given = { starts: Date.parse(params.get('starts') ?? ''), ends: Date.parse(params.get('ends') ?? '') };
    const [starts, setStarts] = useState(formatTime(given.starts) || 'now');
    const [author, setAuthor] = useState(storedAuthor);
    const [comment, setComment] = useState(params.get('comment') ?? '');
    const [notes, setNotes] = useState(() => givenAnnotations(params.get('annotations')));

    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const [rows, setRows] = useState<Recurrence[]>(() => givenIntervals(params.get('recurring')));
    const recurs = rows.length > 0;
    const [ends, setEnds] = useState(formatTime(given.ends) || (recurs ? '365d' : '2h'));

    function setRecurs(wanted: boolean): void {
        setRows(wanted ? [newRecurrence(zone)] : []);
        setEnds(wanted ? '365d' : '2h');
    }

    const typed = matchers.filter((text) => text.trim() !== '');
    const parsed = typed.map(parseMatcher);
    const good = parsed.filter((one) => one !== null);
    const annotations = annotationsOf(notes);
    const now = Date.now();
    const start = exactly(starts, given.starts) ?? parseTime(starts, now);
    const length = parseDuration(ends);
    const end = exactly(ends, given.ends) ?? (length !== null && start !== null ? start + length : parseTime(ends, now));
    /* A silence whose matchers all fit the empty text would mute everything; Alertmanager refuses it too. */
    const broad = good.length > 0 && good.every((one) => one.value === '' && one.isEqual);
    const fault =
        good.length === 0 ? 'Give at least one matcher.'
        : good.length < parsed.length ? 'One of the matchers cannot be read.'
        : broad ? 'At least one matcher must ask for a value.'
        : start === null ? 'The start is no time.'
        : end === null || end <= start ? 'The end is no time after the start.'
        : end <= now ? 'The end is over already.'
        : rows.some((row) => faultOf(row) !== null) ? 'One of the times cannot be read.'
        : annotations === null ? 'One of the annotations cannot be read.'
        : author.trim() === '' ? 'Say who you are.'
        : comment.trim() === '' ? 'Say why.'
        : null;

    const save = useMutation({
        mutationFn: () => amSaveSilence({
            id, matchers: good, startsAt: new Date(start!).toISOString(), endsAt: new Date(end!).toISOString(), createdBy: author.trim(), comment: comment.trim(),
            ...(annotations && (id || notes.length > 0) ? { annotations } : {}),
            ...(recurs || id ? { timeIntervals: rows.map(toInterval) } : {}),
        }),
        onSuccess: () => {
            storeAuthor(author);
            notify('Silenced', 'ok');
            void client.invalidateQueries({ queryKey: ['silences'] });
            void client.invalidateQueries({ queryKey: ['am-alerts'] });
            navigate('/silences');
        },
    });

    return (
        <Page title={id ? 'Edit silence' : 'New silence'} crumbs={[{ title: 'Silences', to: '/silences' }]}>
            <div className="columns">
                <section className="panel">
                    <form className="silence-form" onSubmit={(event) => { event.preventDefault(); if (!fault) save.mutate(); }}>
                        <fieldset>
                            <legend>Alerts whose labels fit all of</legend>
                            <Rows
                                what="Matcher" placeholder={'severity="page", instance=~"db.*", team!="x"'} rows={matchers} change={setMatchers} autoFocus least={1}
                                faultOf={(text) => (parseMatcher(text) === null ? 'name="value", with =, !=, =~ or !~' : undefined)}
                            />
                        </fieldset>
                        <SegmentedControl aria-label="How often" value={recurs ? 'recurring' : 'once'} onChange={(next) => setRecurs(next === 'recurring')} data={[{ value: 'once', label: 'Once' }, { value: 'recurring', label: 'Recurring' }]} style={{ alignSelf: 'flex-start' }} />
                        {recurs && <RecurrenceForm rows={rows} change={setRows} location={zone} />}
                        {recurs && start !== null && end !== null && end > start && rows.every((row) => faultOf(row) === null) && <NextWindows rows={rows} start={start} end={end} />}
                        <div className="silence-times">
                            <TextInput label="From" value={starts} onChange={(event) => setStarts(event.currentTarget.value)} description={start === null ? 'now, now+1h or a time' : formatTime(start)} />
                            <TextInput label="For, or until" value={ends} onChange={(event) => setEnds(event.currentTarget.value)} description={end === null ? '2h, or a time' : formatTime(end)} />
                        </div>
                        <div className="row wrap" role="group" aria-label="Usual lengths">
                            {(recurs ? LONG_DURATIONS : DURATIONS).map((one) => <Button key={one} variant={ends === one ? 'filled' : 'default'} size="compact-xs" onClick={() => setEnds(one)}>{one}</Button>)}
                        </div>
                        <TextInput label="Who" value={author} onChange={(event) => setAuthor(event.currentTarget.value)} />
                        <Textarea label="Why" value={comment} autosize minRows={2} onChange={(event) => setComment(event.currentTarget.value)} />
                        <Rows
                            what="Annotation" placeholder={'ticket="OPS-123"'} rows={notes} change={setNotes}
                            faultOf={(text) => (annotationsOf([text]) === null ? 'name="value"' : undefined)}
                        />
                        {save.error && <Fault error={save.error} />}
                        <div className="row">
                            <Button type="submit" disabled={fault !== null} loading={save.isPending}>{id ? 'Save' : 'Silence'}{start !== null && end !== null && end > start ? ` for ${formatDuration(roughly(end - start))}` : ''}</Button>
                            {fault && <span className="muted">{fault}</span>}
                        </div>
                    </form>
                </section>
                <Preview matchers={good.map(formatMatcher)} />
            </div>
        </Page>
    );
}
