/* Editor: one PromQL expression, with completion from the server's own metadata. Enter runs, Shift-Enter is a new line. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder as placeholderText } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';
import { serverPath } from '../api/http';
import './editor.css';

export interface EditorProps {
    value: string;
    onChange: (value: string) => void;
    onRun: () => void;
    label: string;
    placeholder?: string;
    autoFocus?: boolean;
    /* Expressions that were run before stand among the completions. */
    history?: readonly string[];
    readOnly?: boolean;
}

/* The names of metrics are asked for anew after that. */
const CACHE_MS = 5 * 60_000;

const colors = HighlightStyle.define([
    { tag: tags.number, color: 'var(--ed-number)' },
    { tag: tags.string, color: 'var(--ed-string)' },
    { tag: tags.keyword, color: 'var(--ed-keyword)' },
    { tag: [tags.function(tags.variableName), tags.standard(tags.variableName)], color: 'var(--ed-function)' },
    { tag: tags.labelName, color: 'var(--ed-label)' },
    { tag: [tags.operator, tags.operatorKeyword, tags.modifier], color: 'var(--ed-keyword)' },
    { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
    { tag: [tags.paren, tags.squareBracket, tags.brace], color: 'var(--muted)' },
    { tag: tags.invalid, color: 'var(--bad)' },
]);

/* One for all editors: they share its cache of names. */
let shared: PromQLExtension | null = null;

function promql(): PromQLExtension {
    shared ??= new PromQLExtension().setComplete({
        remote: { url: serverPath('').replace(/\/$/, ''), httpMethod: 'GET', cache: { maxAge: CACHE_MS } },
        maxMetricsMetadata: 20_000,
    });
    return shared;
}

function extensions(props: { current: EditorProps }) {
    const initial = props.current;
    const insertNewline = (view: EditorView) => {
        view.dispatch(view.state.replaceSelection('\n'), { scrollIntoView: true });
        return true;
    };
    return [
        history(),
        bracketMatching(),
        closeBrackets(),
        indentOnInput(),
        syntaxHighlighting(colors),
        autocompletion({ activateOnTyping: true, maxRenderedOptions: 100, icons: true }),
        promql().asExtension(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': initial.label, spellcheck: 'false', autocapitalize: 'off' }),
        EditorView.editable.of(!initial.readOnly),
        placeholderText(initial.placeholder ?? ''),
        EditorView.updateListener.of((update) => {
            if (update.docChanged) {
                props.current.onChange(update.state.doc.toString());
            }
        }),
        keymap.of([...completionKeymap]),
        Prec.high(
            keymap.of([
                { key: 'Enter', run: () => (props.current.onRun(), true) },
                { key: 'Mod-Enter', run: () => (props.current.onRun(), true) },
                { key: 'Shift-Enter', run: insertNewline },
            ]),
        ),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap.filter((one) => one.key !== 'Mod-/'), ...historyKeymap, ...lintKeymap]),
    ];
}

export function Editor(props: EditorProps) {
    const host = useRef<HTMLDivElement>(null);
    const view = useRef<EditorView | null>(null);
    const latest = useRef(props);

    useEffect(() => {
        latest.current = props;
    });

    useEffect(() => {
        if (!host.current) {
            return;
        }
        const made = new EditorView({
            parent: host.current,
            state: EditorState.create({ doc: latest.current.value, extensions: extensions(latest) }),
        });
        view.current = made;
        if (latest.current.autoFocus) {
            made.focus();
        }
        return () => {
            made.destroy();
            view.current = null;
        };
    }, []);

    useEffect(() => {
        const now = view.current;
        if (now && now.state.doc.toString() !== props.value) {
            now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: props.value } });
        }
    }, [props.value]);

    return <div className="editor" ref={host} />;
}

export { startCompletion };
export default Editor;
