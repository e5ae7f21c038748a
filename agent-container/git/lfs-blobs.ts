import { readBlobs, type Blob } from './blobs.ts';
import { splitNul, type Git } from './git.ts';

/** The pointer of a file of Git LFS: the SHA-256 of its content, and its length in bytes. */
export type Pointer = { oid: string; size: number };
/** `pointer`: null where the content is none. */
export type LfsBlob = Blob & { pointer: Pointer | null };

/** A longer text is no pointer. */
export const POINTER_BYTES_MAX = 1024;
const LIST_BYTES_MAX = 64 << 20;

/** The blobs, with the pointers among them. */
export async function withPointers(own: Git, blobs: Blob[]): Promise<LfsBlob[]> {
  const small = blobs.filter(({ size }) => size > 0 && size <= POINTER_BYTES_MAX).map(({ id }) => id);
  const pointers = await readPointers(own, small);
  return blobs.map((blob) => ({ ...blob, pointer: pointers.get(blob.id) ?? null }));
}

/** The files of the index that Git LFS stores. */
export async function lfsFiles(own: Git): Promise<LfsBlob[]> {
  const { stdout } = await own.try(['ls-files', '-s', '-z', '--', ':(attr:filter=lfs)'], {
    stdout_bytes_max: LIST_BYTES_MAX,
  });
  const found = splitNul(stdout).flatMap((entry) => {
    const [, id, path] = /^100\d{3} ([0-9a-f]+) 0\t(.*)$/s.exec(entry) ?? [];
    return id === undefined || path === undefined ? [] : [{ id, path }];
  });
  return withPointers(own, await readBlobs(own, found));
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
export function parsePointer(text: string): Pointer | null {
  if (!text.startsWith('version https://git-lfs.github.com/spec/v1\n')) return null;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size (\d{1,15})$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? null : { oid, size: Number(size) };
}
