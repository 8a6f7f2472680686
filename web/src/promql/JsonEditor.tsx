/* JsonEditor: a text of JSON with colours, search, and its first fault where it stands. Loaded by who opens it. */
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { linter, lintKeymap } from '@codemirror/lint';
import { search, searchKeymap } from '@codemirror/search';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { jsonFault } from '../grafana/jsonfault';
import './editor.css';
import { colors } from './highlight';
import { useView } from './view';

export interface JsonEditorProps {
    value: string;
    onChange: (value: string) => void;
    label: string;
    /* A small one is as high as its text, up to a bound. */
    small?: boolean;
}

const LINT_AFTER_MS = 250;

/* Brackets are counted for indentation alone. */
const json = StreamLanguage.define<{ depth: number }>({
    name: 'json',
    startState: () => ({ depth: 0 }),
    token(stream, state) {
        if (stream.eatSpace()) {
            return null;
        }
        if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) {
            return stream.match(/^\s*:/, false) ? 'propertyName' : 'string';
        }
        if (stream.match(/^-?\d[\d.eE+-]*/)) {
            return 'number';
        }
        if (stream.match(/^(?:true|false|null)\b/)) {
            return 'keyword';
        }
        const sign = stream.next();
        if (sign === '{' || sign === '[') {
            state.depth++;
        } else if (sign === '}' || sign === ']') {
            state.depth = Math.max(0, state.depth - 1);
        }
        return '{}[]'.includes(sign ?? '') ? 'bracket' : ':,'.includes(sign ?? '') ? null : 'invalid';
    },
    indent: (state, after, context) => Math.max(0, state.depth - (/^\s*[}\]]/.test(after) ? 1 : 0)) * context.unit,
    languageData: { closeBrackets: { brackets: ['[', '{', '"'] }, indentOnInput: /^\s*[}\]]$/ },
});

const faults = linter((view) => {
    const fault = jsonFault(view.state.doc.toString());
    return fault ? [{ from: Math.min(fault.at, view.state.doc.length), to: Math.min(fault.at + 1, view.state.doc.length), severity: 'error', message: fault.message }] : [];
}, { delay: LINT_AFTER_MS });

function extensions(props: { current: JsonEditorProps }) {
    return [
        lineNumbers(), history(), bracketMatching(), closeBrackets(), indentOnInput(), indentUnit.of('  '), search({ top: true }),
        json, syntaxHighlighting(colors), faults,
        EditorView.contentAttributes.of({ 'aria-label': props.current.label, spellcheck: 'false', autocapitalize: 'off', tabindex: '0' }),
        EditorView.updateListener.of((update) => {
            if (update.docChanged) {
                props.current.onChange(update.state.doc.toString());
            }
        }),
        /* Tab leaves the field, as everywhere: who works with keys alone must get out. */
        keymap.of([...closeBracketsKeymap, ...searchKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    ];
}

export default function JsonEditor(props: JsonEditorProps) {
    return <div className={props.small ? 'editor json small' : 'editor json'} ref={useView(props, extensions)} />;
}
