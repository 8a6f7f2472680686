/* Provider: theme, colour scheme, notifications, the query cache and the router around the whole UI. */
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { ApiError } from '../api/http';
import { aroundNav, basePath, Router } from './router';
import { useWindow } from './store';
import './styles';
import { cssVariables, theme } from './theme';

const RETRIES_MAX = 2;

const queryClient = new QueryClient({
    defaultOptions: {
        queries: {
            staleTime: 5_000,
            refetchOnWindowFocus: false,
            /* What the server refused it will refuse again; only a lost connection or a busy server is worth another try. */
            retry: (count, error) => count < RETRIES_MAX && error instanceof ApiError && (error.status === 0 || error.status === 503),
        },
    },
});

const scheme = localStorageColorSchemeManager({ key: 'barograph-color-scheme' });

const Notices = lazy(() => import('./Notices'));

/* notify shows a short text at the corner for some seconds. */
export function notify(message: string, kind: 'info' | 'ok' | 'bad' = 'info'): void {
    useWindow.setState({ notices: true });
    void import('./Notices').then(({ show }) => show(message, kind));
}

function LazyNotices() {
    const asked = useWindow((w) => w.notices);
    return asked ? <Suspense fallback={null}><Notices /></Suspense> : null;
}

export function Provider({ children }: { children: ReactNode }) {
    return (
        <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" colorSchemeManager={scheme}>
            <LazyNotices />
            <QueryClientProvider client={queryClient}>
                <Router base={basePath()} aroundNav={aroundNav}>{children}</Router>
            </QueryClientProvider>
        </MantineProvider>
    );
}
