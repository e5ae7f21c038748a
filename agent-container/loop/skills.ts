import { readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { nameOf } from '../git/names-of.ts';
import type { Secrets } from '../base/secrets.ts';
import { readText, realPathInside } from '../tools/repository-text.ts';

/** Where repositories keep their skills: https://agentskills.io, and the folders that coding agents read. */
const FOLDERS = ['.claude/skills', '.agents/skills', '.github/skills'];
const SKILLS_MAX = 50;
const TEXT_CHARS_MAX = 12_000;
/** A name has 64 characters at most, and a description 1,024. */
const HEAD_CHARS_MAX = 1_500;
/** The YAML between the first two lines of dashes. It has the skill's name, and when to use it. */
const HEAD = /^\uFEFF?---\r?\n([^]*?)\r?\n---\s*(?:\r?\n|$)/;

/**
 * The skills of the repositories in these folders: the head of each SKILL.md, labelled with its path from the first
 * folder, without secrets. Null if there are none. The model reads the rest where it needs it. Of too many, or too
 * long ones, it says so. Never rejects: a file that has no head, or cannot be read, is left out.
 */
export async function listSkills(dirs: readonly string[], secrets: Secrets): Promise<string | null> {
  const [first = '.'] = dirs;
  const skills: string[] = [];
  let chars = 0;
  for (const dir of dirs) {
    const root = await realpath(dir).catch(() => dir);
    for (const [path, head] of await headsIn(root)) {
      const shown = nameOf(join(relative(first, dir), path));
      const skill = secrets.redact(`<skill path="${shown}">\n${head}\n</skill>`);
      chars += skill.length;
      if (skills.length === SKILLS_MAX || chars > TEXT_CHARS_MAX) return `${skills.join('\n')}\n${MORE}`;
      skills.push(skill);
    }
  }
  return skills.length === 0 ? null : skills.join('\n');
}

const MORE = `[There are more: look into ${FOLDERS.join(', ')}.]`;

/** The heads of a repository's skills by their paths in it, each file once. */
async function headsIn(root: string): Promise<Map<string, string>> {
  const heads = new Map<string, string>();
  for (const folder of FOLDERS) {
    const names: string[] = await readdir(join(root, folder)).catch(() => []);
    for (const name of names.sort().slice(0, SKILLS_MAX + 1)) {
      const real = await realPathInside(root, join(root, folder, name, 'SKILL.md'));
      const head = real === undefined ? undefined : await readHead(real);
      if (real !== undefined && head !== undefined) heads.set(relative(root, real), head);
    }
  }
  return heads;
}

async function readHead(real: string): Promise<string | undefined> {
  const head = HEAD.exec((await readText(real)) ?? '')?.[1]?.trim();
  return head?.slice(0, HEAD_CHARS_MAX).toWellFormed();
}
