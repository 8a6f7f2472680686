/* Html: outside text as HTML, sanitised: no script, no style that leaves its box, no request to elsewhere. */
import DOMPurify from 'dompurify';
import { Marked, marked } from 'marked';
import { useMemo } from 'react';

const ALLOWED_URI = /^(?:https?:|mailto:|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i;

/** sanitize gives HTML that only shows; pictures from elsewhere are links instead, since no request leaves the origin. */
export function sanitize(html: string): string {
    const clean = DOMPurify.sanitize(html, { ALLOWED_URI_REGEXP: ALLOWED_URI, FORBID_TAGS: ['form', 'iframe', 'style', 'link', 'meta', 'base', 'object', 'embed', 'input', 'textarea', 'select'], FORBID_ATTR: ['id', 'srcset', 'ping'], RETURN_DOM_FRAGMENT: true });
    clean.querySelectorAll('img, video, audio, source, image').forEach((element) => {
        const source = element.getAttribute('src') ?? element.getAttribute('href') ?? '';
        if (!/^data:image\//i.test(source)) {
            const link = document.createElement('a');
            link.setAttribute('href', source);
            link.textContent = element.getAttribute('alt') || source;
            element.replaceWith(link);
        }
    });
    clean.querySelectorAll('[style]').forEach((element) => {
        const style = element.getAttribute('style') ?? '';
        if (/url\(|expression|position\s*:\s*fixed/i.test(style)) {
            element.removeAttribute('style');
        }
    });
    clean.querySelectorAll('a').forEach((a) => a.setAttribute('rel', 'noreferrer noopener'));
    const box = document.createElement('div');
    box.append(clean);
    return box.innerHTML;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/* Markdown whose HTML is shown as it is written. */
const words = new Marked({ renderer: { html: ({ text }) => text.replace(/[&<>]/g, (c) => ESCAPES[c]!) } });

/** htmlOf gives text as HTML that can be shown: of markdown, of markdown whose own HTML stays text, or of HTML. */
export function htmlOf(text: string, markdown: boolean | 'words'): string {
    return sanitize(markdown ? ((markdown === 'words' ? words : marked).parse(text, { async: false }) as string) : text);
}

export function Html({ text, markdown = false }: { text: string; markdown?: boolean | 'words' }) {
    const html = useMemo(() => htmlOf(text, markdown), [text, markdown]);
    return <div className="prose" dangerouslySetInnerHTML={{ __html: html }} />;
}
