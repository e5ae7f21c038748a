import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startApi } from '../../support/start-api.ts';

const REQUESTS: [string, string, unknown][] = [
  ['sign-ins with a forge', `/auth/ways/${newId()}/start`, {}],
  ['answers from notifications', '/answers', { token: 'x' }],
];

for (const [what, path, body] of REQUESTS)
  test(`${what} are counted by network: the addresses of one IPv6 subscriber are one`, async (t) => {
    const { url } = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
    const statusFrom = async (address: string) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
      return (await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    };
    let status = 0;
    let asked = 0;
    // Some time may pass meanwhile, in which a few more are let through.
    for (; status !== 429 && asked < LIMITS.sign_ins_per_minute_max * 2; asked++)
      status = await statusFrom(`2001:db8:1:2:${asked.toString(16)}::1`);
    t.is(status, 429);
    t.true(asked > LIMITS.sign_ins_per_minute_max);
    t.not(await statusFrom('2001:db8:1:3::1'), 429);
  });
