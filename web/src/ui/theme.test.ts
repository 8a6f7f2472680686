import { expect, test } from 'vitest';
import config from '../../vite.config.mts?raw';

const sources = import.meta.glob<string>('../**/*.{ts,tsx,css}', { query: '?raw', import: 'default', eager: true });

test('no colour is used whose variables are left out of the build', () => {
    const hues = [.../UNUSED_HUES = \[(.*)\]/.exec(config)![1]!.matchAll(/'(\w+)'/g)].map((m) => m[1]!);
    const used = new RegExp(`(?:color="|mantine-color-)(?:${hues.join('|')})\\b`);
    expect(hues.length).toBeGreaterThan(5);
    expect(used.test('<Badge color="lime">')).toBe(true);
    const components = Object.entries(sources).filter(([file]) => !file.includes('.test.'));
    expect(components.length).toBeGreaterThan(100);
    expect(components.filter(([, text]) => used.test(text)).map(([file]) => file)).toEqual([]);
});
