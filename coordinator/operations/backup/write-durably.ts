import { open, rename } from 'node:fs/promises';

/** Writes a small file that only its owner may read: whoever reads it finds the old one or the new one, whole. */
export async function writeDurably(path: string, text: string): Promise<void> {
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
