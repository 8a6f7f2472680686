/* load: a dashboard as the server has it, and in the newest form; what reads old forms is loaded when it has some. */
import { dashboard, type DashboardFile, type DashboardJson } from '../../api/dashboards';
import { cutText, type Cuts } from '../../grafana/bounds';
import { hasOldForms, migrateDashboard } from '../../grafana/migrate/core';

export interface LoadedFile extends DashboardFile {
    migrated: DashboardJson;
    /* What of it is not shown; empty: nothing. */
    cut: string;
}

export async function loadBoard(uid: string, signal?: AbortSignal): Promise<LoadedFile> {
    const file = await dashboard(uid, signal);
    const old = hasOldForms(file.dashboard) ? (await import('../../grafana/migrate/old')).oldForms : undefined;
    const cuts: Cuts = new Map();
    const migrated = migrateDashboard(file.dashboard, old, cuts);
    return { ...file, migrated, cut: cutText(cuts) };
}
