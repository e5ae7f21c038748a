import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether git-lfs is among the programs of this environment. */
export function hasLfs({ PATH = '' }: Record<string, string>): boolean {
  return PATH.split(':').some((dir) => dir !== '' && existsSync(join(dir, 'git-lfs')));
}

/** How git is to store files of Git LFS: as pointers. */
export const LFS_FILTER = {
  clean: 'git-lfs clean -- %f',
  smudge: 'git-lfs smudge -- %f',
  process: 'git-lfs filter-process',
  required: 'true',
};

/** The filter as settings of a command, which no file overrides. */
export const LFS_ON = Object.entries(LFS_FILTER).map(([key, value]) => `filter.lfs.${key}=${value}`);

/**
 * No filter at all: what a repository's settings have for it does not run. Git's commands in the agent's repository
 * have these, since git-lfs itself would read programs from its settings.
 */
export const LFS_OFF = ['clean=', 'smudge=', 'process=', 'required=false'].map((setting) => `filter.lfs.${setting}`);

/** Settings of git-lfs itself, so that neither `.lfsconfig` nor another file leads it elsewhere. */
export function lfsRemote(url: string): string[] {
  return [
    `remote.origin.url=${url}`,
    `lfs.url=${url}/info/lfs`,
    `lfs.pushurl=${url}/info/lfs`,
    'lfs.locksverify=false',
    'lfs.allowincompletepush=false',
    'lfs.skipdownloaderrors=false',
    'lfs.concurrenttransfers=3',
    'lfs.transfer.maxretries=3',
    'lfs.transfer.maxretrydelay=2',
    'lfs.activitytimeout=120',
  ].flatMap((setting) => ['-c', setting]);
}
