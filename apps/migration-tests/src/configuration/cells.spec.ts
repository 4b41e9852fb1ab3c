import { expect, it } from '@jest/globals';
import { allCells, describeCell, expectedOutcome, RULES, type Cell } from './cells.js';

const usual: Cell = {
  useOnnx: '1',
  lightweight: '0',
  fallbackSpace: '',
  model: 'present',
  native: 'loads',
  dimension: 'right',
};
const light = { starts: true, serves: 'light', backend: 'static' } as const;

it('has every combination once, and every rule decides some', () => {
  const cells = allCells();
  expect(new Set(cells.map(describeCell)).size).toBe(96);
  expect(new Set(cells.map(expectedOutcome)).size).toBe(RULES.length);
});

it('gives the light model to nobody who did not ask for it', () => {
  const served = allCells().filter(
    (cell) => expectedOutcome(cell).starts && JSON.stringify(expectedOutcome(cell)).includes('light'),
  );
  expect(served.every(({ lightweight, fallbackSpace }) => lightweight === '1' || fallbackSpace === 'light')).toBe(true);
  expect(served.length).toBe(24 + 12);
});

it.each<readonly [string, Partial<Cell>, ReturnType<typeof expectedOutcome>]>([
  ['the defaults', {}, { starts: true, serves: 'model', backend: 'onnx', status: 'ok' }],
  ['no native runtime', { native: 'fails' }, { starts: true, serves: 'model', backend: 'wasm', status: 'degraded' }],
  [
    'native not wanted',
    { useOnnx: '0', native: 'fails' },
    { starts: true, serves: 'model', backend: 'wasm', status: 'ok' },
  ],
  ['another dimension', { dimension: 'wrong' }, { starts: false, code: 'DIMENSION_MISMATCH' }],
  ['a corrupt model', { model: 'corrupt' }, { starts: false, code: 'NO_BACKEND' }],
  [
    'a corrupt model with something to fall back to',
    { model: 'corrupt', fallbackSpace: 'light' },
    { ...light, status: 'degraded' },
  ],
  ['no model', { model: 'absent' }, { starts: false, code: 'MODEL_FOLDER_NOT_FOUND' }],
  [
    'the light model, whatever else',
    { lightweight: '1', model: 'corrupt', native: 'fails', useOnnx: '0' },
    { ...light, status: 'ok' },
  ],
])('%s', (_what, changed, outcome) => {
  expect(expectedOutcome({ ...usual, ...changed })).toEqual(outcome);
});
