import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/* `npm run dev` shows the UI with live reload beside a running barograph; its address may be given by BAROGRAPH_URL. */
const server = process.env.BAROGRAPH_URL ?? 'http://127.0.0.1:9090';

/* Colours of Mantine's palette that nothing here has; src/ui/theme.test.ts sees to it. */
const UNUSED_HUES = ['cyan', 'grape', 'green', 'indigo', 'lime', 'orange', 'pink', 'violet', 'yellow'];

/* withoutHues leaves the variables of those colours out: 342 lines of CSS. */
function withoutHues(): Plugin {
    const line = new RegExp(`--mantine-color-(?:${UNUSED_HUES.join('|')})-[\\w-]+:[^;}]*;?`, 'g');
    return {
        name: 'without-hues',
        enforce: 'pre',
        transform(code, id) {
            if (!/default-css-variables\.css/.test(id)) {
                return undefined;
            }
            const rest = code.replace(line, '');
            if (rest.length > code.length * 0.6) {
                throw new Error('the variables of Mantine are written in another way: see withoutHues');
            }
            return { code: rest, map: null };
        },
    };
}

export default defineConfig({
    /* The server writes <base href> into index.html, so every address is relative to it. */
    base: './',
    plugins: [react(), withoutHues()],
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
