import { defineConfig } from 'vitest/config';

export default defineConfig({
    test: {
        include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/{oracle,unit}/**/*.test.ts'],
        /* A test that needs a document says so in its first line: // @vitest-environment jsdom */
        environment: 'node',
        /* The machine may be slow and busy. */
        testTimeout: 180_000,
        hookTimeout: 180_000,
        maxWorkers: 2,
        /* Modules are loaded once a worker: no test changes what others share. */
        isolate: false,
        silent: 'passed-only',
    },
});
