/* MetricBrowser: metrics by name with type and help; labels and their values, chosen by click, make a selector. */
import { useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { labelNames, labelValues, metadata } from '../../api/prometheus';
import { Badge, Button, Drawer, Fault, Icon, Loading, quoteLabel, TextInput, UnstyledButton } from '../../ui';

interface BrowserProps {
    opened: boolean;
    onClose: () => void;
    onUse: (expr: string) => void;
}

/* Values of one label that are listed; the search finds the others. */
const VALUES_SHOWN = 200;
const ROW_PX = 30;

export function selectorOf(metric: string, chosen: Record<string, string[]>): string {
    const matchers = Object.entries(chosen)
        .filter(([, values]) => values.length > 0)
        .map(([name, values]) =>
            values.length === 1 ? `${name}=${quoteLabel(values[0]!)}` : `${name}=~${quoteLabel(values.map((v) => v.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'))}`,
        );
    return matchers.length > 0 ? `${metric}{${matchers.join(', ')}}` : metric;
}

/* suggest wraps a counter in rate() and a histogram's buckets in histogram_quantile(). */
export function suggest(selector: string, metric: string, type: string | undefined): string {
    if (metric.endsWith('_bucket')) {
        return `histogram_quantile(0.95, sum by (le) (rate(${selector}[5m])))`;
    }
    const isCounter = type === 'counter' || /_(total|count|sum)$/.test(metric);
    return isCounter ? `rate(${selector}[5m])` : selector;
}

function LabelBox({ name, metric, values, onChange }: { name: string; metric: string; values: string[]; onChange: (values: string[]) => void }) {
    const [open, setOpen] = useState(false);
    const [typed, setTyped] = useState('');
    const list = useQuery({
        queryKey: ['label-values', name, metric],
        queryFn: ({ signal }) => labelValues(name, { match: [metric], signal }),
        enabled: open,
    });
    const found = (list.data ?? []).filter((value) => value.toLowerCase().includes(typed.toLowerCase()));
    return (
        <div className="browser-label">
            <UnstyledButton className="row browser-label-head" aria-expanded={open} onClick={() => setOpen(!open)}>
                <Icon name={open ? 'down' : 'right'} size={12} />
                <span className="mono">{name}</span>
                {values.length > 0 && <Badge size="xs">{values.length}</Badge>}
            </UnstyledButton>
            {open && (
                <div style={{ padding: '4px 0 8px 20px' }}>
                    {list.error && <Fault error={list.error} />}
                    {(list.data?.length ?? 0) > 12 && (
                        <TextInput aria-label={`Search values of ${name}`} placeholder="Search" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} mb={6} />
                    )}
                    <div className="labels">
                        {found.slice(0, VALUES_SHOWN).map((value) => (
                            <UnstyledButton
                                key={value} className="label browser-value" aria-pressed={values.includes(value)}
                                onClick={() => onChange(values.includes(value) ? values.filter((one) => one !== value) : [...values, value])}
                            >
                                {value === '' ? '(empty)' : value}
                            </UnstyledButton>
                        ))}
                        {found.length > VALUES_SHOWN && <span className="muted">and {found.length - VALUES_SHOWN} more</span>}
                    </div>
                </div>
            )}
        </div>
    );
}

function BrowserBody({ onUse }: { onUse: (expr: string) => void }) {
    const scroller = useRef<HTMLDivElement>(null);
    const [typed, setTyped] = useState('');
    const [metric, setMetric] = useState('');
    const [chosen, setChosen] = useState<Record<string, string[]>>({});
    const names = useQuery({ queryKey: ['metric-names'], queryFn: ({ signal }) => labelValues('__name__', { signal }), staleTime: 60_000 });
    const meta = useQuery({ queryKey: ['metadata'], queryFn: ({ signal }) => metadata(signal), staleTime: 60_000 });
    const labels = useQuery({
        queryKey: ['label-names', metric],
        queryFn: ({ signal }) => labelNames({ match: [metric], signal }),
        enabled: metric !== '',
    });
    const metaOf = (name: string) => meta.data?.[name]?.[0] ?? meta.data?.[name.replace(/_(bucket|count|sum)$/, '')]?.[0];
    const found = useMemo(() => {
        const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
        return (names.data ?? []).filter((name) => {
            const help = meta.data?.[name]?.[0]?.help ?? '';
            return words.every((word) => name.toLowerCase().includes(word) || help.toLowerCase().includes(word));
        });
    }, [names.data, meta.data, typed]);
    const virtual = useVirtualizer({ count: found.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 10 });
    const selector = selectorOf(metric, chosen);
    const type = metaOf(metric)?.type;

    return (
        <div className="browser">
            <TextInput
                data-autofocus aria-label="Search metrics" placeholder="Search names and help" leftSection={<Icon name="search" size={14} />}
                value={typed} onChange={(event) => setTyped(event.currentTarget.value)}
            />
            {names.isPending && <Loading />}
            {names.error && <Fault error={names.error} retry={() => void names.refetch()} />}
            <div className="muted" aria-live="polite">{found.length} of {names.data?.length ?? 0} metrics</div>
            <div ref={scroller} className="browser-list" tabIndex={0} role="listbox" aria-label="Metrics">
                <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
                    {virtual.getVirtualItems().map((item) => {
                        const name = found[item.index]!;
                        return (
                            <UnstyledButton
                                key={name} className="browser-metric" role="option" aria-selected={name === metric} style={{ top: item.start, height: ROW_PX }}
                                title={metaOf(name)?.help}
                                onClick={() => { setMetric(name); setChosen({}); }}
                            >
                                <span className="mono truncate grow">{name}</span>
                                <span className="muted">{metaOf(name)?.type}</span>
                            </UnstyledButton>
                        );
                    })}
                </div>
            </div>
            {metric && (
                <>
                    <div className="note"><div className="grow">{metaOf(metric)?.help || <span className="muted">No help is known of this metric.</span>}</div></div>
                    <div className="browser-labels">
                        {labels.data?.filter((name) => name !== '__name__').map((name) => (
                            <LabelBox key={`${metric} ${name}`} name={name} metric={metric} values={chosen[name] ?? []} onChange={(values) => setChosen({ ...chosen, [name]: values })} />
                        ))}
                    </div>
                    <div className="panel mono" style={{ padding: 8, overflowWrap: 'anywhere' }}>{selector}</div>
                    <div className="row">
                        <Button onClick={() => onUse(selector)}>Use</Button>
                        {suggest(selector, metric, type) !== selector && (
                            <Button variant="default" onClick={() => onUse(suggest(selector, metric, type))}>
                                {metric.endsWith('_bucket') ? 'Use the 95th percentile' : 'Use its rate'}
                            </Button>
                        )}
                    </div>
                </>
            )}
        </div>
    );
}

export function MetricBrowser({ opened, onClose, onUse }: BrowserProps) {
    return (
        <Drawer opened={opened} onClose={onClose} position="right" size={460} title="Metrics" padding="md" transitionProps={{ duration: 100 }}
            closeButtonProps={{ 'aria-label': 'Close' }}>
            <BrowserBody onUse={(expr) => { onUse(expr); onClose(); }} />
        </Drawer>
    );
}
