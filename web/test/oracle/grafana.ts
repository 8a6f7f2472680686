/* Grafana's own library and a small generator, for the tests beside. Needs a document: each test file asks for jsdom. */
import { createRequire } from 'node:module';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any */
export const grafana: any = createRequire(import.meta.url)('@grafana/data');

/** generator gives numbers in [0, 1), the same ones for a seed, so that a failure can be repeated. */
export function generator(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state * 1664525 + 1013904223) % 4294967296;
        return state / 4294967296;
    };
}

export function pick<T>(random: () => number, items: readonly T[]): T {
    return items[Math.floor(random() * items.length)]!;
}
