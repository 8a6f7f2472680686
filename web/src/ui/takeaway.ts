/* takeaway: texts and files that leave the page: copied, or saved by the browser. */
import { notify } from './Provider';

/* A blob's address may be dropped once the browser has begun to save it. */
const KEEP_MS = 10_000;

/* Without HTTPS browsers have no clipboard for scripts; what is selected they still copy. */
function copySelected(text: string): boolean {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('aria-hidden', 'true');
    area.style.cssText = 'position: fixed; opacity: 0';
    const before = document.activeElement;
    /* Within a dialog that keeps the focus the area has to stand there too. */
    (before?.closest('[role="dialog"]') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (before instanceof HTMLElement) {
        before.focus();
    }
    return done;
}

/** copyText puts a text into the clipboard and says so. */
export async function copyText(text: string, said = 'Copied'): Promise<void> {
    const done = await (window.isSecureContext ? navigator.clipboard.writeText(text).then(() => true, () => copySelected(text)) : Promise.resolve(copySelected(text)));
    if (done) {
        notify(said, 'ok');
    } else {
        notify('The browser forbids copying here', 'bad');
    }
}

/** saveFile gives the browser a file to save. */
export function saveFile(name: string, content: Blob | string, type = 'text/plain'): void {
    const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
