import type { Git } from './git.ts';

const WIP_TRAILER = 'Errand: work in progress';

/** The message of a commit that holds work in progress. The task's next push replaces that commit. */
export function wipMessage(title: string): string {
  return `WIP: ${title}\n\n${WIP_TRAILER}`;
}

/** Whether a commit message was made by `wipMessage`. */
export function isWip(message: string): boolean {
  return message.split('\n').includes(WIP_TRAILER);
}

/** Whether the newest commit is there, and is no work in progress. */
export async function isFinished(own: Git, ref: string): Promise<boolean> {
  const { code, stdout } = await own.try(['log', '-1', '--format=%B', ref]);
  return code === 0 && !isWip(stdout.toString('utf8'));
}

/**
 * Whether there is a commit between these that is no work in progress: finished work, or what the agent or others have
 * committed. The history says so also where the workspace is new.
 */
export async function hasMoreThanWip(own: Git, ref: string, base_commit: string | null): Promise<boolean> {
  const not = base_commit === null ? [] : [`^${base_commit}`];
  const args = ['rev-list', '--max-count=1', '--invert-grep', `--grep=^${WIP_TRAILER}$`, ref, ...not];
  const { code, stdout } = await own.try(args);
  return code === 0 && stdout.length > 0;
}
