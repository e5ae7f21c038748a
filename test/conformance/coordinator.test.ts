import test from 'ava';
import { join } from 'node:path';
import { temporaryFolder } from '../support/folder.ts';
import { ensureSampleRepository } from '../../coordinator/demo/sample-repository.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { serveRepository, severalOf } from '../support/mock-coordinator/git.ts';
import { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import type { CoordinatorUnderTest } from './coordinator-calls.ts';
import { COORDINATOR_RULES } from './coordinator-suite.ts';
import { realCoordinator } from './real-coordinator.ts';

for (const { name, check } of COORDINATOR_RULES) {
  test(`the mock coordinator: ${name}`, async (t) => {
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
    const open = (more: Partial<Assignment> = {}) => {
      const task = mock.addTask({ repo_url: repository.repo_url, ...more });
      return {
        address: { origin: 'http://coordinator', socket_path },
        task_id: task.id,
        attempt: 1,
        token: task.token,
        say: (text: string) => Promise.resolve(task.say(text).id),
        cancel: () => Promise.resolve(task.cancel('enough')),
        giveUp: () => Promise.resolve(task.nextAttempt()),
      };
    };
    const under_test: CoordinatorUnderTest = {
      open: () => Promise.resolve(open()),
      openSeveral: () => Promise.resolve({ ...open(severalOf(repository)), other: repository.others[0]?.key ?? '' }),
    };
    await t.notThrowsAsync(check(under_test));
  });

  test.serial(`the coordinator: ${name}`, async (t) => {
    await t.notThrowsAsync(check(await realCoordinator(t)));
  });
}
