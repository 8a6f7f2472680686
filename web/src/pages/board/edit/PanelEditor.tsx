/*
 * PanelEditor: one panel, live, with its queries and transformations below and its options beside it. Every change goes into
 * the dashboard's draft at once: undo, discard and save are the draft's.
 */
import { useMemo, useRef, useState } from 'react';
import { usePanelData } from '../../../dashboard/data';
import { isSame, asRecords, type Json } from '../../../grafana/json';
import type { Scope } from '../../../grafana/interpolate';
import type { PanelModel } from '../../../grafana/model';
import type { Look } from '../../../grafana/color';
import { panelJson } from '../../../grafana/edit/panels';
import { kindOf } from '../../../panels/kinds';
import { Button, Switch, Tabs, useElementSize } from '../../../ui';
import { Inputs } from './inputs';
import { Options } from './Options';
import { Queries } from './Queries';
import { Transformations } from './Transformations';
import './edit.css';

interface PanelEditorProps {
    /* The dashboard as it is now. */
    board: Json;
    panel: PanelModel;
    look: Look;
    scope: Scope;
    pending: ReadonlySet<string>;
    variables: readonly string[];
    onChange: (label: string, edit: (panel: Json) => Json, key?: string) => void;
    children: (panel: PanelModel, size: { width: number; height: number }) => React.ReactNode;
}

const NO_JSON: Json = {};

export default function PanelEditor({ board, panel, look, scope, pending, variables, onChange, children }: PanelEditorProps) {
    const { ref, width, height } = useElementSize<HTMLDivElement>();
    const [asTable, setAsTable] = useState(false);
    const [tab, setTab] = useState<string | null>('queries');
    const seen = useRef(new Map<string, Json>());
    const json = useMemo(() => panelJson(board, panel.id) ?? NO_JSON, [board, panel.id]);
    const [start] = useState(json);
    const data = usePanelData({ panel, scope, pending, width, enabled: width > 0 });
    const fields = useMemo(() => [...new Set(data.frames.flatMap((f) => f.fields.map((field) => field.state?.displayName ?? field.name)))].slice(0, 500), [data.frames]);
    /* The same list while the names are the same: a refresh does not draw all fields anew. */
    const held = useRef(fields);
    if (!isSame(held.current, fields)) {
        held.current = fields;
    }
    const names = held.current;
    const context = useMemo(() => ({ look, fields: names, variables }), [look, names, variables]);
    const plain = kindOf(panel.type).isPlain === true;
    const shown = useMemo<PanelModel>(() => (asTable ? { ...panel, type: 'table', options: {} } : panel), [panel, asTable]);
    const transformations = asRecords(json.transformations).length;
    return (
        <Inputs value={context}>
            <div className="panel-editor">
                <div className="panel-editor-main">
                    <div className="panel-editor-view" ref={ref}>
                        {width > 0 && height > 0 && children(shown, { width: Math.floor(width), height: Math.floor(height) })}
                    </div>
                    {!plain && (
                        <Tabs value={tab} onChange={setTab} keepMounted={false} className="panel-editor-tabs">
                            <div className="row">
                                <Tabs.List className="grow">
                                    <Tabs.Tab value="queries">Queries ({asRecords(json.targets).length})</Tabs.Tab>
                                    <Tabs.Tab value="transformations">Transformations{transformations > 0 ? ` (${transformations})` : ''}</Tabs.Tab>
                                </Tabs.List>
                                <Switch label="Table view" checked={asTable} onChange={(e) => setAsTable(e.currentTarget.checked)} />
                            </div>
                            <Tabs.Panel value="queries" pt="sm"><Queries panel={json} data={data} variables={variables} onChange={onChange} /></Tabs.Panel>
                            <Tabs.Panel value="transformations" pt="sm"><Transformations panel={json} onChange={onChange} /></Tabs.Panel>
                        </Tabs>
                    )}
                </div>
                <aside className="panel-editor-options" aria-label="Options of the panel" tabIndex={0}>
                    {!isSame(start, json) && <Button variant="default" fullWidth mb={8} onClick={() => onChange('Discard panel changes', () => start)}>Discard panel changes</Button>}
                    <Options panel={json} seen={seen.current} onChange={onChange} />
                </aside>
            </div>
        </Inputs>
    );
}
