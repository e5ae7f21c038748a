import type { AgentState } from './agent-repository.ts';
import type { Blob } from './blobs.ts';
import { changedPaths } from './changed-paths.ts';
import { emptyTree } from './diff.ts';
import { splitNul, type Git } from './git.ts';
import { nameOf, namesOf } from './names-of.ts';
import { namedSubmodules } from './submodules.ts';

const MIB = 1024 * 1024;
/** Forges refuse a push with a larger file. */
const FILE_BYTES_MAX = 100 * MIB;
/** How many changed files are searched for conflict markers. */
const SEARCHED_MAX = 500;

type Given = { base_commit: string | null; bases: string[]; commit: string; agent: AgentState };

/** States of a repository that nobody would push as the end of their work. */
export async function odditiesOf(own: Git, { base_commit, bases, commit, agent }: Given): Promise<string[]> {
  const { operation, head } = agent;
  const [markers, links, tree, has_base] = await Promise.all([
    filesWithMarkers(own, bases, commit),
    strayLinks(own, bases, commit),
    own.run(['rev-parse', `${commit}^{tree}`]),
    base_commit === null ? true : own.isAncestor(base_commit, commit),
  ]);
  const all: (string | false | null)[] = [
    operation !== null &&
      operation !== 'merge' &&
      `a ${operation} is not finished: finish it, or end it with git ${operation === 'bisect' ? 'bisect reset' : `${operation} --abort`}`,
    markers.length > 0 && `there are merge conflict markers in ${namesOf(markers)}: resolve the conflicts`,
    links.length > 0 &&
      `${namesOf(links)} is a repository of its own, of which only the number of a commit would be pushed: remove its .git, or leave it out with git rm --cached`,
    has_base === false &&
      `HEAD is at ${head?.slice(0, 12) ?? 'no commit'}, which does not contain the commit ${base_commit?.slice(0, 12)} that the task started from: go back with git reset --soft ${base_commit?.slice(0, 12)}; it keeps your files`,
    tree === (await emptyTree(own)) &&
      base_commit !== null &&
      'every file of the repository is deleted: bring them back',
  ];
  return all.filter((text) => typeof text === 'string');
}

/** Changed files that have the marks of both sides of a conflict. */
async function filesWithMarkers(own: Git, bases: string[], commit: string): Promise<string[]> {
  const changed = await changedPaths(own, bases, commit, ['-G^<<<<<<< ']);
  if (changed.length === 0) return [];
  const paths = changed.slice(0, SEARCHED_MAX).map((path) => `:(top,literal)${path}`);
  const args = ['grep', '-l', '-z', '-I', '-e', '^>>>>>>> ', '--full-name', commit, '--'];
  const { stdout } = await own.try([...args, ...paths]);
  return splitNul(stdout).map((name) => name.slice(commit.length + 1));
}

/** New links to commits of other repositories that `.gitmodules` does not name. */
async function strayLinks(own: Git, bases: string[], commit: string): Promise<string[]> {
  const base = bases[0] ?? (await emptyTree(own));
  const raw = splitNul(await own.run(['diff', '--raw', '-z', '--no-renames', '--no-abbrev', base, commit]));
  const linked = raw.flatMap((line, i) => (/^:\d+ 160000 /.test(line) ? [raw[i + 1] ?? ''] : []));
  if (linked.length === 0) return [];
  const changed = new Set(await changedPaths(own, bases, commit));
  const links = linked.filter((path) => changed.has(path));
  if (links.length === 0) return [];
  const named = await namedSubmodules(own, ['--blob', `${commit}:.gitmodules`]);
  return links.filter((path) => !named.has(path));
}

/** What is wrong with those of the files that a push would add that are above the limit of the forges. */
export function largeFiles(blobs: Blob[]): string[] {
  return blobs
    .filter(({ size }) => size > FILE_BYTES_MAX)
    .map(({ path, size }) => `${nameOf(path)} has ${Math.round(size / MIB)} MiB: forges refuse files above 100 MiB`);
}
