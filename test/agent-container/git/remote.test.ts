import test from 'ava';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { Disconnected } from '../../../agent-container/git/git-failure.ts';
import { retryRemote } from '../../../agent-container/git/remote.ts';

const git = { signal: new AbortController().signal };

test('a coordinator that is away is waited for, however often that takes', async (t) => {
  let calls = 0;
  const operation = async () => {
    if (++calls <= 6) throw new Disconnected('push_failed', 'The push failed');
    return 'pushed';
  };
  t.is(await retryRemote(git, 'push_failed', operation), 'pushed');
});

test('another failure of the remote is no reason to wait', async (t) => {
  const operation = () => Promise.reject(new AttemptFailure('push_rejected', 'No.'));
  await t.throwsAsync(retryRemote(git, 'push_failed', operation), { message: 'No.' });
});
