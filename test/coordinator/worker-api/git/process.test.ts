import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { GIT_LIMITS, runGit, startGit } from '../../../../coordinator/worker-api/git/process.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { watchProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

const MB = 1024 * 1024;
/** Runs a shell command as git runs its helpers. */
const asGit = (command: string) => ['-c', `alias.do=!${command}`, 'do'];

test('git and what it starts run under the limits of CPU time, memory and files', async (t) => {
  t.deepEqual((await runGit(asGit('ulimit -t; ulimit -v; ulimit -f; ulimit -c'))).trim().split('\n'), [
    String(GIT_LIMITS.cpu_s_max),
    String(GIT_LIMITS.memory_bytes_max / 1024),
    String(GIT_LIMITS.file_bytes_max / 512),
    '0',
  ]);
  t.true(Number(await runGit(asGit('nice'))) >= 10);
});

test('git cannot take more memory, write a larger file or print more than it may', async (t) => {
  const memory = await t.throwsAsync(runGit(asGit(`dd if=/dev/zero of=/dev/null bs=512M count=1`)));
  t.regex(memory?.message ?? '', /memory exhausted/);
  const file = join(await temporaryFolder(t), 'file');
  await t.throwsAsync(runGit(asGit(`head -c 100M /dev/zero > ${file}`)));
  t.is((await stat(file)).size, GIT_LIMITS.file_bytes_max);
  const { input, output, errors, exit } = startGit(asGit('cat /dev/zero'), {});
  input.end();
  errors.resume();
  let bytes = 0;
  await t.throwsAsync(
    async () => {
      for await (const chunk of output as AsyncIterable<Buffer>) bytes += chunk.length;
    },
    { message: /printed more than/ },
  );
  t.true(bytes <= GIT_LIMITS.output_bytes_max && bytes > GIT_LIMITS.output_bytes_max - MB);
  t.is(await exit, null);
});

test('an abort kills git with all that it has started', async (t) => {
  const over = new AbortController();
  const { output, exit } = startGit(asGit('echo $$; sleep 1000 & sleep 1000'), { signal: over.signal });
  const pid = await new Promise<number>((resolve) => output.once('data', (line: Buffer) => resolve(Number(line))));
  const isThere = watchProcess(pid);
  t.true(isThere());
  over.abort();
  t.is(await exit, null);
  await until('it has ended', () => !isThere());
  const late = startGit(['version'], { signal: AbortSignal.abort() });
  t.is(await text(late.output).catch(() => ''), '');
  t.is(await late.exit, null);
});
