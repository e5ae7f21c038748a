import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import type { ForgeClient } from '../../../coordinator/forge/forge.ts';
import { ForgeApiError, type ForgeApiFault } from '../../../coordinator/forge/forge-api-error.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { forgeScene, type ForgeScene } from '../../support/forge/scene.ts';
import { until } from '../../support/until.ts';

const KINDS: ForgeKind[] = ['github', 'gitea'];
const NAME = { owner: 'ada', name: 'demo' };
const ACCESS = { token: 'ghp_secret0123456789' };

/** Makes the forge answer all calls like this. */
function answerWith({ forge }: ForgeScene, answer: (request: IncomingMessage, response: ServerResponse) => void): void {
  forge.intercept = (request, response) => {
    answer(request, response);
    return true;
  };
}

async function fails(
  t: ExecutionContext,
  call: Promise<unknown>,
  fault: ForgeApiFault,
  message?: RegExp,
): Promise<ForgeApiError | undefined> {
  const error = await t.throwsAsync(call, { instanceOf: ForgeApiError, ...(message && { message }) });
  t.is(error.fault, fault, error.message);
  t.false(JSON.stringify([error.message, error.stack]).includes(ACCESS.token));
  return error;
}

/** One call of each kind. */
function calls(client: ForgeClient, { token } = ACCESS): (() => Promise<unknown>)[] {
  const access = { token };
  return [
    () => client.me(access),
    () => client.repositories(access, { search: '', limit: 10 }),
    () => client.repository(access, NAME),
    () => client.branch(access, NAME, 'main'),
    () => client.thread(access, NAME, 1, 10),
    () => client.comment(access, NAME, 1, 'text'),
    () => client.pull(access, NAME, 1),
    () => client.editPull(access, NAME, 1, { title: 'Other' }),
    () => client.openPull(access, NAME, { title: 'One', body: '', head: 'one', base: 'main', draft: false }),
    () => client.checks(access, NAME, '0'.repeat(40)),
  ];
}

