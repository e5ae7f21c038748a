import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Secrets } from '../base/secrets.ts';
import { readText, realPathInside } from '../tools/repository-text.ts';

const NAMES = /^(agents|claude|copilot-instructions)\.md$/i;
/** Where a repository may have the instructions for all of it. */
const ROOT_FOLDERS = ['', '.claude', '.github'];
const TEXT_CHARS_MAX = 32_000;
const IMPORT_DEPTH_MAX = 4;
const FILES_MAX = 20;
const FOLDERS_MAX = 100;
/** `@docs/style.md`, at the start of a line or after a space. */
const IMPORT = /(?<=^|\s)@([\w./-]+\.\w+)/gm;
/** Imports in code are not followed. */
const CODE = /```[^]*?(```|$)|`[^`\n]*`/g;

type Wanted = {
  /** The folders of a repository, relative to its root. */
  foldersIn: (dir: string) => string[];
  /** Whether the model has read the file with this label already. */
  isKnown: (label: string) => boolean;
  secrets: Secrets;
};

/**
 * The own instructions of the repositories in these folders: AGENTS.md, CLAUDE.md and copilot-instructions.md at the
 * root of each, in .claude or in .github, and the files in the same repository that they import, each labelled with its
 * path from the first, without secrets. Null if there are none. Text that is too long is cut, and says so. Never
 * rejects: a file that cannot be read is left out.
 */
export async function readInstructions(dirs: readonly string[], secrets: Secrets): Promise<string | null> {
  return inEach(dirs, { foldersIn: () => ROOT_FOLDERS, isKnown: () => false, secrets });
}

/**
 * The same for the folders that lead to these paths, which are relative to the first repository or absolute, without
 * the roots.
 */
export async function readNestedInstructions(
  dirs: readonly string[],
  paths: string[],
  { isKnown, secrets }: Pick<Wanted, 'isKnown' | 'secrets'>,
): Promise<string | null> {
  const [first = '.'] = dirs;
  const foldersIn = (dir: string) => paths.flatMap((path) => foldersTo(relative(dir, resolve(first, path))));
  return inEach(dirs, { foldersIn: (dir) => [...new Set(foldersIn(dir))].slice(0, FOLDERS_MAX), isKnown, secrets });
}

/** The instructions in some folders of each repository. */
async function inEach(dirs: readonly string[], { foldersIn, isKnown, secrets }: Wanted): Promise<string | null> {
  const [first = '.'] = dirs;
  const parts: string[] = [];
  for (const dir of dirs) {
    const shown = (path: string) => join(relative(first, dir), path);
    const known = (path: string) => isKnown(labelOf(shown(path)));
    const root = await realpath(dir).catch(() => dir);
    const texts = await instructionsIn(foldersIn(dir), { root, isKnown: known });
    if (texts.size > 0) parts.push(format(texts, { shown, secrets }));
  }
  return parts.length === 0 ? null : parts.join('\n\n');
}

/** How a file is labelled in the text. */
const labelOf = (path: string): string => `<file path="${path}">`;

/** The folders from the root, which is left out, down to a path, which may be a folder itself; the first of many. */
function foldersTo(path: string): string[] {
  if (path.startsWith('..')) return [];
  const names = path
    .split(sep)
    .filter((name) => name !== '')
    .slice(0, FOLDERS_MAX);
  return names.map((_, i) => names.slice(0, i + 1).join(sep));
}

/** A repository, and whether the model has read the file at a path in it, which has no links. */
type Searched = { root: string; isKnown: (path: string) => boolean };

async function instructionsIn(folders: string[], repository: Searched): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of folders) {
    const path = join(repository.root, folder);
    const names = (await readdir(path).catch(() => [])).filter((name) => NAMES.test(name)).sort();
    for (const name of names) await collect(join(path, name), { ...repository, texts });
  }
  return texts;
}

type Format = { shown: (path: string) => string; secrets: Secrets };

function format(texts: Map<string, string>, { shown, secrets }: Format): string {
  const sections = [...texts].map(([path, text]) => `${labelOf(shown(path))}\n${secrets.redact(text.trim())}\n</file>`);
  const instructions = sections.join('\n\n').toWellFormed();
  if (instructions.length <= TEXT_CHARS_MAX) return instructions;
  const head = instructions.slice(0, TEXT_CHARS_MAX).toWellFormed();
  return `${head}\n[The instructions are longer: read the rest in their files.]`;
}

/**
 * Adds a file and its imports to `texts`, unless it is outside of the repository, known or already there. It goes by
 * the path behind all links.
 */
async function collect(
  path: string,
  { root, isKnown, texts, depth = 0 }: Searched & { texts: Map<string, string>; depth?: number },
): Promise<void> {
  if (texts.size >= FILES_MAX) return;
  const real = await realPathInside(root, path);
  if (real === undefined) return;
  const name = relative(root, real);
  if (texts.has(name) || isKnown(name)) return;
  const text = await readText(real);
  if (text === undefined || text.trim() === '') return;
  texts.set(name, text);
  if (depth === IMPORT_DEPTH_MAX) return;
  for (const [, imported] of text.replace(CODE, '').matchAll(IMPORT))
    if (imported !== undefined)
      await collect(join(dirname(real), imported), { root, isKnown, texts, depth: depth + 1 });
}
