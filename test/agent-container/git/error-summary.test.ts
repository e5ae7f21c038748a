import test from 'ava';
import { errorSummary } from '../../../agent-container/git/git.ts';

test("the remote's reasons replace git's own summary of them; without reasons that summary is given", (t) => {
  const summary = "fatal: unable to access 'http://127.0.0.1:1/git/': The requested URL returned error: 403";
  const of = (stderr: string, code: number | null = 128) => errorSummary({ code, stderr });
  t.is(
    of(`remote: forbidden: give the project a git token.\n${summary}\n`),
    'forbidden: give the project a git token.',
  );
  t.is(of(summary), summary);
  t.is(of('remote: busy\rhint: wait\nfatal: early EOF\n'), 'busy; fatal: early EOF');
  t.is(of('Counting objects: 1\n'), 'no reason was given');
  t.is(of('', null), 'it took too long', 'a signal has ended it');
});
