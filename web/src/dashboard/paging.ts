/* paging: which rows of a panel are on a page. */

export interface Page {
    /* Counted from 0. */
    index: number;
    count: number;
    /* The first row, and the one behind the last. */
    from: number;
    to: number;
}

/** pageOf gives a page of so many rows, the last one where there are fewer. */
export function pageOf(rows: number, perPage: number, wanted: number): Page {
    const size = Math.max(1, Math.floor(perPage));
    const count = Math.max(1, Math.ceil(rows / size));
    const index = Math.min(count - 1, Math.max(0, wanted));
    return { index, count, from: index * size, to: Math.min(rows, (index + 1) * size) };
}
