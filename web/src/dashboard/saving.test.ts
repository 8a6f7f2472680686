import { expect, it } from 'vitest';
import { readDashboard } from '../grafana/model';
import { asNew, isChosenAnew, withView } from './saving';
import type { VariableState } from './variables';

const board = {
    title: 'b', id: 4, uid: 'u', version: 7, time: { from: 'now-6h', to: 'now', own: 1 },
    templating: { list: [
        { name: 'job', type: 'query', multi: true, current: { selected: true, text: ['a'], value: ['a'] }, own: 1 },
        { name: 'env', type: 'custom', query: 'x : 1,y : 2', current: { text: 'x', value: '1' } },
        { name: 'ds', type: 'datasource', query: 'prometheus', current: { text: 'P', value: 'P' } },
    ] },
};
const states = (values: string[][]): VariableState[] => readDashboard(board).variables.map((model, i) => ({ model, options: [{ text: 'y', value: '2' }], choice: { values: values[i]! }, busy: false, error: null }));

it('what is shown and what is chosen are saved when they are asked for, in the form of the file', () => {
    expect(withView(board, {})).toBe(board);
    const saved = withView(board, { time: { from: 'now-1h', to: 'now' }, variables: states([['a', 'b'], ['2'], ['other']]) });
    expect(saved.time).toEqual({ from: 'now-1h', to: 'now', own: 1 });
    expect(saved.templating).toEqual({ list: [
        { ...board.templating.list[0], current: { selected: true, text: ['a', 'b'], value: ['a', 'b'] } },
        { ...board.templating.list[1], current: { text: 'y', value: '2' } },
        board.templating.list[2],
    ] });
    expect(withView(board, { variables: states([['a'], ['1'], ['other']]) })).toEqual(board);
});

it('All is saved as such', () => {
    expect(withView(board, { variables: states([['$__all'], ['1'], []]) }).templating).toMatchObject({ list: [{ current: { text: ['All'], value: ['$__all'] } }, {}, {}] });
    expect(states([['$__all'], ['1'], ['P']]).map(isChosenAnew)).toEqual([true, false, false]);
});

it('another dashboard has no number, uid and version', () => {
    expect(asNew(board, 'copy')).toEqual({ title: 'copy', time: board.time, templating: board.templating });
    expect(asNew({ ...board, editable: false }, 'copy').editable).toBe(true);
});
