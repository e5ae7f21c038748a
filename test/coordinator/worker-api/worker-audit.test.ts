import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { WorkerAudit } from '../../../coordinator/worker-api/worker-audit.ts';
import { listAudit } from '../../../coordinator/sqlite/audit.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { git, tryGit } from '../../support/git-server.ts';
import { cloneWithWork, setUp as gitScene } from '../../support/git-proxy-scene.ts';
import { setListenerScene } from '../../support/listener-scene.ts';
import { granted, plainTarget, setUp } from '../../support/tunnel-scene.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

test('what a worker does is recorded once per attempt, and a thousand facts at most', async (t) => {
  const { scene, user_id, id: task_id, attempt } = await setListenerScene(t);
  const audit = new WorkerAudit({ log: scene.log, redactorOf: () => undefined, logger: SILENT });
  const entries = () => listAudit(scene.log.db, { after: 0, limit: 10_000 });
  const caller = { task_id, user_id, attempt };
  for (let n = 0; n < 5; n++) audit.note(caller, 'host.reached', { host: 'a.example:443' });
  audit.note(caller, 'secrets.used', { host: 'a.example:443' });
  await until('they are stored', () => entries().length === 2);
  t.like(entries()[0], {
    action: 'host.reached',
    user_id,
    subject: task_id,
    detail: { host: 'a.example:443', attempt },
  });
  for (let n = 0; n < 2_000; n++) audit.note(caller, 'host.reached', { host: `h${n}.example:443` });
  await until('the rest is stored', () => entries().length === 1_000);
  t.like(entries().at(-1)?.detail, { more: 'is not recorded' });
});

test('however many attempts a person has, their hosts take a part of the log only, and no room from their pushes', async (t) => {
  const { scene, user_id, id: task_id } = await setListenerScene(t);
  const audit = new WorkerAudit({ log: scene.log, redactorOf: () => undefined, logger: SILENT });
  const entries = () => listAudit(scene.log.db, { after: 0, limit: 10_000 });
  for (let n = 0; n < 3_000; n++) {
    const attempt = Math.floor(n / 500);
    audit.note({ task_id, user_id, attempt }, 'host.reached', { host: `h${n}.example:443` });
  }
  audit.note({ task_id, user_id, attempt: 9 }, 'git.pushed', { refs: {} });
  audit.note({ task_id, user_id: 'another', attempt: 9 }, 'host.reached', { host: 'a.example:443' });
  await until('all are stored', () => entries().length >= LIMITS.audited_facts_per_day_max + 2);
  t.is(entries().length, LIMITS.audited_facts_per_day_max + 2);
});

test('each host that a tunnel reaches is recorded, and none that is refused', async (t) => {
  const target = await plainTarget(t);
  const noted: unknown[] = [];
  const proxy = await setUp(
    t,
    target,
    { egress: 'open', egress_hosts: [] },
    { noteUse: (_, ...fact) => noted.push(fact) },
  );
  (await granted(proxy, 'example.com:443')).destroy();
  await proxy.connect('example.com:22');
  await proxy.connect('10.0.0.1:443');
  t.deepEqual(noted, [['host.reached', { host: 'example.com:443' }]]);
});

test('each push is recorded with its commits, and the use of a credential, but no push that is refused', async (t) => {
  const noted: [action: string, detail: Record<string, unknown>][] = [];
  const setting = await gitScene(t, { noteUse: (_, ...fact) => noted.push(fact) });
  const { forge, prefix } = setting;
  const clone = await cloneWithWork(setting);
  const commit = await git(clone, 'rev-parse', 'HEAD');
  t.false((await tryGit(clone, 'push', 'origin', 'HEAD:refs/heads/main')).ok);
  t.deepEqual(new Set(noted.map(([action]) => action)), new Set(['secrets.used']));
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${prefix}work`);
  t.deepEqual(noted.at(-1), ['git.pushed', { host: forge.host, refs: { [`refs/heads/${prefix}work`]: commit } }]);
  t.deepEqual(noted[0], ['secrets.used', { host: forge.host }]);
});

test('of a push of two branches the one that the repository takes is recorded, and none if it takes none', async (t) => {
  const noted: [action: string, detail: Record<string, unknown>][] = [];
  const setting = await gitScene(t, { noteUse: (_, ...fact) => noted.push(fact) });
  const { forge, prefix } = setting;
  const clone = await cloneWithWork(setting);
  const hook = join(forge.root, 'team/app/hooks/update');
  const push = (...names: string[]) =>
    tryGit(clone, 'push', 'origin', ...names.map((name) => `HEAD:refs/heads/${prefix}${name}`));
  const pushed = () =>
    noted.filter(([action]) => action === 'git.pushed').map(([, { refs }]) => Object.keys(refs ?? {}));
  await writeFile(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  t.false((await push('taken', 'refused')).ok);
  t.deepEqual(pushed(), []);
  await writeFile(hook, `#!/bin/sh\ntest "$1" = refs/heads/${prefix}taken\n`, { mode: 0o755 });
  t.false((await push('taken', 'refused')).ok);
  t.deepEqual(pushed(), [[`refs/heads/${prefix}taken`]]);
});
