import type { Git } from './git.ts';
import { revisions } from './known-commits.ts';

/** A file's content as git has it. */
export type Blob = { id: string; path: string; size: number };

const LIST_BYTES_MAX = 64 << 20;

/** The blobs that a push of `commit` adds to what the remote has (`not`), of all its commits. */
export async function newBlobs(own: Git, commit: string, not: string[]): Promise<Blob[]> {
  const given = { input: revisions(commit, not), stdout_bytes_max: LIST_BYTES_MAX };
  const lines = (await own.run(['rev-list', '--objects', '--stdin'], given)).split('\n');
  return readBlobs(
    own,
    lines.flatMap((line) => {
      const space = line.indexOf(' ');
      return space < 0 ? [] : [{ id: line.slice(0, space), path: line.slice(space + 1) }];
    }),
  );
}

/** The blobs among these objects, each once, with their sizes. */
export async function readBlobs(own: Git, objects: { id: string; path: string }[]): Promise<Blob[]> {
  const paths = new Map(objects.map(({ id, path }) => [id, path]));
  if (paths.size === 0) return [];
  const input = `${[...paths.keys()].join('\n')}\n`;
  const check = '--batch-check=%(objectname) %(objecttype) %(objectsize)';
  const sizes = await own.run(['cat-file', check], { input, stdout_bytes_max: LIST_BYTES_MAX });
  return sizes.split('\n').flatMap((line) => {
    const [id = '', type, size] = line.split(' ');
    return type === 'blob' ? [{ id, path: paths.get(id) ?? '', size: Number(size) }] : [];
  });
}
