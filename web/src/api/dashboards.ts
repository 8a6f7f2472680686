/* dashboards: the files of dashboards, over the paths of Grafana's API. */
import { ask, askJson } from './http';

export type DashboardJson = Record<string, unknown>;

export interface DashboardMeta {
    canSave: boolean;
    slug: string;
    url: string;
    updated: string;
    version: number;
    folderUid: string;
    folderTitle: string;
    provisioned: boolean;
    /* Path of the file on the server. */
    provisionedExternalId: string;
}

export interface DashboardFile {
    meta: DashboardMeta;
    dashboard: DashboardJson;
}

export interface SearchHit {
    uid: string;
    title: string;
    url: string;
    type: 'dash-db' | 'dash-folder';
    description?: string;
    tags: string[];
    folderUid?: string;
    folderTitle?: string;
}

export interface DashboardVersion {
    version: number;
    created: string;
    createdBy: string;
    message: string;
    data?: DashboardJson;
}

export interface Folder {
    uid: string;
    title: string;
    canSave: boolean;
}

export interface SaveRequest {
    dashboard: DashboardJson;
    folderUid?: string;
    message?: string;
    overwrite?: boolean;
}

export interface SaveAnswer {
    uid: string;
    slug: string;
    version: number;
    folderUid: string;
}

const enc = encodeURIComponent;

export const searchDashboards = (signal?: AbortSignal) => askJson<SearchHit[]>('api/search', { params: { limit: 5000 }, signal });
export const dashboard = (uid: string, signal?: AbortSignal) => askJson<DashboardFile>(`api/dashboards/uid/${enc(uid)}`, { signal });
export const saveDashboard = (request: SaveRequest) => askJson<SaveAnswer>('api/dashboards/db', { json: request });
export const importDashboard = (request: SaveRequest & { inputs?: unknown[] }) => askJson<SaveAnswer>('api/dashboards/import', { json: request });
export const deleteDashboard = (uid: string) => ask(`api/dashboards/uid/${enc(uid)}`, { method: 'DELETE' });
export const folders = (signal?: AbortSignal) => askJson<Folder[]>('api/folders', { signal });
export const addFolder = (title: string) => askJson<Folder>('api/folders', { json: { title } });
export const restoreVersion = (uid: string, version: number) => askJson<SaveAnswer>(`api/dashboards/uid/${enc(uid)}/restore`, { json: { version } });

export async function dashboardVersions(uid: string, signal?: AbortSignal): Promise<DashboardVersion[]> {
    return (await askJson<{ versions: DashboardVersion[] }>(`api/dashboards/uid/${enc(uid)}/versions`, { signal })).versions;
}

export const dashboardVersion = (uid: string, version: number, signal?: AbortSignal) =>
    askJson<DashboardVersion>(`api/dashboards/uid/${enc(uid)}/versions/${version}`, { signal });
