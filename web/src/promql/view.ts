/* view: an editor's place in a component: made once, its text follows the value that is given. */
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useEffect, useRef } from 'react';

/** useView gives the ref of the element that holds the editor; `extensions` sees the newest props in `current`. */
export function useView<P extends { value: string }>(props: P, extensions: (props: { current: P }) => Extension, autoFocus = false): React.RefObject<HTMLDivElement | null> {
    const host = useRef<HTMLDivElement>(null);
    const view = useRef<EditorView | null>(null);
    const latest = useRef(props);
    const first = useRef({ extensions, autoFocus });
    useEffect(() => {
        latest.current = props;
    });
    useEffect(() => {
        if (!host.current) {
            return;
        }
        const made = new EditorView({ parent: host.current, state: EditorState.create({ doc: latest.current.value, extensions: first.current.extensions(latest) }) });
        view.current = made;
        if (first.current.autoFocus) {
            made.focus();
        }
        return () => {
            made.destroy();
            view.current = null;
        };
    }, []);
    const { value } = props;
    useEffect(() => {
        const now = view.current;
        if (now && now.state.doc.toString() !== value) {
            now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value } });
        }
    }, [value]);
    return host;
}
