import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { openFile } from '../tools/paths.ts';

const NAMES = /^(agents|claude)\.md$/i;
const TEXT_CHARS_MAX = 32_000;
const FILE_BYTES_MAX = 256 * 1024;
const IMPORT_DEPTH_MAX = 4;
const FILES_MAX = 20;
const FOLDERS_MAX = 100;
/** `@docs/style.md`, at the start of a line or after a space. */
const IMPORT = /(?<=^|\s)@([\w./-]+\.\w+)/gm;
/** Imports in code are not followed. */
const CODE = /```[^]*?(```|$)|`[^`\n]*`/g;

/**
 * The repository's own instructions: AGENTS.md and CLAUDE.md at its root, and the files in the repository that they
 * import, each labelled with its path. Null if there are none. Text that is too long is cut, and says so. Never
 * rejects: a file that cannot be read is left out.
 */
export async function readInstructions(repo_dir: string): Promise<string | null> {
  return format(await instructionsIn(await realpath(repo_dir), [''], () => false));
}

/**
 * The same for the folders that lead to these paths, which are relative to the repository or absolute, without the root.
 * `isKnown`: whether the model has read the file with this label already.
 */
export async function readNestedInstructions(
  repo_dir: string,
  paths: string[],
  isKnown: (label: string) => boolean,
): Promise<string | null> {
  const root = await realpath(repo_dir);
  const folders = paths.flatMap((path) => foldersTo(relative(repo_dir, resolve(repo_dir, path))));
  return format(await instructionsIn(root, [...new Set(folders)].slice(0, FOLDERS_MAX), isKnown));
}

/** How a file is labelled in the text. */
const labelOf = (path: string): string => `<file path="${path}">`;

/** The folders from the root, which is left out, down to a path: it may be a folder itself. */
function foldersTo(path: string): string[] {
  if (path.startsWith('..')) return [];
  const names = path.split(sep).filter((name) => name !== '');
  return names.map((_, i) => names.slice(0, i + 1).join(sep));
}

async function instructionsIn(
  root: string,
  folders: string[],
  isKnown: (label: string) => boolean,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of folders) {
    const names = (await readdir(join(root, folder)).catch(() => [])).filter((name) => NAMES.test(name)).sort();
    for (const name of names)
      if (!isKnown(labelOf(join(folder, name)))) await collect(root, join(root, folder, name), 0, texts);
  }
  return texts;
}

function format(texts: Map<string, string>): string | null {
  if (texts.size === 0) return null;
  const sections = [...texts].map(([path, text]) => `${labelOf(path)}\n${text.trim()}\n</file>`);
  const instructions = sections.join('\n\n').toWellFormed();
  if (instructions.length <= TEXT_CHARS_MAX) return instructions;
  const head = instructions.slice(0, TEXT_CHARS_MAX).toWellFormed();
  return `${head}\n[The instructions are longer: read the rest in their files.]`;
}

/** Adds a file and its imports to `texts`, unless it is outside of the repository or already there. */
async function collect(root: string, path: string, depth: number, texts: Map<string, string>): Promise<void> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined || !real.startsWith(root + sep) || texts.size >= FILES_MAX) return;
  const name = relative(root, real);
  if (texts.has(name)) return;
  const text = await readText(real);
  if (text === undefined || text.trim() === '') return;
  texts.set(name, text);
  if (depth === IMPORT_DEPTH_MAX) return;
  for (const [, imported] of text.replace(CODE, '').matchAll(IMPORT))
    if (imported !== undefined) await collect(root, join(dirname(real), imported), depth + 1, texts);
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
