import test from 'ava';
import { readConfig } from '../../../coordinator/base/config.ts';
import { ForgeCheck } from '../../../coordinator/worker-api/git/repository-check.ts';
import { ClaudeApi, TIMEOUTS } from '../../../coordinator/worker-api/model/upstream.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { askRefs } from '../../support/forge-requests.ts';
import { CREDENTIAL, setUp } from '../../support/git-proxy-scene.ts';
import { startModel } from '../../support/model/server.ts';

/* A server whose network reaches the Internet through a proxy only. `.invalid` has no address anywhere else. */

const portOf = (host: string): number => Number(new URL(`http://${host}`).port);
const through = (url: string, no_proxy = '') => ({ https_proxy: url, http_proxy: url, no_proxy });

async function ask(base_url: string, api_key: string, proxy: ReturnType<typeof through>): Promise<number> {
  const api = new ClaudeApi({ base_url, api_key }, TIMEOUTS, proxy);
  const body = Buffer.from(JSON.stringify({ model: 'claude-sonnet-5-5', messages: [{ role: 'user', content: 'Hi' }] }));
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2026-10-21' };
  try {
    const answer = await api.post('/v1/messages/count_tokens', body, headers, AbortSignal.timeout(20_000));
    await answer.body.dump();
    return answer.statusCode;
  } finally {
    await api.close();
  }
}

test('Claude is asked through the proxy, except where NO_PROXY or this machine is meant', async (t) => {
  const model = await startModel({});
  t.teardown(() => model.close());
  const { port } = new URL(model.base_url);
  const proxy = await startConnectProxy(t, Number(port));
  t.is(await ask(`http://claude.invalid:${port}`, model.api_key, through(proxy.url)), 200);
  t.deepEqual(proxy.asked, [`claude.invalid:${port}`]);
  t.is(await ask(model.base_url, model.api_key, through(proxy.url)), 200);
  await t.throwsAsync(ask(`http://claude.invalid:${port}`, model.api_key, through(proxy.url, '.invalid')), {
    code: 'upstream_unreachable',
  });
  t.is(proxy.asked.length, 1);
});

test('a forge is asked through the proxy, with the credential of the repository', async (t) => {
  const known = await setUp(t);
  const proxy = await startConnectProxy(t, portOf(known.forge.host));
  const repo_url = known.repo_url.replace(known.forge.host, `forge.invalid:${portOf(known.forge.host)}`);
  const repository = () => ({ repo_url, credential: CREDENTIAL });
  const private_hosts = [new URL(repo_url).host];
  const scene = await setUp(t, { repository, private_hosts, proxy: through(proxy.url) });
  t.is((await askRefs(scene)).status, 200);
  t.is(proxy.asked[0], `forge.invalid:${portOf(known.forge.host)}`);

  const check = new ForgeCheck({ private_hosts, proxy: through(proxy.url) });
  await check.checkHost('ada', repo_url);
  t.deepEqual(await check.check('ann', repository()), []);
});

test('a proxy is not asked for a host that is known to be private', async (t) => {
  const proxy = await startConnectProxy(t, 9);
  for (const host of ['10.0.0.1', '169.254.169.254', '[::ffff:10.0.0.1]', '192.168.1.1:8080']) {
    const repository = () => ({ repo_url: `http://${host}/a/b`, credential: undefined });
    const scene = await setUp(t, { repository, private_hosts: [], proxy: through(proxy.url) });
    t.is((await askRefs(scene)).code, 'forbidden', host);
  }
  t.deepEqual(proxy.asked, []);
});

test('the proxy is read from the environment in both spellings, and a wrong one is named', (t) => {
  const read = (env: Record<string, string>) => readConfig(env).proxy;
  t.deepEqual(read({}), { https_proxy: '', http_proxy: '', no_proxy: '' });
  t.deepEqual(read({ https_proxy: 'proxy.example.org:3128', no_proxy: '.example.org' }), {
    https_proxy: 'http://proxy.example.org:3128',
    http_proxy: '',
    no_proxy: '.example.org',
  });
  t.is(read({ HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2' }).https_proxy, 'http://a:1');
  t.throws(() => read({ HTTPS_PROXY: 'socks5://a:1' }), {
    message: /HTTPS_PROXY is not an address that begins with http/,
  });
});
