/* Provider: theme, colour scheme, notifications, the query cache and the router around the whole UI. */
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications, notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../api/http';
import { basePath, Router } from './router';
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

/* notify shows a short text at the corner for some seconds. */
export function notify(message: string, kind: 'info' | 'ok' | 'bad' = 'info'): void {
    notifications.show({ message, color: { info: 'accent', ok: 'green', bad: 'red' }[kind], autoClose: kind === 'bad' ? 8000 : 3000 });
}

export function Provider({ children }: { children: ReactNode }) {
    return (
        <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" colorSchemeManager={scheme}>
            <Notifications position="bottom-right" limit={4} />
            <QueryClientProvider client={queryClient}>
                <Router base={basePath()}>{children}</Router>
            </QueryClientProvider>
        </MantineProvider>
    );
}
