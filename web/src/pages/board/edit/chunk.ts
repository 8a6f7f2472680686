/* chunk: what edit mode needs, loaded when it is entered. */
export { EditBar } from './EditBar';
export { EditGrid } from './EditGrid';
export { LeaveDialog, RowDialog } from './dialogs';
export { SaveDialog } from './SaveDialog';
export { Settings } from './Settings';
