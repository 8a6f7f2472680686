/* Spark: a line of a series without axes, behind a number. */

interface SparkProps {
    times: ArrayLike<number>;
    values: ArrayLike<number>;
    width: number;
    height: number;
    color: string;
    min?: number;
    max?: number;
}

const POINTS_MAX = 200;

/** sparkPath gives the line and the area below it as SVG paths; empty when there is nothing to draw. */
export function sparkPath(props: SparkProps): { line: string; area: string } {
    const { times, values, width, height } = props;
    const step = Math.max(1, Math.floor(values.length / POINTS_MAX));
    const points: [number, number][] = [];
    for (let i = 0; i < values.length; i += step) {
        const v = values[i];
        if (v !== null && v !== undefined && Number.isFinite(v)) {
            points.push([times[i]!, v]);
        }
    }
    const first = points[0];
    const last = points[points.length - 1];
    if (!first || !last || points.length < 2 || last[0] === first[0]) {
        return { line: '', area: '' };
    }
    const low = props.min ?? points.reduce((m, p) => Math.min(m, p[1]), Infinity);
    const high = props.max ?? points.reduce((m, p) => Math.max(m, p[1]), -Infinity);
    const x = (t: number): number => ((t - first[0]) / (last[0] - first[0])) * width;
    const y = (v: number): number => (high === low ? height / 2 : height - 1 - ((v - low) / (high - low)) * (height - 3));
    const line = points.map(([t, v], i) => `${i === 0 ? 'M' : 'L'}${x(t).toFixed(1)},${y(v).toFixed(1)}`).join('');
    return { line, area: `${line}L${width},${height}L0,${height}Z` };
}

export function Spark(props: SparkProps) {
    const { line, area } = sparkPath(props);
    return line === '' ? null : (
        <svg width={props.width} height={props.height} aria-hidden="true" className="spark">
            <path d={area} fill={props.color} opacity={0.18} />
            <path d={line} fill="none" stroke={props.color} strokeWidth={1.25} />
        </svg>
    );
}
