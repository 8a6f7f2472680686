/* http: one way to ask the server. Every address is below <base href>; no request leaves the origin. */

/* What the server said when it did not answer with data. */
export class ApiError extends Error {
    readonly status: number;
    readonly kind: string;

    constructor(status: number, kind: string, message: string) {
        super(message);
        this.name = 'ApiError';
        this.status = status;
        this.kind = kind;
    }
}

export type Params = Record<string, string | number | boolean | readonly string[] | undefined>;

/* encodeParams leaves undefined out and repeats arrays: {a: ['x', 'y'], b: 1} -> "a=x&a=y&b=1". */
export function encodeParams(params: Params): string {
    const out = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) {
        if (Array.isArray(value)) {
            value.forEach((one: string) => out.append(name, one));
        } else if (value !== undefined) {
            out.append(name, String(value));
        }
    }
    return out.toString();
}

/* serverPath is a path of the server ("api/v1/query") as an absolute URL. */
export function serverPath(path: string): string {
    return new URL(path.replace(/^\//, ''), document.baseURI).href;
}

async function refuse(response: Response): Promise<never> {
    const text = await response.text();
    let kind = 'http';
    let message = text.trim().slice(0, 2000) || `${response.status} ${response.statusText}`;
    try {
        const body: unknown = JSON.parse(text);
        if (body !== null && typeof body === 'object') {
            const fields = body as Record<string, unknown>;
            const said = fields.error ?? fields.message;
            message = typeof said === 'string' ? said : message;
            kind = typeof fields.errorType === 'string' ? fields.errorType : kind;
        } else if (typeof body === 'string') {
            message = body;
        }
    } catch {
        /* Not JSON: the text is the message. */
    }
    throw new ApiError(response.status, kind, message);
}

export interface Ask {
    method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
    params?: Params;
    /* Sent as a form, as Prometheus's clients do with long expressions. */
    form?: Params;
    json?: unknown;
    signal?: AbortSignal;
}

/* ask sends a request and returns the answer when its status is 2xx; otherwise throws ApiError. */
export async function ask(path: string, options: Ask = {}): Promise<Response> {
    const query = options.params ? encodeParams(options.params) : '';
    const init: RequestInit = { method: options.method ?? 'GET', signal: options.signal, credentials: 'same-origin' };
    if (options.form) {
        init.method = options.method ?? 'POST';
        init.body = new URLSearchParams(encodeParams(options.form));
    } else if (options.json !== undefined) {
        init.method = options.method ?? 'POST';
        init.body = JSON.stringify(options.json);
        init.headers = { 'Content-Type': 'application/json' };
    }
    let response: Response;
    try {
        response = await fetch(serverPath(path) + (query ? `?${query}` : ''), init);
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') {
            throw error;
        }
        throw new ApiError(0, 'network', 'the server cannot be reached: is barograph running?');
    }
    return response.ok ? response : refuse(response);
}

export async function askJson<T>(path: string, options: Ask = {}): Promise<T> {
    const response = await ask(path, options);
    return (await response.json()) as T;
}
