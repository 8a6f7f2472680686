/* AdhocField: the filters of one ad hoc variable as chips, and a form for another one, with names and values of labels from the server. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { labelNames, labelValues } from '../api/prometheus';
import { matcherOf, OPERATORS, writeFilter } from '../grafana/adhoc';
import type { AdhocFilter } from '../grafana/model';
import { ActionIcon, Autocomplete, Button, Icon, Popover, Select } from '../ui';

const LISTED_MAX = 200;

interface FieldProps {
    name: string;
    filters: readonly AdhocFilter[];
    /* Ms: names and values of that time. */
    from: number;
    to: number;
    /* As they stand in the URL. */
    change: (filters: string[] | '') => void;
}

function Form({ filters, from, to, done }: Omit<FieldProps, 'name' | 'change'> & { done: (filter: AdhocFilter) => void }) {
    const [key, setKey] = useState('');
    const [operator, setOperator] = useState('=');
    const [value, setValue] = useState('');
    const span = { start: from / 1000, end: to / 1000, ...(filters.length > 0 ? { match: [`{${filters.map(matcherOf).join(', ')}}`] } : {}) };
    const names = useQuery({ queryKey: ['adhoc-names', JSON.stringify(span)], queryFn: ({ signal }) => labelNames({ ...span, signal }), staleTime: 60_000 });
    const values = useQuery({ queryKey: ['adhoc-values', key, JSON.stringify(span)], queryFn: ({ signal }) => labelValues(key, { ...span, signal }), enabled: (names.data ?? []).includes(key), staleTime: 60_000 });
    const inside = { withinPortal: false } as const;
    return (
        <form
            className="stack annotation-menu"
            onSubmit={(event) => {
                event.preventDefault();
                if (key !== '') {
                    done({ key, operator, value });
                }
            }}
        >
            <Autocomplete label="Label" value={key} onChange={setKey} data={(names.data ?? []).filter((name) => name !== '__name__')} limit={LISTED_MAX} comboboxProps={inside} data-autofocus error={names.error ? names.error.message : undefined} />
            <Select label="Operator" value={operator} onChange={(next) => setOperator(next ?? '=')} data={[...OPERATORS]} allowDeselect={false} comboboxProps={inside} />
            <Autocomplete label={operator.endsWith('|') ? 'Values, with | between' : 'Value'} value={value} onChange={setValue} data={values.data ?? []} limit={LISTED_MAX} comboboxProps={inside} error={values.error ? values.error.message : undefined} />
            <Button type="submit" disabled={key === ''}>Add</Button>
        </form>
    );
}

export default function AdhocField({ name, filters, from, to, change }: FieldProps) {
    const put = (next: readonly AdhocFilter[]) => change(next.length > 0 ? next.map(writeFilter) : '');
    const [open, setOpen] = useState(false);
    return (
        <div className="adhoc" role="group" aria-label={name}>
            <span className="muted">{name}</span>
            {filters.map((filter, i) => (
                <span key={i} className="adhoc-filter">
                    <span className="truncate mono">{filter.key} {filter.operator} {filter.value}</span>
                    <ActionIcon aria-label={`Remove ${filter.key} ${filter.operator} ${filter.value}`} onClick={() => put(filters.filter((_, k) => k !== i))}><Icon name="close" size={12} /></ActionIcon>
                </span>
            ))}
            <Popover opened={open} onChange={setOpen} position="bottom-start" width={280}>
                <Popover.Target>
                    <ActionIcon aria-label={`Add a filter to ${name}`} aria-expanded={open} onClick={() => setOpen(!open)}><Icon name="plus" size={14} /></ActionIcon>
                </Popover.Target>
                <Popover.Dropdown aria-label="Filter">
                    {open && <Form filters={filters} from={from} to={to} done={(filter) => { setOpen(false); put([...filters, filter]); }} />}
                </Popover.Dropdown>
            </Popover>
        </div>
    );
}
