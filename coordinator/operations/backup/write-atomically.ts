import { open, rename } from 'node:fs/promises';

/** Writes a small file that only its owner may read. A reader, or a restart, finds the old content or the new. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const unfinished = `${path}.unfinished`;
  const file = await open(unfinished, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
}
