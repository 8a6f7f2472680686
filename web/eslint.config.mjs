/* The rules that keep web/src in layers: an import goes down the list LAYERS, and each big library has one owner. */
import path from 'node:path';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const LAYERS = ['pages', 'panels', 'dashboard', 'promql', 'draw', 'ui', 'grafana', 'api'];
/* Folders whose subfolders are lazy chunks: one must not pull in another. */
const CHUNKED = ['pages', 'panels'];
const OWNERS = [
    { pattern: /^(@codemirror\/|@lezer\/|@prometheus-io\/)/, owner: 'promql' },
    { pattern: /^uplot/, owner: 'draw' },
    { pattern: /^@mantine\//, owner: 'ui' },
];
/* Pure folders: no React, no DOM. */
const PURE = ['grafana', 'api'];

function place(file, root) {
    const parts = path.relative(path.join(root, 'src'), file).split(path.sep);
    const inLayer = parts.length > 1 || LAYERS.includes(parts[0]);
    return parts[0] === '..' ? null : { layer: inLayer ? parts[0] : '', sub: parts.length > 2 ? parts[1] : '' };
}

const down = {
    meta: { type: 'problem', schema: [] },
    create(context) {
        const root = context.cwd;
        const here = place(context.filename, root);
        function check(node) {
            const target = node.source?.value;
            if (!here || typeof target !== 'string') {
                return;
            }
            const isTest = /\.test\.tsx?$/.test(context.filename);
            if (!target.startsWith('.')) {
                for (const { pattern, owner } of OWNERS) {
                    if (pattern.test(target) && here.layer !== owner) {
                        context.report({ node, message: `${target} is imported by src/${owner} alone` });
                    }
                }
                if (PURE.includes(here.layer) && /^(react|zustand|wouter)/.test(target) && !isTest) {
                    context.report({ node, message: `src/${here.layer} is pure: no ${target} there` });
                }
                return;
            }
            const there = place(path.resolve(path.dirname(context.filename), target), root);
            if (!there || here.layer === '') {
                return;
            }
            if (there.layer === '' && !isTest) {
                context.report({ node, message: 'the entry is imported by nobody' });
            } else if (there.layer !== here.layer && LAYERS.indexOf(there.layer) < LAYERS.indexOf(here.layer)) {
                context.report({ node, message: `src/${here.layer} must not import src/${there.layer}, which is above it` });
            } else if (there.layer === here.layer && CHUNKED.includes(here.layer) && here.sub !== '' && there.sub !== '' && there.sub !== here.sub) {
                context.report({ node, message: `${here.layer}/${here.sub} and ${there.layer}/${there.sub} are chunks of their own` });
            }
        }
        return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
    },
};

const lines = {
    files: ['src/**/*.{ts,tsx}', 'test/**/*.{ts,tsx}'],
    rules: {
        'max-lines': ['error', 1000],
        'no-eval': 'error',
        'no-restricted-syntax': [
            'error',
            { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'outside text stays text: only ui/Html.tsx, which sanitises, may do this' },
            { selector: "AssignmentExpression[left.property.name='innerHTML']", message: 'outside text stays text' },
        ],
        eqeqeq: ['error', 'always'],
    },
};

export default tseslint.config(
    { ignores: ['dist', 'node_modules'] },
    ...tseslint.configs.recommended,
    { plugins: { 'react-hooks': hooks, layers: { rules: { down } } } },
    {
        files: ['src/**/*.{ts,tsx}'],
        rules: {
            'layers/down': 'error',
            'react-hooks/rules-of-hooks': 'error',
            'react-hooks/exhaustive-deps': 'error',
            '@typescript-eslint/consistent-type-imports': 'error',
            '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
        },
    },
    lines,
    { files: ['src/ui/Html.tsx'], rules: { 'no-restricted-syntax': 'off' } },
);
