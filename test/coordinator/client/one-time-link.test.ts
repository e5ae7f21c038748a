import test from 'ava';
import { linkFor } from '../../../coordinator/client/one-time-link.ts';

const MADE = { id: 'a', code: 'c', fragment: 'login=c', expires_at: '2026-01-01T00:00:00.000Z' };
const NETWORK = 'http://192.168.1.5:8787/#login=c';

test('a one-time link leads where another device can open it, if anything is known that does', (t) => {
  const of = (link: string | null, network_link: string | null | undefined, server: string) =>
    linkFor({ ...MADE, link, network_link }, server);
  const known = 'https://errand.example.org/#login=c';
  t.is(of(known, NETWORK, 'http://localhost:8787'), known);
  t.is(of(null, NETWORK, 'http://localhost:8787'), NETWORK);
  t.is(of(null, NETWORK, 'http://box.tail.net:8787'), 'http://box.tail.net:8787/#login=c', 'others reach that as well');
  for (const none of [null, undefined]) t.is(of(null, none, 'http://127.0.0.1:8787'), 'http://127.0.0.1:8787/#login=c');
});
