/* Text: markdown, HTML or code of the dashboard, with its variables filled in. */
import type { PanelProps } from '../../dashboard/types';
import { asText } from '../../grafana/json';
import { Html } from '../../ui/Html';

export default function TextPanel({ panel, fill }: PanelProps) {
    const mode = asText(panel.options.mode) ?? 'markdown';
    const content = fill(asText(panel.options.content) ?? '');
    return (
        <div className="text-panel" tabIndex={0} role="region" aria-label={panel.title || 'Text'}>
            {mode === 'code' ? <pre className="mono">{content}</pre> : <Html text={content} markdown={mode === 'markdown'} />}
        </div>
    );
}
