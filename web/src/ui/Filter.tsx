/* Filter: the line above a list: a search, choices with counts, all of it in the URL. */
import { SegmentedControl, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from './icons';
import { useQueryParams } from './router';

interface Choice {
    value: string;
    label: string;
    count?: number;
}

interface FilterProps {
    /* What is searched: "targets". */
    what: string;
    choices?: Choice[];
    choiceName?: string;
    children?: ReactNode;
}

export interface FilterState {
    text: string;
    choice: string;
}

/* useFilter reads the search and the choice of the URL; the first choice is the default. */
export function useFilter(first = 'all'): FilterState {
    const [params] = useQueryParams();
    return { text: (params.get('search') ?? '').toLowerCase(), choice: params.get('show') ?? first };
}

/* matchesWords is true when each word is somewhere in the text. */
export function matchesWords(text: string, typed: string): boolean {
    const low = text.toLowerCase();
    return typed.split(/\s+/).every((word) => low.includes(word));
}

export function FilterBar({ what, choices, choiceName = 'Show', children }: FilterProps) {
    const [params, change] = useQueryParams();
    const chosen = params.get('show') ?? choices?.[0]?.value;
    return (
        <div className="row wrap filter-bar">
            {choices && (
                <SegmentedControl
                    aria-label={choiceName}
                    value={chosen}
                    onChange={(show) => change({ show: show === choices[0]?.value ? null : show }, { replace: true })}
                    data={choices.map((one) => ({ value: one.value, label: one.count === undefined ? one.label : `${one.label} ${one.count}` }))}
                />
            )}
            <TextInput
                className="filter-search"
                aria-label={`Search ${what}`}
                placeholder={`Search ${what}`}
                leftSection={<Icon name="search" size={14} />}
                value={params.get('search') ?? ''}
                onChange={(event) => change({ search: event.currentTarget.value || null }, { replace: true })}
            />
            {children}
        </div>
    );
}
