import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { NativeRuntimeError } from './errors.js';

const probeSchema = z.object({ version: z.string(), executionProviders: z.array(z.string()), exactInt8: z.boolean() });

/** What the native runtime of this machine is. */
export type NativeProbe = z.infer<typeof probeSchema>;

/** Milliseconds: it takes a fifth of a second, and seconds on a machine that is busy. */
const TIMEOUT = 60_000;

/** The process was not even started: forbidden, or no room for one. */
const NOT_STARTED = ['EACCES', 'EPERM', 'EAGAIN', 'ENOMEM'];

let known: Promise<NativeProbe | undefined> | undefined;

/**
 * Runs a small graph in a process of its own, once for this process where it went well. Undefined where no process may
 * be started: then nothing is known.
 * @throws NativeRuntimeError.
 */
export function probeNative(): Promise<NativeProbe | undefined> {
  known ??= run().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

function run(): Promise<NativeProbe | undefined> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [fileURLToPath(new URL('../dist/native-probe.js', import.meta.url)), INT8_SELF_TEST],
      { timeout: TIMEOUT, env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } },
      (error, stdout, stderr) => {
        if (error === null) {
          const probe = lastLine(stdout);
          if (probe === undefined)
            reject(new NativeRuntimeError('the process that loaded it said nothing that is understood'));
          else resolve(probe);
          return;
        }
        if (typeof error.code === 'string' && NOT_STARTED.includes(error.code)) resolve(undefined);
        else if (error.killed === true)
          reject(new NativeRuntimeError(`the process that loads it did not end within ${TIMEOUT / 1000} s`));
        else
          reject(
            new NativeRuntimeError(
              // Null where the process ended by itself, whatever the types of Node say.
              typeof error.signal === 'string'
                ? `the process that loaded it ended by ${error.signal}`
                : lastError(stderr),
            ),
          );
      },
    );
  });
}

/** Undefined where it is not a probe's. */
function lastLine(stdout: string): NativeProbe | undefined {
  try {
    return probeSchema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  } catch {
    return undefined;
  }
}

/** Of what Node prints about an error that nobody caught. */
function lastError(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => /^(\w*Error|Error)\b.*:/.test(line)) ??
    lines.find((line) => line !== '') ??
    'it ended without a word'
  );
}

/**
 * The self-test of 8-bit variants (packages/converter/src/int8/self-test-graph.ts), base64: a graph that every ONNX
 * Runtime must be able to run.
 */
export const INT8_SELF_TEST =
  'CAgSBmtpbWVyYTqVCwpUCgFhCgJjMAoCYzEKAmMxCgJjMhICdjAaFk1hdE11bEludGVnZXJUb0Zsb2F0XzAiFE1hdE11bEludGVnZXJUb0Zsb2F0Og1jb20ubWljcm9zb2Z0ChgKAnYwCgJjMxICdjEaBVN1Yl8xIgNTdWIKFAoCdjESAnYyGgVBYnNfMiIDQWJzCjUKAnYyCgJjNBICdjMaC1JlZHVjZU1heF8zIglSZWR1Y2VNYXgqDwoIa2VlcGRpbXMYAKABAgocCgJ2MwoCYzUSAnY0GgdFcXVhbF80IgVFcXVhbAohCgJ2NBIFaG9sZHMaCklkZW50aXR5XzUiCElkZW50aXR5Eg5pbnQ4LXNlbGYtdGVzdCqNCAhACBAQA0ICYzBKgAh/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/KgwQAUICYzFKBAAAgD8qCRACQgJjMkoBgCoMEAFCAmMzSgQABHxJKhoIAhAHQgJjNEoQAAAAAAAAAAABAAAAAAAAACoMEAFCAmM1SgQAAAAAWhMKAWESDgoMCAISCAoCCAEKAghAYg8KBWhvbGRzEgYKBAgJEgBCBAoAEBJCEQoNY29tLm1pY3Jvc29mdBAB';
