/* router: addresses below <base href>, and the search parameters that define a view. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo } from 'react';
import { useLocation, useSearch, type AroundNavHandler } from 'wouter';

export { Link, Redirect, Route, Router, Switch as RouteSwitch, useLocation, useParams, useRoute, useSearch } from 'wouter';

/* basePath is what the server wrote into <base href>, without its last slash: "" or "/prom". */
export function basePath(): string {
    return new URL(document.baseURI).pathname.replace(/\/+$/, '');
}

export type ParamChange = Record<string, string | readonly string[] | null | undefined>;

/* changeParams returns a search string with some parameters set, or removed by null. */
export function changeParams(search: string, change: ParamChange): string {
    const params = new URLSearchParams(search);
    for (const [name, value] of Object.entries(change)) {
        params.delete(name);
        if (typeof value === 'string') {
            params.set(name, value);
        } else if (value) {
            value.forEach((one) => params.append(name, one));
        }
    }
    return params.toString();
}

/* The parameter that holds the parameters of a part of the page; '' is the page itself. */
const ScopeContext = createContext('');

/* ParamsScope: what is inside has parameters of its own, which stand together in one of the page's: the second half of a split view. */
export function ParamsScope({ name, children }: { name: string; children: ReactNode }) {
    return <ScopeContext value={name}>{children}</ScopeContext>;
}

/* useParams of the query string: read them, and change some of them; `replace` keeps the back button short. */
export function useQueryParams(): [URLSearchParams, (change: ParamChange, options?: { replace?: boolean }) => void] {
    const search = useSearch();
    const [, navigate] = useLocation();
    const scope = useContext(ScopeContext);
    const params = useMemo(() => {
        const all = new URLSearchParams(search);
        return scope ? new URLSearchParams(all.get(scope) ?? '') : all;
    }, [search, scope]);
    const change = useCallback(
        (what: ParamChange, options?: { replace?: boolean }) => {
            /* The address as it is now: two changes in one tick must not undo each other. */
            const now = window.location;
            const path = now.pathname.slice(basePath().length) || '/';
            const next = scope ? changeParams(now.search, { [scope]: changeParams(new URLSearchParams(now.search).get(scope) ?? '', what) }) : changeParams(now.search, what);
            navigate(path + (next ? `?${next}` : ''), { replace: options?.replace ?? false });
        },
        [navigate, scope],
    );
    return [params, change];
}

/* What is asked before the window leaves the page; it calls `go` when that is allowed. */
export type LeaveGuard = (go: () => void) => void;

let leaveGuard: LeaveGuard | null = null;

/* aroundNav stands before every change of the address by the page itself; one within the page is let through. */
export const aroundNav: AroundNavHandler = (navigate, to, options) => {
    const stays = new URL(to, window.location.href).pathname === window.location.pathname;
    if (leaveGuard && !stays) {
        leaveGuard(() => navigate(to, options));
    } else {
        navigate(to, options);
    }
};

/* useLeaveGuard asks before the page is left; null = nothing to ask. */
export function useLeaveGuard(guard: LeaveGuard | null): void {
    useEffect(() => {
        if (!guard) {
            return;
        }
        leaveGuard = guard;
        return () => {
            leaveGuard = null;
        };
    }, [guard]);
}
