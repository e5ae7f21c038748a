import type { Readable } from 'node:stream';

/** A file on this machine that is to be kept; `sha256` is hexadecimal. */
export type LocalFile = { path: string; bytes: number; sha256: string };
export type StoredFile = { name: string; bytes: number };

/** Where backups are kept. All that fails is thrown as a `BackupError`, and nothing waits for ever. */
export type BackupStore = {
  /** Where it is, for people. */
  readonly where: string;
  /** Keeps a file under this name: whole, or not at all. */
  put: (name: string, file: LocalFile, signal: AbortSignal) => Promise<void>;
  /** The backups that are there, oldest first. Whatever bears another name is not one. */
  list: (signal: AbortSignal) => Promise<StoredFile[]>;
  /** Reads a file. What fails on the way is the stream's error. */
  get: (name: string, signal: AbortSignal) => Promise<Readable>;
  /** Removes a file; one that is not there is no error. */
  remove: (name: string, signal: AbortSignal) => Promise<void>;
};
