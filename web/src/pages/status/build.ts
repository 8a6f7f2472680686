/* build: what the server says of its build, its own version first: the other ones are those of the Prometheus whose API it has. */
import type { BuildInfo } from '../../api/types';

const NAMES = new Map([
    ['barographVersion', 'barograph'], ['barographRevision', 'revision of barograph'], ['version', 'version (API of Prometheus)'], ['goVersion', 'compiler'],
]);

export function buildRows(info: BuildInfo): [string, string][] {
    const own = (name: string): number => (name.startsWith('barograph') ? 0 : 1);
    return Object.entries(info).sort(([a], [b]) => own(a) - own(b)).map(([name, value]) => [NAMES.get(name) ?? name, value]);
}
