import type { Readable } from 'node:stream';

/** A file of this machine to store. */
export type LocalFile = { path: string; bytes: number };
export type StoredFile = { name: string; bytes: number };

/** Where backups are kept. Every failure is a `BackupError`, and every wait is bounded. */
export type BackupStore = {
  /** The place, to show to people. */
  readonly where: string;
  /** Stores a file under this name, completely or not at all. */
  put: (name: string, file: LocalFile, signal: AbortSignal) => Promise<void>;
  /** Lists the backups, oldest first. Files with other names are not listed. */
  list: (signal: AbortSignal) => Promise<StoredFile[]>;
  /** Opens a file. A failure while it is read is the stream's error. */
  get: (name: string, signal: AbortSignal) => Promise<Readable>;
  /** Removes a file. It is no error if there is none. */
  remove: (name: string, signal: AbortSignal) => Promise<void>;
};
