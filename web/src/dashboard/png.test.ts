import { expect, test } from 'vitest';
import { fileName, plainXml } from './png';

const NOW = new Date('2026-11-29T10:05:00Z');

test.each([
    ['CPU by mode', 'CPU by mode 2026-11-29 10.05.png'],
    ['../../etc/passwd', 'etc-passwd 2026-11-29 10.05.png'],
    ['<img src=x>:"|?*', 'img src-x 2026-11-29 10.05.png'],
    ['Größe 日本', 'Größe 日本 2026-11-29 10.05.png'],
    ['///', 'panel 2026-11-29 10.05.png'],
    ['x'.repeat(300), `${'x'.repeat(80)} 2026-11-29 10.05.png`],
])('fileName(%j)', (title, want) => {
    expect(fileName(title, NOW)).toBe(want);
});

test('what XML cannot hold is taken away, and nothing else', () => {
    expect(plainXml('<b>a\u0000\u0008b\tc\n\u001f\uffff</b>')).toBe('<b>ab\tc\n</b>');
    expect(plainXml('x\ud83d\ude00y\ud83dz\ude00')).toBe('x\ud83d\ude00yz');
});
