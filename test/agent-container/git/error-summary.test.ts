import test from 'ava';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/folder.ts';
import { errorSummary, Git } from '../../../agent-container/git/git.ts';

test("the remote's reasons replace git's own summary of them; without reasons that summary is given", (t) => {
  const summary = "fatal: unable to access 'http://127.0.0.1:1/git/': The requested URL returned error: 403";
  const of = (stderr: string) => errorSummary({ code: 128, timed_out: false, stderr });
  t.is(
    of(`remote: forbidden: give the project a git token.\n${summary}\n`),
    'forbidden: give the project a git token.',
  );
  t.is(of(summary), summary);
  t.is(of('remote: busy\rhint: wait\nfatal: early EOF\n'), 'busy; fatal: early EOF');
  t.is(of('Counting objects: 1\n'), 'no reason was given');
});

test('a git that was killed is not said to have taken too long', async (t) => {
  const folder = await temporaryFolder(t);
  const program = (text: string) => writeFile(join(folder, 'git'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const path = `${folder}:${process.env.PATH ?? ''}`;
  const git = new Git(folder, { PATH: path }, new AbortController().signal, { lfs: false });
  await program('kill -9 $$');
  t.is(errorSummary(await git.try(['status'])), 'it was killed');
  await program('exec sleep 99');
  t.is(errorSummary(await git.try(['status'], { time_limit_ms: 50 })), 'it took too long');
});
