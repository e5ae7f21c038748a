import type { BackupDestination } from '../../base/backup-destination.ts';
import { FolderStore } from './folder-store.ts';
import { S3Store } from './s3/store.ts';
import type { BackupStore } from './store.ts';

/** The store that a destination names. It is not reached before something is asked of it. */
export function openStore(to: BackupDestination): BackupStore {
  switch (to.kind) {
    case 'folder':
      return new FolderStore(to.path);
    case 's3':
      return new S3Store(to);
  }
}
