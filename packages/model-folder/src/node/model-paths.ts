import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of model folders: the folder itself, or those right below it, by name; none where there is no such folder. */
export async function modelPaths(folder: string): Promise<readonly string[]> {
  if (await isFile(join(folder, 'space.json'))) return [folder];
  const names = await readdir(folder).catch(() => []);
  const paths: string[] = [];
  for (const name of names.sort()) if (await isFile(join(folder, name, 'space.json'))) paths.push(join(folder, name));
  return paths;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
}
