import type { Git } from './git.ts';
import { revisions } from './known-commits.ts';

/** The pointer of a file of Git LFS: the SHA-256 of its content, and its length in bytes. */
export type Pointer = { oid: string; size: number };
/** A file's content as git has it. `pointer`: null where it is none. */
export type Blob = { id: string; path: string; size: number; pointer: Pointer | null };

const POINTER_BYTES_MAX = 1024;
const LIST_BYTES_MAX = 64 << 20;

/** The blobs that a push of `commit` adds to what the remote has (`not`), of all its commits. */
export async function pushedBlobs(own: Git, commit: string, not: string[]): Promise<Blob[]> {
  const given = { input: revisions(commit, not), stdout_bytes_max: LIST_BYTES_MAX };
  const lines = (await own.run(['rev-list', '--objects', '--stdin'], given)).split('\n');
  return readBlobs(
    own,
    new Map(lines.flatMap((line) => (line.includes(' ') ? [[line.slice(0, line.indexOf(' ')), pathOf(line)]] : []))),
  );
}

/** The files of the index that Git LFS stores. */
export async function lfsFiles(own: Git): Promise<Blob[]> {
  const { stdout } = await own.try(['ls-files', '-s', '-z', '--', ':(attr:filter=lfs)'], {
    stdout_bytes_max: LIST_BYTES_MAX,
  });
  const entries = stdout.toString('utf8').split('\0');
  const found = entries.flatMap((entry) => {
    const [, id, path] = /^100\d{3} ([0-9a-f]+) 0\t(.*)$/s.exec(entry) ?? [];
    return id === undefined || path === undefined ? [] : [[id, path] as const];
  });
  return readBlobs(own, new Map(found));
}

const pathOf = (line: string) => line.slice(line.indexOf(' ') + 1);

async function readBlobs(own: Git, paths: Map<string, string>): Promise<Blob[]> {
  if (paths.size === 0) return [];
  const input = `${[...paths.keys()].join('\n')}\n`;
  const check = '--batch-check=%(objectname) %(objecttype) %(objectsize)';
  const sizes = await own.run(['cat-file', check], { input, stdout_bytes_max: LIST_BYTES_MAX });
  const blobs = sizes.split('\n').flatMap((line) => {
    const [id = '', type, size] = line.split(' ');
    return type === 'blob' ? [{ id, path: paths.get(id) ?? '', size: Number(size) }] : [];
  });
  const small = blobs.filter(({ size }) => size > 0 && size <= POINTER_BYTES_MAX).map(({ id }) => id);
  const pointers = await readPointers(own, small);
  return blobs.map((blob) => ({ ...blob, pointer: pointers.get(blob.id) ?? null }));
}

async function readPointers(own: Git, ids: string[]): Promise<Map<string, Pointer>> {
  const found = new Map<string, Pointer>();
  if (ids.length === 0) return found;
  const { stdout } = await own.try(['cat-file', '--batch'], {
    input: `${ids.join('\n')}\n`,
    stdout_bytes_max: 256 << 20,
  });
  for (let at = 0; at < stdout.length;) {
    const end = stdout.indexOf('\n', at);
    const [id = '', , size] = stdout.toString('latin1', at, end).split(' ');
    const pointer = parsePointer(stdout.toString('latin1', end + 1, end + 1 + Number(size)));
    if (pointer !== null) found.set(id, pointer);
    at = end + 1 + Number(size) + 1;
  }
  return found;
}

/** Null: the text is no pointer of Git LFS. */
function parsePointer(text: string): Pointer | null {
  if (!text.startsWith('version https://git-lfs.github.com/spec/v1\n')) return null;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size (\d{1,15})$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? null : { oid, size: Number(size) };
}
