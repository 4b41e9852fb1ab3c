/** One way to start the server. */
export interface Cell {
  readonly useOnnx: '0' | '1';
  readonly lightweight: '0' | '1';
  readonly fallbackSpace: '' | 'light';
  readonly model: 'present' | 'absent' | 'corrupt';
  readonly native: 'loads' | 'fails';
  /** EMBEDDING_DIM: that of the model that is asked for, or another. */
  readonly dimension: 'right' | 'wrong';
}

/** What must come of it. */
export type Outcome =
  | { readonly starts: false; readonly code: string }
  | {
      readonly starts: true;
      readonly serves: 'model' | 'light';
      readonly backend: 'onnx' | 'wasm' | 'static';
      readonly status: 'ok' | 'degraded';
    };

const AXES = {
  lightweight: ['0', '1'],
  useOnnx: ['1', '0'],
  fallbackSpace: ['', 'light'],
  model: ['present', 'absent', 'corrupt'],
  native: ['loads', 'fails'],
  dimension: ['right', 'wrong'],
} as const satisfies { readonly [Axis in keyof Cell]: readonly Cell[Axis][] };

/** All of them: 96. */
export function allCells(): readonly Cell[] {
  const { lightweight, useOnnx, fallbackSpace, model, native, dimension } = AXES;
  return lightweight.flatMap((a) =>
    useOnnx.flatMap((b) =>
      fallbackSpace.flatMap((c) =>
        model.flatMap((d) =>
          native.flatMap((e) =>
            dimension.map((f) => ({ lightweight: a, useOnnx: b, fallbackSpace: c, model: d, native: e, dimension: f })),
          ),
        ),
      ),
    ),
  );
}

interface Rule {
  readonly when: Partial<Cell>;
  readonly then: Outcome;
}
const refuses = (code: string): Outcome => ({ starts: false, code });
const serves = (what: 'model' | 'light', backend: 'onnx' | 'wasm' | 'static', status: 'ok' | 'degraded'): Outcome => ({
  starts: true,
  serves: what,
  backend,
  status,
});

/** The first that fits decides; docs/fallback.md has them as a table. */
export const RULES: readonly Rule[] = [
  // The light model alone: nothing else is looked at.
  { when: { lightweight: '1', dimension: 'wrong' }, then: refuses('DIMENSION_MISMATCH') },
  { when: { lightweight: '1' }, then: serves('light', 'static', 'ok') },
  { when: { model: 'absent', fallbackSpace: 'light' }, then: serves('light', 'static', 'degraded') },
  { when: { model: 'absent' }, then: refuses('MODEL_FOLDER_NOT_FOUND') },
  // A mistake of the configuration stops the start, whatever there is to fall back to.
  { when: { dimension: 'wrong' }, then: refuses('DIMENSION_MISMATCH') },
  { when: { model: 'corrupt', fallbackSpace: 'light' }, then: serves('light', 'static', 'degraded') },
  { when: { model: 'corrupt', useOnnx: '0' }, then: refuses('PROBE_MISMATCH') },
  { when: { model: 'corrupt' }, then: refuses('NO_BACKEND') },
  { when: { useOnnx: '0' }, then: serves('model', 'wasm', 'ok') },
  { when: { native: 'fails' }, then: serves('model', 'wasm', 'degraded') },
  { when: {}, then: serves('model', 'onnx', 'ok') },
];

export function expectedOutcome(cell: Cell): Outcome {
  const rule = RULES.find(({ when }) =>
    Object.entries(when).every(([axis, value]) => cell[axis as keyof Cell] === value),
  );
  if (rule === undefined) throw new Error('the last rule fits every cell');
  return rule.then;
}

export function describeCell({ useOnnx, lightweight, fallbackSpace, model, native, dimension }: Cell): string {
  return `USE_ONNX=${useOnnx} LIGHTWEIGHT_EMBEDDING=${lightweight} FALLBACK_SPACE=${fallbackSpace} model ${model}, native ${native}, EMBEDDING_DIM ${dimension}`;
}

export function describeOutcome(outcome: Outcome): string {
  return outcome.starts
    ? `serves the ${outcome.serves === 'model' ? 'model' : 'light model'} on ${outcome.backend}, ${outcome.status}`
    : `refuses to start: ${outcome.code}`;
}
