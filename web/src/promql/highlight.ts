/* highlight: the colours of what is written in an editor. */
import { HighlightStyle } from '@codemirror/language';
import { tags } from '@lezer/highlight';

export const colors = HighlightStyle.define([
    { tag: tags.number, color: 'var(--ed-number)' },
    { tag: tags.string, color: 'var(--ed-string)' },
    { tag: tags.keyword, color: 'var(--ed-keyword)' },
    { tag: [tags.function(tags.variableName), tags.standard(tags.variableName)], color: 'var(--ed-function)' },
    { tag: [tags.labelName, tags.propertyName], color: 'var(--ed-label)' },
    { tag: [tags.operator, tags.operatorKeyword, tags.modifier], color: 'var(--ed-keyword)' },
    { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
    { tag: [tags.paren, tags.squareBracket, tags.brace, tags.bracket], color: 'var(--muted)' },
    { tag: tags.invalid, color: 'var(--bad)' },
]);
