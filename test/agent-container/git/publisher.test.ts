import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Publisher } from '../../../agent-container/git/publisher.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { readRecord } from '../../../agent-container/git/workspace-record.ts';
import { setRepositoryScene } from '../../support/repository-scene.ts';

const CHECKPOINT = { message: 'Work', wip: true, with_diff: false, accept: () => true };

test("a turn that begins before the worker's own repository is made anew does not mark it as complete", async (t) => {
  const { clone, prepare, remote, write } = await setRepositoryScene(t);
  const repos = clone();
  const { own } = repos;
  const record = await prepare(repos);
  const shared = { remote, approval: null, secrets: new SecretSearch({ values: [] }), began_ms: () => 0 };
  const publisherWith = (base_commit: string | null) =>
    new Publisher({
      ...shared,
      record: { ...record, base_commit },
      emit: async () => undefined,
      tell: async () => undefined,
    });
  await write(repos, 'a.txt', 'a\n');

  await rm(join(own.git_dir, 'objects'), { recursive: true });
  const unlucky = publisherWith('f'.repeat(40));
  await t.throwsAsync(unlucky.publish(repos, CHECKPOINT));
  await unlucky.note(own, { turn: 3 });
  t.is(await readRecord(own), null);

  const publisher = publisherWith(record.base_commit);
  const published = publisher.publish(repos, CHECKPOINT);
  await publisher.note(own, { turn: 4 });
  t.is((await published).problem, null);
  t.like(await readRecord(own), { workspace: record.workspace, turn: 4 });
});
