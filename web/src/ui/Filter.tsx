/* Filter: the line above a list: a search, choices with counts, all of it in the URL. */
import { SegmentedControl, TextInput } from '@mantine/core';
import { type ReactNode, useCallback, useMemo } from 'react';
import { quoteLabel } from './format';
import { Icon } from './icons';
import { readSearch, type Search } from './matchers';
import { useQueryParams } from './router';

interface Choice {
    value: string;
    label: string;
    count?: number;
}

interface FilterProps {
    /* What is searched: "targets". */
    what: string;
    /* The list has labels: matchers choose by them. */
    labels?: boolean;
    choices?: Choice[];
    choiceName?: string;
    children?: ReactNode;
}

export interface FilterState extends Search {
    choice: string;
    /* Another search or choice is another key. */
    key: string;
}

const WORDS_ONLY = { matchers: [], fits: () => true, fault: null };

/* useFilter reads the search and the choice of the URL; the first choice is the default. Matchers are words where the list has no labels. */
export function useFilter({ first = 'all', labels = false } = {}): FilterState {
    const [params] = useQueryParams();
    const typed = params.get('search') ?? '';
    const choice = params.get('show') ?? first;
    return useMemo(
        () => ({ ...(labels ? readSearch(typed) : { ...WORDS_ONLY, text: typed.toLowerCase() }), choice, key: `${choice} ${typed}` }),
        [typed, choice, labels],
    );
}

/* usePick puts a label into the search above a list, or takes it out again. */
export function usePick(): (name: string, value: string) => void {
    const [, change] = useQueryParams();
    return useCallback((name, value) => {
        const before = new URLSearchParams(window.location.search).get('search') ?? '';
        const part = `${name}=${quoteLabel(value)}`;
        const without = before.split(part).map((one) => one.trim()).filter(Boolean).join(' ');
        change({ search: (before.includes(part) ? without : `${before} ${part}`.trim()) || null }, { replace: true });
    }, [change]);
}

const holds = (low: string, typed: string) => typed.split(/\s+/).every((word) => low.includes(word));

/* matchesWords is true when each word is somewhere in the text. */
export function matchesWords(text: string, typed: string): boolean {
    return holds(text.toLowerCase(), typed);
}

/* Rows stay the same objects while they are typed about. */
const texts = new WeakMap<object, string>();

/* hasWords is matchesWords over the text of a row, which is made once. */
export function hasWords(row: object, text: () => string, typed: string): boolean {
    if (typed === '') {
        return true;
    }
    const low = texts.get(row) ?? text().toLowerCase();
    texts.set(row, low);
    return holds(low, typed);
}

export function FilterBar({ what, labels = false, choices, choiceName = 'Show', children }: FilterProps) {
    const [params, change] = useQueryParams();
    const chosen = params.get('show') ?? choices?.[0]?.value;
    const { fault } = useFilter({ labels });
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
                placeholder={labels ? `Search ${what}, or job="node"` : `Search ${what}`}
                error={fault}
                leftSection={<Icon name="search" size={14} />}
                value={params.get('search') ?? ''}
                onChange={(event) => change({ search: event.currentTarget.value || null }, { replace: true })}
            />
            {children}
        </div>
    );
}
