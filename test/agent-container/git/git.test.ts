import test from 'ava';
import { lastWords } from '../../../agent-container/git/git.ts';

test("gives the remote's reasons in place of git's summary of them, and git's words where there are none", (t) => {
  const summary = "fatal: unable to access 'http://127.0.0.1:1/git/': The requested URL returned error: 403";
  t.is(
    lastWords(`remote: forbidden: give the project a git token.\n${summary}\n`),
    'forbidden: give the project a git token.',
  );
  t.is(lastWords(summary), summary);
  t.is(lastWords('remote: busy\rhint: wait\nfatal: early EOF\n'), 'busy; fatal: early EOF');
  t.is(lastWords('Counting objects: 1\n'), 'no reason was given');
});
