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

/** Whether there is such a commit, and it is no work in progress. */
export async function isFinished(own: Git, ref: string): Promise<boolean> {
  const { code, stdout } = await own.try(['log', '-1', '--format=%B', ref]);
  return code === 0 && !isWip(stdout.toString('utf8'));
}
