import test from 'ava';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { until } from '../../../support/until.ts';

test('a server without a working engine says once what is wrong, and tries again without a trace', async (t) => {
  const { docker_host, calls } = await startFakeEngine(t, { broken: true });
  const env = { DOCKER_HOST: docker_host, ERRAND_RUNNER: 'docker' };
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), env);
  await coordinator.url();
  const tries = () => calls.filter((call) => call === 'GET /info').length;
  const at_start = tries();
  await until('it has tried again several times', () => tries() > at_start + 4);
  await coordinator.stop();
  const said = coordinator.stdout + coordinator.stderr;
  t.regex(said, /"part":"runner","fault":"Docker refused: .*the storage driver failed","msg":"dispatch held"/);
  t.is(said.match(/"part":"runner"/g)?.length, 1);
  t.notRegex(said, /"stack"/);
});
