import { configurationProblems, ENVIRONMENT } from '@kimera/serving';
import type { Finding } from './finding.js';

/** Prefixes of our names: a variable with one that nothing reads is probably misspelt. */
const OURS = /^(KIMERA_|EMBEDDING_|ONNX_|LIGHT|FALLBACK_SPACE|USE_ONNX|MAX_EMBEDDING)/;

/** The variables that are set, what is wrong with them, and those that nothing reads. */
export function environmentFindings(environment: Readonly<Record<string, string | undefined>>): readonly Finding[] {
  const problems = configurationProblems(environment);
  const set = ENVIRONMENT.filter(({ name }) => environment[name] !== undefined);
  const findings = set.map(({ name, meaning, isSecret }): Finding => {
    const problem = problems.find(({ variable }) => variable === name);
    const value = isSecret === true ? '(set)' : (environment[name] ?? '');
    return problem === undefined
      ? { area: 'environment', what: name, state: 'fine', value, advice: meaning }
      : {
          area: 'environment',
          what: name,
          state: 'problem',
          value,
          advice: `expected ${problem.expected}: ${meaning}`,
        };
  });
  const others = problems
    .filter(({ variable }) => !set.some(({ name }) => name === variable))
    .map(({ variable, value, expected }): Finding => ({
      area: 'environment',
      what: variable,
      state: 'problem',
      value: value ?? '(not shown)',
      advice: `expected ${expected}`,
    }));
  const known = new Set(ENVIRONMENT.map(({ name }) => name));
  const unknown = Object.keys(environment)
    .filter((name) => OURS.test(name) && !known.has(name))
    .sort()
    .map((name): Finding => ({
      area: 'environment',
      what: name,
      state: 'note',
      value: '(set)',
      advice: 'nothing reads it: is it misspelt?',
    }));
  if (findings.length + others.length + unknown.length === 0)
    return [{ area: 'environment', what: 'variables', state: 'fine', value: 'none is set: all have their defaults' }];
  return [...findings, ...others, ...unknown];
}
