/* measure: a query asked for what it costs: the server's own statistics, and the time and the size of the answer here. */
import { ask } from './http';
import { resultOf } from './prometheus';
import type { QueryResult } from './types';

export interface Measured {
    result: QueryResult;
    /* From the request to the last byte. */
    requestMs: number;
    /* Of the answer, unpacked. */
    bytes: number;
    /* From bytes to columns. */
    parseMs: number;
}

/* measureQuery asks as panels do, with stats=all; times in seconds, a step of 0 asks at the end alone. */
export async function measureQuery({ expr, start, end, step }: { expr: string; start: number; end: number; step: number }, signal?: AbortSignal): Promise<Measured> {
    const begun = performance.now();
    const form = step > 0 ? { query: expr, start, end, step, stats: 'all' } : { query: expr, time: end, stats: 'all' };
    const response = await ask(`api/v1/${step > 0 ? 'query_range' : 'query'}`, { form, signal });
    const body = await response.arrayBuffer();
    const there = performance.now();
    const { data } = JSON.parse(new TextDecoder().decode(body)) as { data: Parameters<typeof resultOf>[0] };
    const result = resultOf(data);
    return { result, requestMs: there - begun, bytes: body.byteLength, parseMs: performance.now() - there };
}
