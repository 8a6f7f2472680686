/* Said: what a panel says in place of data: that there are none and where some are, or what the server answered. */
import type { PanelModel } from '../grafana/model';
import { describeRange } from '../grafana/time';
import { Button, exploreLink } from '../ui';
import type { PanelData } from './data';
import { NearestData } from './NearestData';

export interface SaidProps {
    data: PanelData;
    panel: PanelModel;
    range: { from: string; to: string };
    width: number;
    height: number;
    onZoom: (from: number, to: number) => void;
}

/* Smaller than this a panel has room for a word alone. */
const NARROW_PX = 200;
const LOW_PX = 96;
const EXPR_MAX = 160;

/** faultPlace is where an answer says that an expression is wrong: an offset into it. */
export function faultPlace(message: string, expr: string): number | undefined {
    const found = /\b(\d+):(\d+): parse error/.exec(message);
    const lines = expr.split('\n');
    const line = Number(found?.[1]);
    if (!found || line < 1 || line > lines.length) {
        return undefined;
    }
    const at = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Number(found[2]) - 1;
    return Math.min(at, Math.max(0, expr.length - 1));
}

function Faulty({ message, expr }: { message: string; expr: string }) {
    const at = faultPlace(message, expr);
    if (at === undefined) {
        return <code className="mono">{expr}</code>;
    }
    const end = at + (/^\w+/.exec(expr.slice(at))?.[0].length ?? 1);
    return <code className="mono">{expr.slice(0, at)}<u>{expr.slice(at, end)}</u>{expr.slice(end)}</code>;
}

export default function Said({ data, panel, range, width, height, onZoom }: SaidProps) {
    const hasRoom = width >= NARROW_PX && height >= LOW_PX;
    if (data.error) {
        return (
            <div className="panel-said bad" role="alert" tabIndex={0}>
                <b>{data.error.message}</b>
                <Faulty message={data.error.message} expr={data.error.expr} />
                <Button variant="default" size="compact-xs" onClick={data.retry}>Try again</Button>
            </div>
        );
    }
    if (data.foreign.length > 0 && data.asked.length === 0) {
        return <div className="panel-said" tabIndex={0}>Its queries are for another kind of data source ({[...new Set(data.foreign)].join(', ')}), which is not served here.</div>;
    }
    const expr = data.asked[0]?.expr;
    const { noValue } = panel.fieldConfig.defaults;
    const word = noValue ?? (panel.targets.length === 0 ? 'No query' : 'No data');
    return (
        <div className="panel-said" tabIndex={0}>
            <span>{word}{expr && hasRoom && noValue === undefined ? `: ${describeRange(range, data.scope.zone)}` : ''}</span>
            {expr && hasRoom && <a href={`.${exploreLink(expr, range)}`}>{expr.length > EXPR_MAX ? `${expr.slice(0, EXPR_MAX)}…` : expr}</a>}
            {expr && hasRoom && <NearestData expr={expr} from={data.scope.from} to={data.scope.to} onZoom={onZoom} />}
        </div>
    );
}
