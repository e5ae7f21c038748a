import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { EXIT } from '../../../../coordinator/cli/exit.ts';
import { startProgram } from '../../../support/child.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { until } from '../../../support/until.ts';

const TRY = fileURLToPath(new URL('../../../../coordinator/start/trial/try.ts', import.meta.url));

test('Ctrl-C in the middle of a trial leaves nothing, and does not say that the errand goes on', async (t) => {
  const folder = await temporaryFolder(t);
  const trial = startProgram(t, TRY, [], { ERRAND_RUNNER: 'process', TMPDIR: folder });
  await until('the errand is at work', () => trial.printed().includes('running'), 60_000);
  trial.signal('SIGINT');
  t.is(await trial.exit, EXIT.interrupted, trial.printed());
  t.regex(trial.printed(), /Stopping the server, and removing its data\./);
  t.notRegex(trial.printed(), /goes on/);
  t.deepEqual(await readdir(folder), []);
});
