/* Overlays: the palette and the list of keys, which no page needs to be drawn. */
import { Kbd, Modal } from '@mantine/core';
import { Palette } from './Palette';
import { allShortcuts } from './shortcuts';
import { useWindow } from './store';

const KEY_NAMES: Readonly<Record<string, string>> = { escape: 'Esc', left: '←', right: '→' };

/* "mod+shift+z" as it stands on the keys. */
function keyName(key: string): string {
    return KEY_NAMES[key] ?? key.replace('mod+', 'Ctrl ').replace('shift+', 'Shift ');
}

function Help() {
    const open = useWindow((w) => w.help);
    const setHelp = useWindow((w) => w.setHelp);
    return (
        <Modal opened={open} onClose={() => setHelp(false)} title="Keys" size={520} transitionProps={{ duration: 80 }}>
            <table className="table">
                <tbody>
                    {open &&
                        allShortcuts().map((one) => (
                            <tr key={one.keys}>
                                <td style={{ width: 140 }}>
                                    <span className="row" style={{ gap: 4 }}>
                                        {one.keys.split(' ').map((key, i) => (
                                            <Kbd key={i} size="xs">{keyName(key)}</Kbd>
                                        ))}
                                    </span>
                                </td>
                                <td>{one.help}</td>
                            </tr>
                        ))}
                </tbody>
            </table>
        </Modal>
    );
}

export default function Overlays() {
    return (
        <>
            <Palette />
            <Help />
        </>
    );
}
