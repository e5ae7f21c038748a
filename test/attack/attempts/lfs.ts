import { GIT_URL_HEADER } from '../../../protocol/lfs.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { byWorker } from './by-worker.ts';
import type { AttackGroup } from '../attempt.ts';

const OBJECT = { oid: 'a'.repeat(64), size: 1 };
const BATCH = 'git/info/lfs/objects/batch';

/** What a worker under somebody else's control tries with Git LFS. */
export const LFS: AttackGroup = {
  from: 'a worker',
  about: 'git: large files',
  attempts: [
    byWorker('fetch from an address of its own making', /^4\d\d/, { to: `git/info/lfs/objects/${'A'.repeat(64)}` }),
    byWorker('store at an address of its own making', /^4\d\d/, {
      to: `git/info/lfs/objects/${'A'.repeat(64)}`,
      method: 'PUT',
      body: 'x',
    }),
    byWorker('ask for a repository that is not its own', /^404/, {
      to: 'git/victim/info/lfs/objects/batch',
      body: { operation: 'download', objects: [OBJECT] },
    }),
    byWorker('lock a file of others', /^404/, { to: 'git/info/lfs/locks', body: { path: 'README.md' } }),
    byWorker('delete an object', /^404/, { to: `git/info/lfs/objects/${'A'.repeat(64)}`, method: 'DELETE' }),
    byWorker('ask for more objects than a batch has', /^4\d\d/, {
      to: BATCH,
      body: {
        operation: 'upload',
        objects: Array.from({ length: LIMITS.lfs_objects_per_batch_max + 1 }, () => OBJECT),
      },
    }),
    byWorker('be sent to another server', /^4\d\d/, {
      to: BATCH,
      headers: { [GIT_URL_HEADER]: 'file:///etc/passwd' },
      body: { operation: 'download', objects: [OBJECT] },
    }),
  ],
};
