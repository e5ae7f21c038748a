import type { AgentState } from './agent-repository.ts';
import { changedPaths } from './changed-paths.ts';
import { emptyTree } from './diff.ts';
import type { Git } from './git.ts';
import { revisions } from './known-commits.ts';
import { namedSubmodules } from './submodules.ts';

/** Forges refuse a push with a larger file. */
const FILE_BYTES_MAX = 100 * 1024 * 1024;
const NAMED_MAX = 10;
const LOG_BYTES_MAX = 64 << 20;

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
    markers.length > 0 && `there are merge conflict markers in ${list(markers)}: resolve the conflicts`,
    links.length > 0 &&
      `${list(links)} is a repository of its own, of which only the number of a commit would be pushed: remove its .git, or leave it out with git rm --cached`,
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
  const paths = changed.map((path) => `:(top,literal)${path}`).join('\0');
  const args = ['grep', '-l', '-z', '-I', '-e', '^>>>>>>> ', '--full-name', commit, '--'];
  const { stdout } = await own.try([...args, ...paths.split('\0').slice(0, 500)]);
  return split(stdout.toString('utf8')).map((name) => name.slice(commit.length + 1));
}

/** New links to commits of other repositories that `.gitmodules` does not name. */
async function strayLinks(own: Git, bases: string[], commit: string): Promise<string[]> {
  const base = bases[0] ?? (await emptyTree(own));
  const raw = split(await own.run(['diff', '--raw', '-z', '--no-renames', '--no-abbrev', base, commit]));
  const linked = raw.flatMap((line, i) => (/^:\d+ 160000 /.test(line) ? [raw[i + 1] ?? ''] : []));
  if (linked.length === 0) return [];
  const changed = new Set(await changedPaths(own, bases, commit));
  const links = linked.filter((path) => changed.has(path));
  if (links.length === 0) return [];
  const named = await namedSubmodules(own, ['--blob', `${commit}:.gitmodules`]);
  return links.filter((path) => !named.has(path));
}

/** The files that a push would add and that are above the limit of the forges. */
export async function largeFiles(own: Git, commit: string, not: string[]): Promise<string[]> {
  const given = { input: revisions(commit, not), stdout_bytes_max: LOG_BYTES_MAX };
  const listed = await own.run(['rev-list', '--objects', '--stdin'], given);
  const objects = listed.split('\n').filter((line) => line !== '');
  const names = new Map(objects.map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]));
  const input = [...names.keys()].join('\n');
  const sizes = await own.run(['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'], { input });
  return sizes.split('\n').flatMap((line) => {
    const [id = '', type, size] = line.split(' ');
    if (type !== 'blob' || Number(size) <= FILE_BYTES_MAX) return [];
    return [`${names.get(id)} has ${Math.round(Number(size) / 1024 / 1024)} MiB: forges refuse files above 100 MiB`];
  });
}

const split = (text: string) => text.split('\0').filter((part) => part !== '');

const list = (paths: string[]) =>
  paths.slice(0, NAMED_MAX).join(', ') + (paths.length > NAMED_MAX ? ` and ${paths.length - NAMED_MAX} more` : '');
