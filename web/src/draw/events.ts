/* events: what is told of an annotation. */
import type { Annotation } from '../grafana/annotations';
import { formatDate, FULL_DATE, type TimeZone } from '../grafana/datetime';

/** annotationLines tells when it was, its text, its tags. */
export function annotationLines(one: Annotation, zone: TimeZone): string[] {
    const from = formatDate(one.from, FULL_DATE, zone);
    return [one.to === undefined ? from : `${from} to ${formatDate(one.to, FULL_DATE, zone)}`, ...one.text.split('\n'), one.tags.join(', ')].filter((line) => line !== '');
}
