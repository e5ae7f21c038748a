import type { Git } from './git.ts';
import { PUSHED_REF } from './own-repository.ts';

const WIP_TRAILER = 'Errand: work in progress';

/** The message of a commit that holds work in progress. The task's next push replaces that commit. */
export function wipMessage(title: string): string {
  return `WIP: ${title}\n\n${WIP_TRAILER}`;
}

/** Whether a commit message was made by `wipMessage`. */
export function isWip(message: string): boolean {
  return message.split('\n').includes(WIP_TRAILER);
}

/** Whether the newest that the task's branch got is finished work: a pull request may show it. */
export async function hasPushedFinished(own: Git): Promise<boolean> {
  const { code, stdout } = await own.try(['log', '-1', '--format=%B', PUSHED_REF]);
  return code === 0 && !isWip(stdout.toString('utf8'));
}
