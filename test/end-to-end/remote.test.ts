import test from 'ava';
import { RemoteRunner, workersOf } from '../support/remote-runner.ts';
import { temporaryFolder } from '../support/folder.ts';
import { errands } from './suite.ts';

// The coordinator cannot call these workers: messages and cancels are in the replies to their callbacks.
const pace = { heartbeat_ms: 500, lease_ms: 20_000 };

errands((title, body) => test.serial(title, body), {
  name: 'a runner for elsewhere',
  start: async (t) => {
    const machine_dir = await temporaryFolder(t);
    return { runner: RemoteRunner.opener(machine_dir), pace, workers: () => workersOf(machine_dir) };
  },
});
