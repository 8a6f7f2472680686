import { expect, test } from 'vitest';
import { buildRows } from './build';

const prometheus = { version: '3.14.0', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '14.2.0' };

test('its own version and revision stand first', () => {
    const rows = buildRows({ ...prometheus, barographVersion: '0.1.0', barographRevision: '9829ac634316' });
    expect(rows.slice(0, 3)).toEqual([['barograph', '0.1.0'], ['revision of barograph', '9829ac634316'], ['version (API of Prometheus)', '3.14.0']]);
    expect(rows.map(([name]) => name).slice(3)).toEqual(['revision', 'branch', 'buildUser', 'buildDate', 'compiler']);
});

test('a server that does not tell them, or tells others', () => {
    expect(buildRows(prometheus)[0]).toEqual(['version (API of Prometheus)', '3.14.0']);
    expect(buildRows({ ...prometheus, constructor: 'x' } as never)).toContainEqual(['constructor', 'x']);
});
