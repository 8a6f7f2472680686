/* Transformations by id, in the order of a panel's list. One that nobody knows changes nothing and is named. */
import { fieldMatcher } from '../fieldconfig';
import { type Frame } from '../frame';
import { own } from '../json';
import { calculateField } from './calculate';
import { configFromData, convertFieldType, extractFields, filterByRefId, filterByValue, filterFieldsByName, formatTimeFields, labelsToFields, limit, organize, renameByRegex, sortBy } from './fields';
import { joinByLabels, partitionByValues, timeSeriesTable } from './series';
import type { Transform } from './shared';
import { concatenate, groupBy, groupingToMatrix, groupToNestedTable, histogram, joinByField, merge, prepareTimeSeries, reduce, rowsToFields, seriesToRows, transpose } from './tables';
import type { Transformation } from './types';

const TRANSFORMS: Record<string, Transform> = {
    calculateField, concatenate, configFromData, convertFieldType, extractFields, filterByRefId, filterByValue, filterFieldsByName, formatTime: formatTimeFields,
    groupBy, groupingToMatrix, groupToNestedTable, histogram, joinByField, joinByLabels, labelsToFields, limit, merge, organize, partitionByValues, prepareTimeSeries, reduce, renameByRegex, rowsToFields,
    seriesToColumns: joinByField, seriesToRows, sortBy, timeSeriesTable, transpose,
};

export const TRANSFORM_IDS: readonly string[] = Object.keys(TRANSFORMS);

export interface Transformed {
    frames: Frame[];
    /** Ids that nobody knows. */
    unknown: string[];
    /** What went wrong in one, as text. */
    errors: string[];
}

/* The filter of a transformation names frames by their query. */
function split(frames: readonly Frame[], step: Transformation): { inside: Frame[]; outside: Frame[] } {
    if (!step.filter?.id) {
        return { inside: [...frames], outside: [] };
    }
    const matches = fieldMatcher(step.filter.id === 'byRefId' ? 'byFrameRefID' : step.filter.id, step.filter.options);
    const isIn = (f: Frame): boolean => f.fields.some((field) => matches(field, f, frames));
    return { inside: frames.filter(isIn), outside: frames.filter((f) => !isIn(f)) };
}

export function transformFrames(frames: readonly Frame[], steps: readonly Transformation[]): Transformed {
    const result: Transformed = { frames: [...frames], unknown: [], errors: [] };
    for (const step of steps) {
        const transform = own(TRANSFORMS, step.id);
        if (step.disabled === true) {
            continue;
        }
        if (!transform) {
            result.unknown.push(step.id);
            continue;
        }
        const { inside, outside } = split(result.frames, step);
        try {
            result.frames = [...outside, ...transform(inside, step.options)];
        } catch (error) {
            result.errors.push(`${step.id}: ${error instanceof Error ? error.message : String(error)}`);
        }
    }
    return result;
}

