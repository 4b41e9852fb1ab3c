/**
 * The test runner's functions that the conformance suites use, and no more: `import { afterAll, beforeAll, describe,
 * expect, it } from '@jest/globals'` gives them, and so do other runners. The package itself depends on none.
 */
export interface TestFunctions {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly beforeAll: (body: () => Promise<void>) => unknown;
  readonly afterAll: (body: () => Promise<void>) => unknown;
  readonly expect: (actual: unknown) => Matchers;
}

export interface Matchers {
  /** `Object.is`. */
  toBe(expected: unknown): unknown;
  /** Deep equality. */
  toEqual(expected: unknown): unknown;
  /** Deep equality of the expected object's own fields. */
  toMatchObject(expected: Record<string, unknown>): unknown;
}

/**
 * Why a call failed, or undefined where it did not: `expect(await rejection(() => call())).toMatchObject({ code: … })`.
 */
export async function rejection(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}
