import type { ExecutionContext } from 'ava';
import { join } from 'node:path';
import { ensureSampleRepository } from '../../coordinator/demo/sample-repository.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { temporaryFolder } from '../support/folder.ts';
import { serveRepository, severalOf } from '../support/mock-coordinator/git.ts';
import { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import type { CoordinatorUnderTest, OpenTask } from './coordinator-calls.ts';

const PARK_AFTER_MS = 60_000;

/** The mock coordinator, on a socket. `address`: where its tasks are called in place of the socket. */
export async function mockedCoordinator(
  t: ExecutionContext,
  address?: (socket_path: string) => Promise<OpenTask['address']>,
): Promise<CoordinatorUnderTest> {
  const folder = await temporaryFolder(t);
  const socket_path = join(folder, 'coordinator.sock');
  const beside = await ensureSampleRepository(join(folder, 'other'));
  const repository = await serveRepository('errand://sample', folder, undefined, [beside]);
  const mock = new MockCoordinator({ socket_path, git: repository.proxy });
  await mock.start();
  t.teardown(async () => {
    await mock.stop();
    await repository.close();
  });
  const reached = (await address?.(socket_path)) ?? { origin: 'http://coordinator', socket_path };
  const open = (more: Partial<Assignment> = {}) => {
    const task = mock.addTask({ repo_url: repository.repo_url, park_after_ms: PARK_AFTER_MS, ...more });
    return {
      address: reached,
      task_id: task.id,
      attempt: 1,
      token: task.token,
      say: (text: string) => Promise.resolve(task.say(text).id),
      cancel: () => Promise.resolve(task.cancel('enough')),
      giveUp: () => Promise.resolve(task.nextAttempt()),
    };
  };
  return {
    open: () => Promise.resolve(open()),
    openSeveral: () => Promise.resolve({ ...open(severalOf(repository)), other: repository.others[0]?.key ?? '' }),
  };
}
