/* saving: what is sent to the server when a dashboard is saved, by what the dialog asks. */
import { asRecord, asRecords, type Json } from '../grafana/json';
import { setIn, setMember } from '../grafana/edit/patch';
import type { VariableState } from './variables';
import { ALL_TEXT, ALL_VALUE } from '../grafana/variables';

export interface SaveOptions {
    /* The range that is shown becomes the dashboard's. */
    time?: { from: string; to: string } | undefined;
    /* The values that are chosen become the dashboard's. */
    variables?: readonly VariableState[] | undefined;
}

/* A choice as a file has it. */
function currentOf(state: VariableState): { text: string | string[]; value: string | string[] } {
    const { model, options, choice } = state;
    const isAll = choice.values[0] === ALL_VALUE;
    const texts = isAll ? [ALL_TEXT] : choice.values.map((v) => options.find((o) => o.value === v)?.text ?? v);
    return model.multi ? { text: texts, value: [...choice.values] } : { text: texts[0] ?? '', value: choice.values[0] ?? '' };
}

/** isChosenAnew tells whether a variable's choice differs from the one in the file. */
export function isChosenAnew(state: VariableState): boolean {
    const { model, choice } = state;
    if (choice.values.length === 0 || ['constant', 'datasource', 'adhoc', 'system', 'unknown'].includes(model.type)) {
        return false;
    }
    const stored = [model.current.value].flat();
    return stored.length !== choice.values.length || stored.some((v, i) => v !== choice.values[i]);
}

/** withView gives the dashboard with the range and the choices that are shown. */
export function withView(board: Json, { time, variables }: SaveOptions): Json {
    let result = board;
    if (time) {
        result = setMember(result, 'time', { ...asRecord(board.time), from: time.from, to: time.to });
    }
    const list = asRecords(asRecord(board.templating).list);
    for (const state of variables ?? []) {
        const at = list.findIndex((v) => v.name === state.model.name);
        if (at >= 0 && isChosenAnew(state)) {
            result = setIn(result, ['templating', 'list', at, 'current'], { ...asRecord(list[at]!.current), ...currentOf(state) });
        }
    }
    return result;
}

/** asNew gives the dashboard as another one: without what belongs to the stored one alone, and editable. */
export function asNew(board: Json, title: string): Json {
    const free = board.editable === false ? setMember(board, 'editable', true) : board;
    return setMember(Object.fromEntries(Object.entries(free).filter(([key]) => !['id', 'uid', 'version'].includes(key))), 'title', title);
}
