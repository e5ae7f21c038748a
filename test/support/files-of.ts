import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './until.ts';

/**
 * The files below a folder by their paths, as Latin-1, which keeps every byte. A server at work may remove some of
 * them meanwhile: a file that is gone is empty.
 */
export async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await until('no folder goes while they are listed', () =>
    readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined),
  );
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(async ({ parentPath, name }): Promise<[string, string]> => {
    const path = join(parentPath, name);
    return [path, await readFile(path, 'latin1').catch(() => '')];
  });
  return Object.fromEntries(await Promise.all(texts));
}
