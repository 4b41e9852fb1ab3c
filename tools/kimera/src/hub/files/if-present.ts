const ABSENT = ['ENOENT', 'ENOTDIR'];

/** What `open` gives, or undefined where there is no such file. */
export async function ifPresent<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && ABSENT.includes(String(error.code)))
      return undefined;
    throw error;
  }
}
