/* Migration: dashboards of any schema version in the newest form that the page knows. */
import type { Json } from '../json';
import * as core from './core';
import { oldForms } from './old';

export { isClone, migrateVariable, unwrap, withIds } from './core';
export { flattenRows } from './old';

/** migratePanel gives one panel in the newest form. */
export function migratePanel(panel: Json): Json {
    return core.migratePanel(panel, oldForms);
}

/** migrateDashboard gives a copy in the newest form. */
export function migrateDashboard(loaded: Json): Json {
    return core.migrateDashboard(loaded, oldForms);
}
