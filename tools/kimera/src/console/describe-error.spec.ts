import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { KimeraError, type ErrorKind } from '@kimera/core';
import { InputNotFoundError, ModelNotFoundError, StoppedError, UsageError } from '../errors.js';
import { describeError } from './describe-error.js';
import { HINTS, SYSTEM_ERRORS } from './error-table.js';

const scratch = mkdtempSync(join(tmpdir(), 'kimera-errors-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An error of any code and kind. */
class SomeError extends KimeraError {
  constructor(
    readonly code: string,
    readonly kind: ErrorKind,
  ) {
    super('what happened');
  }
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new TypeError('nothing was thrown');
}

describe('describeError', () => {
  const cases: readonly (readonly [what: string, error: KimeraError, exitCode: number, code: string])[] = [
    ['a wrong call', new UsageError('no'), 64, 'USAGE'],
    ['a stop', new StoppedError('stopped'), 3, 'STOPPED'],
    ['a file that is not there', new InputNotFoundError('/x'), 1, 'INPUT_NOT_FOUND'],
    ['a model that is not there', new ModelNotFoundError('/x', 'x', ['a/b']), 1, 'MODEL_NOT_FOUND'],
    ['what is refused', new SomeError('OUTPUT_EXISTS', 'refused'), 2, 'OUTPUT_EXISTS'],
    ['a fault of the runtime', new SomeError('INFERENCE', 'internal'), 1, 'INFERENCE'],
    ['a folder with other vectors than it promises', new SomeError('PROBE_NORM', 'internal'), 2, 'PROBE_NORM'],
    ['an int8 variant that is too far off', new SomeError('FIDELITY', 'internal'), 2, 'FIDELITY'],
    ['a busy database', new SomeError('STORE_BUSY', 'retryable'), 1, 'STORE_BUSY'],
    ['a code that no table has', new SomeError('OF_A_NEWER_VERSION', 'refused'), 2, 'OF_A_NEWER_VERSION'],
    ['a code with the name of a property of every object', new SomeError('toString', 'caller'), 1, 'toString'],
  ];
  it.each(cases)('%s', (_what, error, exitCode, code) => {
    expect(describeError(error)).toMatchObject({ exitCode, code });
  });

  it('takes an error that is not of this project for a fault inside', () => {
    expect(describeError(new TypeError('x is not a function'))).toEqual({
      exitCode: 1,
      code: 'INTERNAL',
      message: 'TypeError: x is not a function (KIMERA_DEBUG=1 shows where)',
    });
    expect(describeError('text')).toEqual({ exitCode: 1, code: 'INTERNAL', message: 'text' });
  });

  it('says in plain words, with the path, what the system refused', () => {
    expect(describeError(thrownBy(() => readFileSync(join(scratch, 'no'))))).toMatchObject({
      exitCode: 1,
      code: 'ENOENT',
      message: `there is no file or folder ${join(scratch, 'no')}`,
    });
    expect(describeError(thrownBy(() => readFileSync(scratch)))).toMatchObject({ code: 'EISDIR' });
    writeFileSync(join(scratch, 'file'), '');
    expect(describeError(thrownBy(() => readFileSync(join(scratch, 'file/below'))))).toMatchObject({
      code: 'ENOTDIR',
      message: `${join(scratch, 'file/below')} leads through a file as if it were a folder`,
    });
  });

  it('names the port that another process has', async () => {
    const server = createServer();
    const second = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const error = await new Promise<unknown>((resolve) => second.once('error', resolve).listen(port, '127.0.0.1'));
    await new Promise((resolve) => server.close(resolve));
    expect(describeError(error)).toMatchObject({
      code: 'EADDRINUSE',
      message: `another process listens on 127.0.0.1, port ${port}`,
      hint: SYSTEM_ERRORS.EADDRINUSE.hint,
    });
  });

  it('of the system that has no words here keeps its own', () => {
    const error = Object.assign(new Error('EXDEV: cross-device link not permitted'), {
      code: 'EXDEV',
      syscall: 'link',
    });
    expect(describeError(error)).toEqual({ exitCode: 1, code: 'EXDEV', message: error.message });
  });
});

describe('hints', () => {
  it('are one line each and name only commands and options that are there', async () => {
    const { createProgram } = await import('../program.js');
    const { commandContext } = await import('../run-kimera.fixture.js');
    const hints = Object.values(HINTS).filter((hint) => hint !== null);
    expect(hints.filter((hint) => hint.length > 120 || hint.includes('\n'))).toEqual([]);
    const calls = hints.flatMap((hint) => [...hint.matchAll(/kimera ((?:[a-z]+ ?)+)/g)].map(([, words = '']) => words));
    expect(calls.length).toBeGreaterThan(20);
    for (const call of new Set(calls)) {
      const [first = '', second] = call.trim().split(' ');
      const program = await createProgram(commandContext(scratch), [first]);
      const command = program.commands.find((each) => each.name() === first);
      expect(command?.name()).toBe(first);
      if (command?.commands.length !== 0 && second !== undefined)
        expect(command?.commands.map((each) => each.name())).toContain(second);
    }
  });
});
