/* What a transformation is in a dashboard's JSON. */
import type { Json } from '../json';

export interface Transformation {
    id: string;
    options: Json;
    disabled?: boolean;
    /** Frames that it applies to; the others pass. */
    filter?: { id: string; options?: unknown };
}