for (const kind of KINDS) {
  test(`${kind}: says what the forge refused, and why`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    const own = access(ada);
    await fails(t, client.me({ token: 'ghp_wrong' }), 'unauthorized', /127\.0\.0\.1/);
    await fails(t, client.repository(own, { owner: 'ada', name: 'gone' }), 'not_found');
    await fails(t, client.pull(own, NAME, 77), 'not_found');
    demo.permissions.set(bob, 'read');
    await fails(t, client.permission(access(bob), NAME, 'ada'), 'forbidden');
    const stranger = access(forge.world.addPerson('eve'));
    demo.private = true;
    await fails(t, client.repository(stranger, NAME), 'not_found');
    forge.apps.revokeAll(ada);
    await fails(t, client.repository(own, NAME), 'unauthorized');
    for (const owner of ['..', '.', '', 'a/..', '../..']) {
      await fails(t, client.repository(own, { owner, name: 'demo' }), 'not_found');
      await fails(t, client.branch(own, NAME, `${owner}/../../../user`), 'not_found');
    }
  });

  test(`${kind}: says until when the forge is rate limited`, async (t) => {
    const scene = await forgeScene(t, kind);
    const soon_s = Math.ceil(Date.now() / 1000) + 600;
    const cases: [number, Record<string, string>, string, number][] = [
      [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(soon_s) }, 'API rate limit exceeded', 600],
      [403, { 'retry-after': '120' }, 'You have exceeded a secondary rate limit', 120],
      [429, { 'retry-after': '30' }, 'Too many', 30],
      [429, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }, '', 3_600],
      [429, {}, '', 60],
      [403, {}, 'You have exceeded a secondary rate limit. Please wait.', 60],
      [429, { 'retry-after': '999999999' }, '', 24 * 3600],
    ];
    for (const [n, [status, headers, message, expected_s]] of cases.entries()) {
      answerWith(scene, (_, response) => response.writeHead(status, headers).end(JSON.stringify({ message })));
      const error = await fails(t, scene.client.me({ token: `ghp_${n}` }), 'rate_limited');
      const wait_s = ((error?.retry_at?.getTime() ?? 0) - Date.now()) / 1000;
      t.true(Math.abs(wait_s - expected_s) < 30, `${status} ${message}: ${wait_s}`);
    }
    answerWith(scene, (_, response) => response.writeHead(403).end('{"message":"Resource not accessible"}'));
    const error = await fails(t, scene.client.me(ACCESS), 'forbidden');
    t.is(error?.retry_at, undefined);
  });

  test(`${kind}: says when a forge under maintenance may be asked again, if it says so`, async (t) => {
    const scene = await forgeScene(t, kind);
    const cases: [Record<string, string>, number][] = [
      [{ 'retry-after': '600' }, 600],
      // It would be given up otherwise, and not be seen to be back until tomorrow.
      [{ 'retry-after': '86400' }, 3_600],
      [{ 'retry-after': new Date(Date.now() + 7 * 24 * 3_600_000).toUTCString() }, 3_600],
    ];
    for (const [headers, expected_s] of cases) {
      answerWith(scene, (_, response) => response.writeHead(503, headers).end('<html>'));
      const error = await fails(t, scene.client.me(ACCESS), 'unreachable');
      const wait_s = ((error?.retry_at?.getTime() ?? 0) - Date.now()) / 1000;
      t.true(Math.abs(wait_s - expected_s) < 30, String(wait_s));
    }
    answerWith(scene, (_, response) => response.writeHead(503).end('{"message": "rate limit service is away"}'));
    t.is((await fails(t, scene.client.me(ACCESS), 'unreachable'))?.retry_at, undefined);
  });

  test(`${kind}: sends nothing with a token that the forge limits, until it may come again`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { client, ada, bob, access } = scene;
    const [own, other] = [access(ada), access(bob)];
    let calls = 0;
    answerWith(scene, (_, response) => {
      calls++;
      response.writeHead(403, { 'retry-after': '1' }).end('{"message": "You have exceeded a secondary rate limit."}');
    });
    const first = await fails(t, client.me(own), 'rate_limited');
    const again = await fails(t, client.comment(own, NAME, 1, 'text'), 'rate_limited');
    t.deepEqual(again?.retry_at, first?.retry_at);
    t.is(calls, 1);
    await fails(t, client.me(other), 'rate_limited');
    t.is(calls, 2, 'another token has limits of its own');
    scene.forge.intercept = undefined;
    const me = await until('it may come again', () => client.me(own).catch(() => undefined));
    t.is(me.login, 'ada');
  });

  test(`${kind}: the limit that the log of a job meets is one of its token; that of a store elsewhere is not`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, client, ada, demo, access } = scene;
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
    forge.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'Error\n' });
    const {
      items: [check],
    } = await client.checks(access(ada), NAME, commit);
    if (check === undefined) return t.fail();
    for (const [place, is_limited] of [
      ['/logs', true],
      ['/_logs', false],
    ] as const) {
      const own = access(ada);
      let calls = 0;
      forge.intercept = ({ url = '' }, response) => {
        if (!url.includes(place)) return false;
        calls++;
        response.writeHead(429, { 'retry-after': '600' }).end('{"message": "Too many"}');
        return true;
      };
      // Gitea keeps logs itself.
      if (!is_limited && kind === 'gitea') continue;
      await fails(t, client.checkLog(own, NAME, check, 1_000), 'rate_limited');
      t.is(calls, 1);
      if (!is_limited) t.is((await client.me(own)).login, 'ada');
      else
        for (const call of [client.me(own), client.checkLog(own, NAME, check, 1_000)])
          await fails(t, call, 'rate_limited');
      t.is(calls, 1);
    }
  });

  test(`${kind}: a page in place of JSON is a forge that is away; JSON of another form is a wrong answer`, async (t) => {
    const scene = await forgeScene(t, kind);
    for (const [body, malformed] of [
      ['<!doctype html><title>We will be back soon</title>', false],
      ['', false],
      ['{"id": {}, "login": []}', true],
    ] as const) {
      answerWith(scene, (_, response) => response.writeHead(200).end(body));
      t.is((await fails(t, scene.client.me(ACCESS), 'unreachable'))?.malformed, malformed, body);
    }
  });

  test(`${kind}: finds a repository by its former name, and leads nowhere else`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, client, ada, demo, access } = scene;
    const own = access(ada);
    const issue = forge.openIssue(demo, ada, { title: 'It fails' });
    await forge.rename(demo, 'renamed');
    t.like(await client.repository(own, NAME), { name: 'renamed', id: String(demo.id) });
    t.is((await client.comment(own, NAME, issue.number, 'Still here.')).body, 'Still here.');
    const seen: string[] = [];
    const elsewhere = forge.origin.replace('127.0.0.1', 'localhost');
    for (const location of [`${elsewhere}/user`, 'http://example.com/', 'file:///etc/passwd', '', '//[', '/api/loop'])
      for (const status of [301, 302, 307, 308]) {
        answerWith(scene, ({ url, headers }, response) => {
          if (url?.includes('localhost')) seen.push(headers.authorization ?? '');
          response.writeHead(status, { location }).end();
        });
        await fails(t, client.repository(ACCESS, NAME), 'unreachable');
        await fails(t, client.comment(ACCESS, NAME, 1, 'text'), 'unreachable');
      }
    t.deepEqual(seen, []);
  });

  test(`${kind}: refuses answers that are not what the API promises`, async (t) => {
    const scene = await forgeScene(t, kind);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const wrong = ['', 'null', '42', '"text"', '<html>', '{', '\u0000', '{"id":{},"login":[]}', deep];
    wrong.push(`[${'0,'.repeat(500_000)}0]`);
    for (const body of wrong) {
      answerWith(scene, (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
      for (const call of calls(scene.client)) await fails(t, call(), 'unreachable');
    }
    for (const status of [204, 304, 418, 500, 502, 503]) {
      answerWith(scene, (_, response) => response.writeHead(status).end());
      for (const call of calls(scene.client)) await fails(t, call(), 'unreachable');
    }
    answerWith(scene, (_, response) => response.socket?.destroy());
    for (const call of calls(scene.client)) await fails(t, call(), 'unreachable', /could not be reached/);
  });

  test(`${kind}: reads no more of an answer than its limit`, async (t) => {
    const scene = await forgeScene(t, kind);
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, ' ');
    answerWith(scene, (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    await fails(t, scene.client.me(ACCESS), 'unreachable', /more than/);
    t.true(sent < 4 * LIMITS.forge_answer_bytes_max);
  });

  test(`${kind}: gives up when the caller does`, async (t) => {
    const scene = await forgeScene(t, kind);
    const stop = new AbortController();
    answerWith(scene, (_, response) => {
      response.writeHead(200).write('{');
      stop.abort(new Error('stopped by the test'));
    });
    await t.throwsAsync(scene.client.me({ ...ACCESS, signal: stop.signal }), { message: 'stopped by the test' });
  });

  test(`${kind}: ends a list that has no end`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, client, ada, demo, access } = scene;
    const own = access(ada);
    const one = await (
      await fetch(`${forge.origin}${kind === 'github' ? '/api/v3' : '/api/v1'}/repos/ada/demo`)
    ).json();
    demo.permissions.clear();
    let pages = 0;
    answerWith(scene, ({ url = '' }, response) => {
      if (url.endsWith('/user')) return response.end('{"id":1,"login":"ada"}');
      pages++;
      const { origin } = forge;
      const body = kind === 'github' ? [one] : { ok: true, data: [one] };
      return response.writeHead(200, { link: `<${origin}/again>; rel="next"` }).end(JSON.stringify(body));
    });
    const { items, missing } = await client.repositories(own, { search: 'nothing-like-it', limit: 10 });
    t.deepEqual(items, []);
    t.regex(missing.join(), /has more repositories than were searched/);
    t.true(pages <= LIMITS.forge_pages_max, String(pages));
  });

  test(`${kind}: takes from texts what nobody sees, and bounds them`, async (t) => {
    const { forge, client, ada, demo, access } = await forgeScene(t, kind);
    const hidden = '\u001B[31mred\u001B[0m \u0007\u0000bell \u202Eright\u2066 \u{E0041}tag \uD800half';
    const issue = forge.openIssue(demo, ada, { title: `One\n${hidden}`, body: `Two\r\n\tthree ${hidden}` });
    forge.comment(demo, issue, ada, 'ü'.repeat(200_000));
    const thread = await client.thread(access(ada), NAME, issue.number, 10);
    t.is(thread.title, 'One red bell right tag �half');
    t.is(thread.body, 'Two\n\tthree red bell right tag �half');
    t.is(thread.comments[0]?.body.length, LIMITS.forge_text_chars_max + 1);
  });

  test(`${kind}: shows no token that the forge sends back`, async (t) => {
    const scene = await forgeScene(t, kind);
    answerWith(scene, ({ headers }, response) =>
      response
        .writeHead(422)
        .end(JSON.stringify({ message: `You sent ${headers.authorization}`, errors: [ACCESS.token] })),
    );
    for (const call of calls(scene.client)) await fails(t, call(), 'invalid', /\*\*\*/);
  });
}
