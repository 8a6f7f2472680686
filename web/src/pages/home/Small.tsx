/* Small: one series as a small graph; apart, so that the page stands before uPlot has come. */
import { useMemo } from 'react';
import type { Series } from '../../api/types';
import { align } from '../../draw/align';
import { SERIES_COLORS } from '../../draw/colors';
import { Plot } from '../../draw/Plot';
import { formatQuantity, type Quantity, useComputedColorScheme } from '../../ui';

interface SmallProps {
    title: string;
    series: Series;
    quantity: Quantity;
    from: number;
    to: number;
    step: number;
}

export default function Small({ title, series, quantity, from, to, step }: SmallProps) {
    const scheme = useComputedColorScheme('dark');
    const aligned = useMemo(() => align([{ times: series.times, values: series.values, step: step * 2 }]), [series, step]);
    const axis = useMemo(() => ({ format: (value: number) => formatQuantity(value, quantity, 3), binary: quantity === 'bytes' }), [quantity]);
    const styles = useMemo(() => [{ name: title, color: SERIES_COLORS[scheme][0]!, fill: 0.12 }], [title, scheme]);
    return <Plot times={aligned.times} values={aligned.values} series={styles} axis={axis} from={from} to={to} height={110} sync="home" label={`${title} over the last hour`} />;
}
