/* ops: what changes a dashboard's JSON, and reads one that is being changed; loaded when somebody begins to edit. */
export { addPanel, addRow, duplicatePanel, panelJson, pastePanel, placePanels, readDraft, removePanel, toggleRow, updatePanel } from '../../../grafana/edit/panels';
