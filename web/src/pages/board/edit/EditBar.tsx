/* EditBar: what can be done while a dashboard is edited: add, undo, settings, leave, save. */
import { ActionIcon, Button, Icon, Menu, Tooltip } from '../../../ui';
import { isDirty, type Draft } from '../../../dashboard/edit';

interface EditBarProps {
    draft: Draft;
    /* Absent: nothing may be added. */
    onAdd: ((what: 'panel' | 'row' | 'text') => void) | undefined;
    onPaste: (() => void) | undefined;
    onUndo: () => void;
    onRedo: () => void;
    onSettings: () => void;
    onDiscard: () => void;
    onExit: () => void;
    onSave: () => void;
    /* Out of a panel or the settings, to the grid. */
    onBack: (() => void) | undefined;
}

export function EditBar(props: EditBarProps) {
    const { draft } = props;
    const dirty = isDirty(draft);
    const undo = draft.past[draft.past.length - 1];
    const redo = draft.future[draft.future.length - 1];
    return (
        <div className="row edit-bar" role="toolbar" aria-label="Edit the dashboard">
            {props.onBack ? <Button variant="default" onClick={props.onBack} leftSection={<Icon name="left" size={14} />}>Back to dashboard</Button> : props.onAdd && <Menu position="bottom-end">
                <Menu.Target><Button variant="default" leftSection={<Icon name="plus" size={14} />}>Add</Button></Menu.Target>
                <Menu.Dropdown>
                    <Menu.Item onClick={() => props.onAdd?.('panel')}>Visualization</Menu.Item>
                    <Menu.Item onClick={() => props.onAdd?.('text')}>Text</Menu.Item>
                    <Menu.Item onClick={() => props.onAdd?.('row')}>Row</Menu.Item>
                    {props.onPaste && <Menu.Item onClick={props.onPaste}>Copied panel</Menu.Item>}
                </Menu.Dropdown>
            </Menu>}
            <Tooltip label={undo ? `Undo: ${undo.label}` : 'Nothing to undo'}><ActionIcon aria-label="Undo" disabled={!undo} onClick={props.onUndo}><Icon name="undo" /></ActionIcon></Tooltip>
            <Tooltip label={redo ? `Redo: ${redo.label}` : 'Nothing to redo'}><ActionIcon aria-label="Redo" disabled={!redo} onClick={props.onRedo}><Icon name="redo" /></ActionIcon></Tooltip>
            {!props.onBack && <Tooltip label="Settings, variables, links, versions, JSON"><ActionIcon aria-label="Settings of the dashboard" onClick={props.onSettings}><Icon name="settings" /></ActionIcon></Tooltip>}
            {dirty ? <Button variant="default" onClick={props.onDiscard}>Discard</Button> : !props.onBack && <Button variant="default" onClick={props.onExit}>Exit edit</Button>}
            <Button onClick={props.onSave} leftSection={<Icon name="save" size={14} />} variant={dirty ? 'filled' : 'default'}>Save</Button>
        </div>
    );
}
