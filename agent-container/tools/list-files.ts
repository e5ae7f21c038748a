import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { pathToRead, shownPath } from './paths.ts';
import { defineTool } from './tool.ts';

const ENTRIES_MAX = 500;
const DEPTH_MAX = 5;
/** Named, but not looked into: nobody wants to see what is in there. */
const CLOSED = new Set(['.git', 'node_modules', '__pycache__', '.venv', 'target']);

export const listFiles = defineTool({
  name: 'list_files',
  description: `Lists what is in a folder of the repository, folders with a slash at the end, down to \`depth\` levels (2 unless told, at most ${DEPTH_MAX}).`,
  input: z.strictObject({ path: z.string().min(1).optional(), depth: z.int().min(1).max(DEPTH_MAX).optional() }),
  reads_only: true,
  run: async ({ path = '.', depth = 2 }, context) => {
    const real = await pathToRead(path, context);
    const lines: string[] = [];
    let more = false;
    // Level by level, so that a large folder deep down does not hide its neighbours.
    let level = [{ dir: real, prefix: '' }];
    for (let at = 0; at < depth && level.length > 0 && !more; at++) {
      const next: typeof level = [];
      for (const { dir, prefix } of level) {
        const entries = await readdir(dir, { withFileTypes: true });
        for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
          if (lines.length >= ENTRIES_MAX) {
            more = true;
            break;
          }
          const name = prefix + entry.name;
          lines.push(entry.isDirectory() ? `${name}/` : entry.isSymbolicLink() ? `${name} (link)` : name);
          if (entry.isDirectory() && !CLOSED.has(entry.name))
            next.push({ dir: join(dir, entry.name), prefix: `${name}/` });
        }
      }
      level = next;
    }
    if (lines.length === 0) return `${path} is empty.`;
    const rest = more ? `\n[Only the first ${ENTRIES_MAX} entries. Give a folder of its own, or a smaller depth.]` : '';
    return `${await shownPath(real, context)}:\n${lines.sort().join('\n')}${rest}`;
  },
});
