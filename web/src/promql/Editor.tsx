/* Editor: one PromQL expression, with completion from the server's own metadata. Enter runs, Shift-Enter is a new line. */
import { autocompletion, closeBrackets, closeBracketsKeymap, type Completion, type CompletionContext, completionKeymap, type CompletionSource } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder as placeholderText } from '@codemirror/view';
import { LanguageType, PromQLExtension, promQLLanguage } from '@prometheus-io/codemirror-promql';
import { newLintStrategy, type LintStrategy } from '@prometheus-io/codemirror-promql/dist/esm/lint';
import { serverPath } from '../api/http';
import { maskMacros } from '../grafana/macros';
import './editor.css';
import { colors } from './highlight';
import { useView } from './view';

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
    /* The expression may hold a dashboard's variables and macros: these names are among the completions. */
    variables?: readonly string[];
}

/* The names of metrics are asked for anew after that. */
const CACHE_MS = 5 * 60_000;
/* Of what was run before, offered beside the names. */
const HISTORY_OFFERED = 8;

/* Grafana's own macros, with what they stand for. */
const MACROS: readonly Completion[] = [
    ['$__rate_interval', 'a range for rate() that misses no sample'], ['$__interval', 'the step of the graph'], ['$__interval_ms', 'the step in ms'], ['$__range', 'the range that is shown'],
    ['$__range_s', 'that range in seconds'], ['$__range_ms', 'that range in ms'], ['$__from', 'its begin in ms'], ['$__to', 'its end in ms'],
].map(([label, detail]) => ({ label: label!, detail, type: 'constant' }));

/* Macros are no PromQL: faults are looked for in the text with something of the same length in their place. */
function maskedLint(): LintStrategy {
    const lint = newLintStrategy();
    return {
        promQL() {
            const source = lint.promQL();
            return (view) => {
                const text = view.state.doc.toString();
                const masked = maskMacros(text);
                const state = masked === text ? view.state : EditorState.create({ doc: masked, extensions: [promQLLanguage(LanguageType.PromQL)] });
                return source({ state } as EditorView);
            };
        },
    };
}

/* One for all editors of a kind: they share its cache of names. */
const shared: { plain?: PromQLExtension; masked?: PromQLExtension } = {};

function promql(kind: 'plain' | 'masked'): PromQLExtension {
    const made = shared[kind] ?? new PromQLExtension().setComplete({
        remote: { url: serverPath('').replace(/\/$/, ''), httpMethod: 'GET', cache: { maxAge: CACHE_MS } },
        maxMetricsMetadata: 20_000,
    });
    if (kind === 'masked' && !shared.masked) {
        made.setLinter(maskedLint());
    }
    shared[kind] = made;
    return made;
}

/* Completes $... with the dashboard's variables and Grafana's macros. */
function variableSource(names: () => readonly string[]) {
    return (context: CompletionContext) => {
        const word = context.matchBefore(/\$\{?\w*/);
        return word ? { from: word.from, options: [...names().map((name): Completion => ({ label: `$${name}`, type: 'variable' })), ...MACROS], validFor: /^\$\{?\w*$/ } : null;
    };
}

/* Completes the whole text with what was run before and holds what is typed so far. */
function historySource(entries: () => readonly string[]) {
    return (context: CompletionContext) => {
        const typed = context.state.doc.toString();
        if (context.pos !== typed.length || typed.trim() === '') {
            return null;
        }
        const found = entries().filter((expr) => expr !== typed && expr.includes(typed.trim())).slice(0, HISTORY_OFFERED);
        return found.length === 0 ? null : {
            from: 0,
            options: found.map((expr): Completion => ({ label: expr, section: { name: 'Run before', rank: 1 } })),
        };
    };
}

/* A source has to be the same at every call: what another one finds is forgotten. */
function completing(source: CompletionSource) {
    const data = [{ autocomplete: source }];
    return EditorState.languageData.of(() => data);
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
        promql(initial.variables ? 'masked' : 'plain').asExtension(),
        ...(initial.variables ? [completing(variableSource(() => props.current.variables ?? []))] : []),
        ...(initial.history ? [completing(historySource(() => props.current.history ?? []))] : []),
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
    return <div className="editor" ref={useView(props, extensions, props.autoFocus)} />;
}

export default Editor;
