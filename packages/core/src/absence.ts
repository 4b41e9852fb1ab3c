/** Whether an error of the operating system says that a path leads to nothing, or through a file as if it were a folder. */
export function isAbsence(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}

/** What `open` gives, or undefined where there is no such file. */
export async function ifPresent<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
