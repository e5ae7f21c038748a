import test from 'ava';
import { RemoteRunner, workersOf } from '../support/remote-runner.ts';
import { temporaryFolder } from '../support/folder.ts';
import { errands } from './suite.ts';

// Nobody can call these workers: a message or a cancel waits for the reply to their next callback.
const pace = { heartbeat_ms: 500, lease_ms: 20_000 };

errands((title, body) => test.serial(title, body), {
  name: 'a runner for elsewhere',
  start: async (t) => {
    const machine_dir = await temporaryFolder(t);
    return { runner: RemoteRunner.opener(machine_dir), pace, workers: () => workersOf(machine_dir) };
  },
});
