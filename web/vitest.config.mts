import { defineConfig } from 'vitest/config';

export default defineConfig({
    test: {
        include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/{oracle,unit}/**/*.test.ts'],
        /* A test that needs a document says so in its first line: // @vitest-environment jsdom */
        environment: 'node',
        testTimeout: 30_000,
        hookTimeout: 30_000,
        maxWorkers: 2,
        silent: 'passed-only',
    },
});
