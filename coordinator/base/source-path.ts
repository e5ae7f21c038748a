import { fileURLToPath } from 'node:url';

/** The checkout. Both this file and the bundle of the server (see `.bundle`) are two folders below it. */
const ROOT = new URL('../../', import.meta.url);

/** The path of a file or folder of the checkout, by its path from the root. */
export function sourcePath(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}
