import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';

test('guesses from everywhere keep nobody out where they were before: at sign-up, log-in or refresh, or logged in', async (t) => {
  const server = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
  // Slow enough for a queue of strangers.
  const { logins, accounts, authenticator } = server.authWith(new Passwords(9));
  const from = (address: string) => ({ address, user_agent: null });
  const login = { email: 'ada@example.org', password: PASSWORD };
  const home = from('192.0.2.1');
  const first = await logins.signup({ ...login, setup_code: server.setup_code }, home);
  await logins.refresh(first.refresh_token, from('192.0.2.2'));
  const identity = await authenticator.authenticate(first.access_token);

  let guesses = 0;
  const guessing = new AbortController();
  const strangers = Array.from({ length: 40 }, async (_, n) => {
    for (let host = 0; !guessing.signal.aborted; host++) {
      const stranger = from(`10.${n}.${host % 250}.1`);
      const guess = { email: host % 2 ? login.email : `nobody${n}@example.org`, password: 'a wrong one' };
      await t.throwsAsync(logins.login(guess, stranger));
      guesses += 1;
      await setImmediate();
    }
  });
  await until('the guesses are refused', () => guesses > 100);
  for (const known of [home, from('192.0.2.2')]) await t.notThrowsAsync(logins.login(login, known), known.address);
  const change = { old_password: PASSWORD, new_password: 'another horse battery' };
  await t.notThrowsAsync(accounts.changePassword(identity, change, from('203.0.113.77')));
  await t.throwsAsync(logins.login({ ...login, password: change.new_password }, from('203.0.113.78')), {
    message: /Too many/,
  });
  guessing.abort();
  await Promise.all(strangers);
});
