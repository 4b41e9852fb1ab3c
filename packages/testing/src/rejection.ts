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
