import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { checkForm, checkpointForms, formNames, type FormResult } from './check-form.fixture.js';
import { ACCEPTED, NEARNESS, REFUSED } from './expectations.fixture.js';

const forms = formNames(checkpointForms);
const results = new Map<string, FormResult>();

beforeAll(async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'kimera-forms-'));
  const waiting = [...forms];
  const lane = async (): Promise<void> => {
    for (let form = waiting.shift(); form !== undefined; form = waiting.shift())
      results.set(form, await checkForm(checkpointForms, form, scratch, NEARNESS[form]));
  };
  await Promise.all([lane(), lane(), lane()]);
  await rm(scratch, { recursive: true });
}, 300_000);

afterAll(() => results.clear());

/** What is wrong with a result, or undefined. */
function fault({ form, verdict, code, reason }: FormResult): string | undefined {
  const refusal = REFUSED[form];
  if (ACCEPTED[form] !== undefined) return reason === ACCEPTED[form] ? undefined : `${verdict}: ${reason}`;
  if (refusal === undefined) return verdict === 'equal' ? undefined : `${verdict}: ${reason}`;
  if (verdict !== 'refused') return `${verdict}, to be refused: ${reason}`;
  if (refusal.code !== undefined && refusal.code !== code) return `${code ?? ''} instead of ${refusal.code}: ${reason}`;
  return reason.includes(refusal.names) ? undefined : `refused without naming ${refusal.names}: ${reason}`;
}

it.each(forms)('%s: equal to sentence-transformers, or refused by name', (form) => {
  const result = results.get(form);
  expect(result === undefined ? 'not run' : fault(result)).toBeUndefined();
});

it('has no expectation for a form that is not there', () => {
  const named = [...Object.keys(REFUSED), ...Object.keys(NEARNESS), ...Object.keys(ACCEPTED)];
  expect(named.filter((form) => !forms.includes(form))).toEqual([]);
});

it('gives two forms one fingerprint only where the reference gives both the same vectors for every text and prompt', () => {
  const seen = new Map<string, FormResult>();
  const clashes: string[] = [];
  for (const result of results.values()) {
    if (result.verdict !== 'equal' || result.fingerprint === undefined) continue;
    const other = seen.get(result.fingerprint);
    if (other !== undefined && !sameVectors(result, other)) clashes.push(`${result.form} = ${other.form}`);
    seen.set(result.fingerprint, result);
  }
  expect(clashes).toEqual([]);
});

it('verify --against holds for every form that is equal: the conversion and the witness read the same', () => {
  const failed = [...results.values()].flatMap(({ form, verdict, failedLines = [] }) =>
    verdict === 'equal' ? failedLines.map((line) => `${form}: ${line}`) : [],
  );
  expect(failed).toEqual([]);
});

/** Within float rounding, or within that of half precision where the reference computes in it. */
function sameVectors({ expected: a, form }: FormResult, { expected: b, form: otherForm }: FormResult): boolean {
  const tolerance = form in NEARNESS || otherForm in NEARNESS ? 0.1 : 1e-3;
  const rows = (form: typeof a): readonly (readonly number[] | null)[] => [
    ...(form?.vectors ?? []),
    ...(form?.query ?? []),
    ...(form?.document ?? []),
  ];
  const others = rows(b);
  return rows(a).every((row, i) => {
    const other = others[i];
    // A text that the reference refuses is refused, whatever the space.
    if (row === null || other === null || other === undefined) return true;
    return row.length === other.length && row.every((value, j) => Math.abs(value - (other[j] ?? NaN)) < tolerance);
  });
}
