import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { Commit } from '../../protocol/task.ts';
import { readRegularFile, replaceFile } from '../base/regular-file.ts';
import type { Git } from './git.ts';

/** What the worker knows about a workspace. It is written when the clone is complete. */
const WorkspaceRecord = z.object({
  task_id: z.string(),
  /** Names this clone. The event `repository.ready` has the same id, so a transcript names the clone it is about. */
  workspace: z.string(),
  base_branch: z.string(),
  base_commit: Commit.nullable(),
  /** The branch to push to. */
  branch: z.string(),
  /** The branch that the person named: finished work is pushed there too. Absent: none, or it is gone. */
  work_branch: z.string().optional(),
  /** When the agent's work began, in milliseconds since 1970. Absent: it has not. */
  began_ms: z.number().optional(),
  /** The newest turn of the model that began with it; 0: none did. Absent: an older worker made it. */
  turn: z.number().int().nonnegative().optional(),
});
export type WorkspaceRecord = z.infer<typeof WorkspaceRecord>;

/** More than any record. */
const BYTES_MAX = 64 * 1024;

const path = (own: Git) => join(own.git_dir, 'workspace.json');

export function newWorkspaceId(): string {
  return randomBytes(10).toString('hex');
}

/** Null if the clone is incomplete, or there is none. */
export async function readRecord(own: Git): Promise<WorkspaceRecord | null> {
  const text = await readRegularFile(path(own), BYTES_MAX);
  try {
    return WorkspaceRecord.nullable().parse(JSON.parse(text?.toString() ?? 'null'));
  } catch {
    return null;
  }
}

export async function writeRecord(own: Git, record: WorkspaceRecord): Promise<void> {
  await replaceFile(path(own), JSON.stringify(WorkspaceRecord.parse(record)));
}
