import { chmod, chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../../../coordinator/workers/remove-tree.ts';
import { COORDINATOR_SOCKET } from '../../../protocol/worker.ts';
import { containerUser } from '../container-args.ts';

/** The folders that a new workspace has. */
export const NEW_WORKSPACE: readonly string[] = ['home', 'spool'];

/** The folders of a mock and its workers, in one temporary folder. */
export class MockFolders {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<MockFolders> {
    const folders = new MockFolders(await mkdtemp(join(tmpdir(), 'errand-mock-')));
    await mkdir(folders.coordinator_dir);
    // The worker in a container is another user.
    await chmod(folders.coordinator_dir, 0o711);
    await mkdir(folders.workspace_dir);
    await folders.emptyWorkspace();
    return folders;
  }

  get coordinator_dir(): string {
    return join(this.dir, 'coordinator');
  }

  get socket_path(): string {
    return join(this.coordinator_dir, COORDINATOR_SOCKET);
  }

  get workspace_dir(): string {
    return join(this.dir, 'workspace');
  }

  /** Makes the workspace as a new one is. The folder itself stays: a container that has just started mounts it. */
  async emptyWorkspace(): Promise<void> {
    for (const name of await readdir(this.workspace_dir)) await removeTree(join(this.workspace_dir, name));
    for (const name of NEW_WORKSPACE) await mkdir(join(this.workspace_dir, name));
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = containerUser();
    for (const name of ['', ...NEW_WORKSPACE]) await chown(join(this.workspace_dir, name), uid, gid);
  }

  async remove(): Promise<void> {
    await removeTree(this.dir);
  }
}
