import type { BackupDestination } from '../../base/backup-destination.ts';
import { FolderStore } from '../backup/folder-store.ts';
import type { BackupStore } from '../backup/store.ts';

/** The store that a destination names. Nothing is sent to it yet. */
export async function openStore(to: BackupDestination): Promise<BackupStore> {
  switch (to.kind) {
    case 'folder':
      return new FolderStore(to.path);
    case 's3': {
      // Loading the SDK takes half a second: only a bucket needs it.
      const { S3Store } = await import('../backup/s3/store.ts');
      return new S3Store(to);
    }
  }
}
