/* treemap: areas in proportion to values, close to squares (the squarified layout of Bruls, Huizing and van Wijk). */

export interface Rect {
    index: number;
    x: number;
    y: number;
    width: number;
    height: number;
}

/* The worst ratio of sides in a row of areas along a side. */
function worst(row: readonly number[], sum: number, side: number): number {
    const squared = side * side;
    const total = sum * sum;
    return Math.max(...row.map((area) => Math.max((squared * area) / total, total / (squared * area))));
}

/* treemap lays out values (sorted by falling size, none negative) in a rectangle. */
export function treemap(values: readonly number[], width: number, height: number): Rect[] {
    const total = values.reduce((sum, value) => sum + value, 0);
    const out: Rect[] = [];
    if (total <= 0 || width <= 0 || height <= 0) {
        return out;
    }
    const areas = values.map((value) => (value / total) * width * height);
    let x = 0;
    let y = 0;
    let w = width;
    let h = height;
    let next = 0;
    while (next < areas.length) {
        const side = Math.min(w, h);
        const row: number[] = [areas[next]!];
        let sum = areas[next]!;
        while (next + row.length < areas.length) {
            const area = areas[next + row.length]!;
            if (worst([...row, area], sum + area, side) > worst(row, sum, side)) {
                break;
            }
            row.push(area);
            sum += area;
        }
        const thickness = side > 0 ? sum / side : 0;
        let along = 0;
        row.forEach((area, i) => {
            const length = thickness > 0 ? area / thickness : 0;
            out.push(w < h
                ? { index: next + i, x: x + along, y, width: length, height: thickness }
                : { index: next + i, x, y: y + along, width: thickness, height: length });
            along += length;
        });
        if (w < h) {
            y += thickness;
            h -= thickness;
        } else {
            x += thickness;
            w -= thickness;
        }
        next += row.length;
    }
    return out;
}
