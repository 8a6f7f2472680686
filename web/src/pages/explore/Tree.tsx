/* Tree: the parsed query with what each node cost: time, series, samples. */
import type { ExplainNode } from '../../api/types';
import { Empty, formatCount, formatQuantity } from '../../ui';

const num = (value: unknown) => (typeof value === 'number' ? value : 0);

/* own is the time of a node without its children's, in seconds. */
export function own(node: ExplainNode): number {
    const below = (node.children ?? []).reduce((sum, child) => sum + num(child.seconds), 0);
    return Math.max(0, num(node.seconds) - below);
}

/* countOf is the rows of a node with all below it: as far reaches the branch of the next one. */
function countOf(node: ExplainNode): number {
    return 1 + (node.children ?? []).reduce((sum, child) => sum + countOf(child), 0);
}

const ROW_PX = 31;

function Row({ node, depth, total, above }: { node: ExplainNode; depth: number; total: number; above: number }) {
    const share = total > 0 ? own(node) / total : 0;
    return (
        <>
            <tr>
                <td>
                    <div className="tree-node" style={{ paddingLeft: depth * 22 }}>
                        {depth > 0 && <span className="tree-branch" style={{ left: depth * 22 - 14, top: 9 - above * ROW_PX, height: above * ROW_PX }} />}
                        <span className="tree-kind">{String(node.node ?? node.type ?? '')}</span>
                        <span className="mono tree-expr" title={node.expr}>{node.expr}</span>
                    </div>
                </td>
                <td className="right">{formatCount(num(node.series))}</td>
                <td className="right">{formatCount(num(node.points))}</td>
                <td className="right">{formatCount(num(node.samplesRead))}</td>
                <td className="right">{formatQuantity(num(node.bytes), 'bytes', 3)}</td>
                <td className="right">{formatQuantity(num(node.seconds), 'seconds', 3)}</td>
                <td className="right">
                    <span className="tree-share" title={`${(share * 100).toFixed(1)} % of the query's time`}>
                        <i style={{ width: `${Math.max(1, share * 100)}%` }} />
                    </span>
                    <span className="tree-own">{formatQuantity(own(node), 'seconds', 3)}</span>
                </td>
            </tr>
            {(node.children ?? []).map((child, i) => (
                <Row key={i} node={child} depth={depth + 1} total={total} above={i === 0 ? 0.7 : countOf(node.children![i - 1]!)} />
            ))}
        </>
    );
}

export function Tree({ roots }: { roots: { letter: string; root: ExplainNode | undefined }[] }) {
    const shown = roots.filter((one) => one.root);
    if (shown.length === 0) {
        return <Empty title="Nothing to explain" icon="tree">Run an expression: each of its nodes is shown with what it cost.</Empty>;
    }
    return (
        <div className="table-wrap" tabIndex={0} role="region" aria-label="Query tree">
            <table className="table">
                <thead>
                    <tr>
                        <th>Node</th>
                        {['Series', 'Points', 'Samples read', 'Memory', 'Time', 'Own time'].map((name) => <th key={name} className="right">{name}</th>)}
                    </tr>
                </thead>
                <tbody>
                    {shown.map(({ letter, root }) => <Row key={letter} node={root!} depth={0} total={num(root!.seconds)} above={0} />)}
                </tbody>
            </table>
        </div>
    );
}
