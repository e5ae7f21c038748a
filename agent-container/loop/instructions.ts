import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { openFile } from '../tools/paths.ts';

const NAMES = /^(agents|claude)\.md$/i;
const TEXT_CHARS_MAX = 32_000;
const FILE_BYTES_MAX = 256 * 1024;
const HOPS_MAX = 4;
const FILES_MAX = 20;
/** `@docs/style.md` at the start of a line or after a space; a code span before it keeps it from being one. */
const IMPORT = /(?<=^|\s)@([\w./-]+\.\w+)/gm;

/**
 * The repository's own instructions: AGENTS.md and CLAUDE.md at its root, with what they import from within it, labelled with where each part is from. Null
 * where there are none. What is too long is cut, and says so. Never rejects: a file that cannot be read is left out.
 */
export async function readInstructions(repo_dir: string): Promise<string | null> {
  const root = await realpath(repo_dir);
  const names = (await readdir(root).catch(() => [])).filter((name) => NAMES.test(name)).sort();
  const parts = new Map<string, string>();
  for (const name of names) await collect(root, join(root, name), 0, parts);
  if (parts.size === 0) return null;
  const sections = [...parts].map(([path, text]) => `<file path="${path}">\n${text.trim()}\n</file>`);
  const whole = sections.join('\n\n').toWellFormed();
  return whole.length <= TEXT_CHARS_MAX
    ? whole
    : `${whole.slice(0, TEXT_CHARS_MAX).toWellFormed()}\n[The instructions are longer: read the rest in their files.]`;
}

async function collect(root: string, path: string, hops: number, parts: Map<string, string>): Promise<void> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined || !real.startsWith(root + sep) || parts.size >= FILES_MAX) return;
  const name = relative(root, real);
  if (parts.has(name)) return;
  const text = await readText(real);
  if (text === undefined || text.trim() === '') return;
  parts.set(name, text);
  if (hops === HOPS_MAX) return;
  const prose = text.replace(/```[^]*?(```|$)|`[^`\n]*`/g, '');
  for (const [, imported] of prose.matchAll(IMPORT))
    if (imported !== undefined) await collect(root, join(dirname(real), imported), hops + 1, parts);
}

async function readText(real: string): Promise<string | undefined> {
  try {
    const { file, size } = await openFile(real);
    try {
      return size > FILE_BYTES_MAX ? undefined : await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
