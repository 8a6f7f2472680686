/* exemplars: diamonds in a graph. */
import type { Labels } from '../api/types';
import type { Mark } from './Plot';

export interface PickedExemplar {
    labels: Labels;
    series: Labels;
    value: string;
    /* Ms since 1970. */
    time: number;
}

/* exemplarMarks makes diamonds; a click picks. */
export function exemplarMarks(list: readonly { seriesLabels: Labels; exemplars: { labels: Labels; value: string; timestamp: number }[] }[], pick: (picked: PickedExemplar) => void): Mark[] {
    return list.flatMap((one) => one.exemplars.map((exemplar): Mark => ({
        from: exemplar.timestamp,
        value: Number(exemplar.value),
        color: '#e9b44c',
        text: [`exemplar ${exemplar.value}`, ...Object.entries(exemplar.labels).map(([name, value]) => `${name}=${value}`)].join('\n'),
        onClick: () => pick({ labels: exemplar.labels, series: one.seriesLabels, value: exemplar.value, time: exemplar.timestamp * 1000 }),
    })));
}
