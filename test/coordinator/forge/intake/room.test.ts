import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import type { ForgeEvent } from '../../../../coordinator/forge/forge.ts';
import type { ForgeAccess } from '../../../../coordinator/forge/forge-access.ts';
import { deliveryQueue } from '../../../../coordinator/forge/intake/deliveries.ts';
import { wordsQueue } from '../../../../coordinator/forge/intake/write-words.ts';
import { numberOf, sql } from '../../../../coordinator/sqlite/database.ts';
import { insertDelivery } from '../../../../coordinator/sqlite/deliveries.ts';
import { findWords, insertWords } from '../../../../coordinator/sqlite/forge-words.ts';
import { newId } from '../../../../protocol/ids.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const OTHER = 'https://other.example';
/** More than a queue lists at once. */
const MANY = 250;
const TIMES = { first_ms: 20, max_ms: 100, give_up_ms: 60_000 };
const now = () => Date.now();

/** A server that has stopped, with a further forge. Its first forge does not answer until the end. */
async function scene(t: Parameters<typeof IntakeScene.start>[0]) {
  const base = await IntakeScene.start(t);
  await base.intake.stop();
  const other_id = newId();
  const text = `INSERT INTO forges (id, kind, origin, secrets, created_at) VALUES (?, 'github', ?, '', '')`;
  base.log.write(({ db }) => sql(db, text).run(other_id, OTHER));
  const end = Promise.withResolvers<undefined>();
  const silent = async (repo_url: string) => (repo_url.startsWith(OTHER) ? undefined : end.promise);
  const access: ForgeAccess = { forApp: silent, forPerson: (_who, repo_url) => silent(repo_url) };
  return { base, other_id, access, end: () => end.resolve(undefined) };
}

for (const [what, threadOf] of [
  ['many threads', (number: number) => number],
  ['one thread', () => 1],
] as const)
  test(`a forge that does not answer leaves room for what is to be said at others: ${what}`, async (t) => {
    const { base, other_id, access, end } = await scene(t);
    const { log, user_id, forge_id, github } = base;
    const say = (forge: string, origin: string, number: number): string => {
      const id = newId();
      const words = { id, forge_id: forge, user_id, task_id: null, project_id: null, kind: 'answer' as const };
      const place = { repo_url: `${origin}/ada/demo`, number, reply_to: null, resolves: null };
      log.write(({ db }) => insertWords(db, { ...words, ...place, body: 'x', created_at: new Date().toISOString() }));
      return id;
    };
    for (let number = 1; number <= MANY; number++) say(forge_id, github.origin, threadOf(number));
    const last = say(other_id, OTHER, MANY + 1);
    const queue = wordsQueue({ log, access, times: TIMES, now, logger: SILENT });
    queue.start();
    await until('they are settled', () => findWords(log.db, last)?.next_at === null);
    end();
    await queue.stop();
    t.pass();
  });

test('a forge that does not answer leaves room for the webhooks of others', async (t) => {
  const { base, other_id, access, end } = await scene(t);
  const { log, user_id, forge_id, github } = base;
  const open = await base.access.forApp(`${github.origin}/ada/demo`);
  if (!open) return t.fail();
  const come = (forge: string, origin: string, number: number, bot: boolean): void => {
    const name = `demo-${number % 4}`;
    if (!bot && number <= 4) base.addProject(user_id, { name: `p-${number}`, repo_url: `${origin}/ada/${name}` });
    const sender = { id: '1', login: 'ada', name: null, email: null, bot };
    const comment = { id: String(number), author: sender, body: '@errand go', created_at: '', url: '', review: null };
    const repository = { id: name, owner: 'ada', name, clone_url: `${origin}/ada/${name}`, default_branch: 'main' };
    const ids = { delivery_id: `d-${number}`, at: null };
    const event: ForgeEvent = { ...ids, type: 'comment', repository, sender, number, is_pull: false, comment };
    const row = { forge_id: forge, delivery_id: ids.delivery_id, body_hash: ids.delivery_id, repository_id: name };
    const received_at = new Date().toISOString();
    const stored = { ...row, thread: String(number), event: JSON.stringify(event), received_at };
    log.write(({ db }) => insertDelivery(db, stored));
  };
  for (let number = 1; number <= MANY; number++) come(forge_id, github.origin, number, false);
  come(other_id, OTHER, MANY + 1, true);
  const queue = deliveryQueue({
    log,
    access,
    config: readConfig({}),
    models: undefined,
    threads: base.threads,
    personAt: () => user_id,
    findForge: (id) => {
      const client = { ...open.client, origin: id === other_id ? OTHER : github.origin };
      return { id, client, webhook_secret: 'x', names: ['errand'] };
    },
    link: () => null,
    onHandled: () => undefined,
    times: TIMES,
    now,
    logger: SILENT,
  });
  queue.start();
  const text = 'SELECT count(*) FROM deliveries WHERE forge_id = ? AND next_at IS NULL';
  await until('it is handled', () => numberOf(log.db, text, other_id) === 1);
  end();
  await queue.stop();
  t.pass();
});
