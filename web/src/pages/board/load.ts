/* load: a dashboard as the server has it, and in the newest form; what reads old forms is loaded when it has some. */
import { dashboard, type DashboardFile, type DashboardJson } from '../../api/dashboards';
import { hasOldForms, migrateDashboard } from '../../grafana/migrate/core';

export interface LoadedFile extends DashboardFile {
    migrated: DashboardJson;
}

export async function loadBoard(uid: string, signal?: AbortSignal): Promise<LoadedFile> {
    const file = await dashboard(uid, signal);
    const old = hasOldForms(file.dashboard) ? (await import('../../grafana/migrate/old')).oldForms : undefined;
    return { ...file, migrated: migrateDashboard(file.dashboard, old) };
}
