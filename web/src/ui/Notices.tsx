/* Notices: short texts at the corner; loaded with the first of them. */
import { Notifications, notifications } from '@mantine/notifications';

const BAD_MS = 8000;
const OTHER_MS = 3000;

export function show(message: string, kind: 'info' | 'ok' | 'bad'): void {
    notifications.show({ message, color: { info: 'accent', ok: 'green', bad: 'red' }[kind], autoClose: kind === 'bad' ? BAD_MS : OTHER_MS, closeButtonProps: { 'aria-label': 'Close' } });
}

export default function Notices() {
    return <Notifications position="bottom-right" limit={4} />;
}
