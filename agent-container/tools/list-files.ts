import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { pathToText, resolvePath } from '../base/byte-path.ts';
import { pathToRead, shownPath } from './paths.ts';
import { defineTool } from './tool.ts';

const ENTRIES_MAX = 500;
const DEPTH_MAX = 5;
/** Listed by name, but not opened: their content is not of interest. */
const NOT_OPENED = new Set(['.git', 'node_modules', '__pycache__', '.venv', 'target']);

export const listFiles = defineTool({
  name: 'list_files',
  description:
    'Lists what is in a folder of the repository, folders with a slash at the end, down to `depth` levels (2 by default, at ' +
    `most ${DEPTH_MAX}).`,
  input: z.strictObject({ path: z.string().min(1).optional(), depth: z.int().min(1).max(DEPTH_MAX).optional() }),
  reads_only: true,
  run: async ({ path = '.', depth = 2 }, context) => {
    const real = await pathToRead(path, context);
    const { lines, is_cut } = await list(real, depth);
    if (lines.length === 0) return `${path} is empty.`;
    const note = is_cut ? `\n[Only the first ${ENTRIES_MAX} entries. List a subfolder, or use a smaller depth.]` : '';
    return `${await shownPath(real, context)}:\n${lines.sort().join('\n')}${note}`;
  },
});

/**
 * Lists level by level, so that a large folder deep down does not hide the folders next to it. `at`: where the line of
 * a folder is.
 */
async function list(root: Buffer, depth: number): Promise<{ lines: string[]; is_cut: boolean }> {
  const lines: string[] = [];
  let level = [{ dir: root, prefix: '', at: 0 }];
  for (let depth_left = depth; depth_left > 0 && level.length > 0; depth_left--) {
    const next: typeof level = [];
    for (const { dir, prefix, at } of level) {
      const entries = await sortedEntries(dir).catch((error: unknown) => {
        if (dir === root) throw error;
        lines[at] = `${prefix} (cannot be read)`;
        return [];
      });
      for (const entry of entries) {
        if (lines.length >= ENTRIES_MAX) return { lines, is_cut: true };
        const name = prefix + pathToText(entry.name);
        lines.push(entry.isDirectory() ? `${name}/` : entry.isSymbolicLink() ? `${name} (link)` : name);
        if (entry.isDirectory() && !NOT_OPENED.has(entry.name.toString()))
          next.push({ dir: resolvePath(dir, entry.name), prefix: `${name}/`, at: lines.length - 1 });
      }
    }
    level = next;
  }
  return { lines, is_cut: false };
}

async function sortedEntries(dir: Buffer): Promise<Dirent<Buffer>[]> {
  const entries = await readdir(dir, { withFileTypes: true, encoding: 'buffer' });
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}
