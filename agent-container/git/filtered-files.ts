import { LIMITS } from '../../protocol/limits.ts';
import { readAttributes } from './attributes.ts';
import { changedPaths } from './changed-paths.ts';
import type { Git } from './git.ts';
import { parsePointer, POINTER_BYTES_MAX, type LfsBlob } from './lfs-blobs.ts';
import { otherLfsServer } from './lfs-config.ts';
import { namesOf } from './names-of.ts';
import type { Repositories } from './repositories.ts';

const PATHS_MAX = 20_000;

/** What a push adds to `bases`. `pushed`: its new blobs. */
type Pushed = { bases: string[]; commit: string; pushed: LfsBlob[]; repo_url: string };

/**
 * Changed files that would reach the forge in the wrong form: files of Git LFS, whose contents belong to a store beside
 * the repository, and files for which a program (`filter`) has to run that does not run here.
 */
export async function filteredFiles(
  { own, agents }: Repositories,
  { bases, commit, pushed, repo_url }: Pushed,
): Promise<string[]> {
  const changed = await changedPaths(own, bases, commit);
  if (changed.length === 0) return [];
  const by_filter = new Map<string, string[]>();
  for (const [path, [filter = '']] of await readAttributes(own, changed.slice(0, PATHS_MAX), ['filter']))
    if (filter !== 'unspecified' && filter !== 'unset' && filter !== 'set')
      by_filter.set(filter, [...(by_filter.get(filter) ?? []), path]);
  const texts: string[] = [];
  for (const [filter, paths] of by_filter) {
    if (filter !== 'lfs') texts.push(...(await filterTexts(agents, filter, paths)));
    else {
      const other = await otherLfsServer(own, commit, repo_url);
      const may_upload = own.has_lfs && other === null;
      texts.push(...(may_upload ? lfsTexts(paths, pushed) : await pointerTexts(own, { bases, commit }, paths, other)));
    }
  }
  return texts;
}

/** What is wrong with the pushed files of Git LFS. An empty file is its own pointer. */
function lfsTexts(paths: string[], pushed: LfsBlob[]): string[] {
  const of_lfs = new Set(paths);
  const raw = pushed.filter(({ path, size, pointer }) => of_lfs.has(path) && pointer === null && size > 0);
  const large = pushed.filter(({ pointer }) => pointer !== null && pointer.size > LIMITS.lfs_object_bytes_max);
  const named = (blobs: LfsBlob[]) => namesOf([...new Set(blobs.map(({ path }) => path))]);
  return [
    ...(raw.length === 0
      ? []
      : [
          `${named(raw)} is stored with Git LFS (.gitattributes), but one of your commits has its content in place of a pointer: git reset --soft to the commit before it is enough, since a commit is made for you`,
        ]),
    ...(large.length === 0
      ? []
      : [`${named(large)} is above ${LIMITS.lfs_object_bytes_max / 1024 / 1024} MiB, the most for a file of Git LFS`]),
  ];
}

/**
 * What is wrong with files of Git LFS where nothing can be uploaded. `other`: the LFS server that the repository
 * names.
 */
async function pointerTexts(
  own: Git,
  { bases, commit }: Pick<Pushed, 'bases' | 'commit'>,
  paths: string[],
  other: string | null,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const path of paths.slice(0, 200)) if (!(await isKnownPointer(own, commit, bases, path))) wrong.push(path);
  if (wrong.length === 0) return [];
  const where = other === null ? '.gitattributes' : `.gitattributes, at ${other} by .lfsconfig`;
  return [
    `${namesOf(wrong)} is stored with Git LFS (${where}), to which Errand cannot upload: leave it as it was, or store it without LFS (git rm --cached, and a line "<path> !filter !diff !merge" in .gitattributes)`,
  ];
}

/** What is wrong with files for which another program than that of Git LFS has to run. */
async function filterTexts(agents: Git, filter: string, paths: string[]): Promise<string[]> {
  const { code } = await agents.try(['config', `filter.${filter}.clean`], { time_limit_ms: 30_000 });
  if (code !== 0 && filter !== 'git-crypt') return [];
  return [
    `${namesOf(paths)} needs the filter ${filter} (.gitattributes), which does not run when a commit is made for you: undo the change`,
  ];
}

/** Whether the file is a pointer to contents that a base has too, so that the store has them. */
async function isKnownPointer(own: Git, commit: string, bases: string[], path: string): Promise<boolean> {
  const { stdout } = await own.try(['cat-file', 'blob', `${commit}:${path}`], { stdout_bytes_max: POINTER_BYTES_MAX });
  const pointer = parsePointer(stdout.toString('latin1'));
  if (bases.length === 0 || pointer === null) return false;
  return (await own.try(['grep', '-q', '-F', '-e', `oid sha256:${pointer.oid}`, ...bases])).code === 0;
}
