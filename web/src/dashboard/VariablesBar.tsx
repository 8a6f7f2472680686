/* VariablesBar: a field for each variable that is not hidden; a change goes into the URL. The fields come after the panels: they are 35 KB. */
import { lazy, type ReactNode, Suspense } from 'react';
import type { ParamChange } from '../ui';
import type { VariableState } from './variables';

export interface BarProps {
    list: readonly VariableState[];
    change: (params: ParamChange) => void;
    /* Further fields: ad hoc filters. */
    more?: ReactNode;
}

const VariableFields = lazy(() => import('./VariableFields'));
/* Height of a field. */
const FIELD_PX = 30;

export function VariablesBar({ list, change, more }: BarProps) {
    const shown = list.filter((s) => s.model.hide !== 'all' && !['constant', 'adhoc', 'system', 'unknown', 'datasource'].includes(s.model.type));
    return shown.length === 0 && !more ? null : (
        <div className="variables" role="group" aria-label="Variables" style={{ minHeight: FIELD_PX }}>
            {shown.length > 0 && <Suspense fallback={null}><VariableFields list={shown} change={change} /></Suspense>}
            {more}
        </div>
    );
}
