import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/* `npm run dev` shows the UI with live reload beside a running barograph; its address may be given by BAROGRAPH_URL. */
const server = process.env.BAROGRAPH_URL ?? 'http://127.0.0.1:9090';

export default defineConfig({
    /* The server writes <base href> into index.html, so every address is relative to it. */
    base: './',
    plugins: [react()],
    build: {
        target: 'es2022',
        manifest: true,
        /* The content policy lets no data: fonts in. */
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        chunkSizeWarningLimit: 700,
    },
    server: {
        proxy: Object.fromEntries(
            ['/api', '/alertmanager', '/-', '/metrics', '/federate', '/render'].map((path) => [path, server]),
        ),
    },
});
