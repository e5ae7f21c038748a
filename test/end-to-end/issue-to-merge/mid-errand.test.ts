import type { ExecutionContext } from 'ava';
import type { Api } from '../../support/api.ts';
import { ended } from '../../support/errand.ts';
import { eventsOf } from '../../support/events-of.ts';
import { testEachForge } from '../../support/forge/each-forge.ts';
import { ErrandAtForge } from '../../support/forge/errand-at-forge.ts';
import { isPull, type Person, type Repository } from '../../support/forge/world.ts';
import { until } from '../../support/until.ts';
import { BROKEN, textOf, turnOf } from '../scenario.ts';

type Place = { at: ErrandAtForge; repository: Repository; person: Person };
type Fate = {
  /** Whose errand it is, by login. */
  of: string;
  /** Happens when the agent has worked, and nothing is pushed yet. */
  happens: (place: Place) => void | Promise<void>;
  ends: 'succeeded' | 'failed';
  /** What the person is told; undefined: nothing, all is well. */
  words?: RegExp;
};

/** What can happen to a token or a repository while an errand works with it. */
const FATES: Record<string, Fate> = {
  'token expired': {
    of: 'ben',
    happens: ({ at, person }) => {
      for (const token of at.forge.apps.tokens) if (token.person === person) token.expires_at = at.forge.world.now();
    },
    ends: 'succeeded',
  },
  'token revoked': {
    of: 'cleo',
    happens: ({ at, person }) => at.forge.apps.revokeAll(person),
    ends: 'failed',
    words: /does not accept this link any more.*Link the account again/,
  },
  'repository renamed': {
    of: 'ann',
    happens: ({ at, repository }) => at.forge.rename(repository, 'renamed'),
    ends: 'succeeded',
  },
  'repository moved to somebody else': {
    of: 'ann',
    happens: async ({ at, repository, person }) => {
      await at.forge.transfer(repository, at.forge.world.addPerson('elsewhere'));
      repository.permissions.delete(person);
    },
    ends: 'failed',
    words: /does not allow this credential to push to/,
  },
  'repository made private': {
    of: 'ann',
    happens: ({ at, repository, person }) => {
      repository.permissions.delete(person);
      at.forge.makePrivate(repository);
    },
    ends: 'failed',
    words: /There is no repository at \S+, or this credential may not see it/,
  },
};

testEachForge(
  'a token or a repository that changes in mid-errand: it goes on where it can, else it ends with the reason',
  async (t, kind) => {
    t.timeout(180_000);
    const places = new Map<string, Place>();
    const at = await ErrandAtForge.start(t, kind, {
      handler: async (request) => {
        if (turnOf(request) === 0) return FIRST_TURN;
        const name = [...places.keys()].find((each) => textOf(request).includes(each)) ?? '';
        const place = places.get(name);
        // Once, however often the worker asks.
        places.delete(name);
        if (place) await FATES[name]?.happens(place);
        return { text: 'Add what is to be added' };
      },
    });
    const people = new Map<string, Who>();
    for (const login of new Set(Object.values(FATES).map(({ of }) => of))) {
      const person = at.forge.world.addPerson(login);
      people.set(login, { person, api: (await at.signIn(person)).api });
    }
    const meetings = Object.entries(FATES).map(async ([name, fate], n) => {
      const who = people.get(fate.of);
      if (who) await meetsFate(t, { at, places, name, fate, n, who });
    });
    await Promise.all(meetings);
  },
);

const FIRST_TURN = { tools: [{ name: 'run_command', input: { command: "sed -i 's/a - b/a + b/' add.js" } }] };

type Who = { person: Person; api: Api };
type Meeting = { at: ErrandAtForge; places: Map<string, Place>; name: string; fate: Fate; n: number; who: Who };

/** An errand in a repository of its own, which somebody else owns. */
async function meetsFate(t: ExecutionContext, { at, places, name, fate, n, who }: Meeting): Promise<void> {
  const { person, api } = who;
  const owner = at.forge.world.addPerson(`owner${n}`);
  const repository = await at.addRepository(owner, 'adder', BROKEN);
  repository.private = false;
  repository.permissions.set(person, 'write');
  const repo_url = `${at.forge.origin}/${owner.login}/adder`;
  const project = {
    name: name.replaceAll(' ', '-'),
    repo_url,
    pull_requests: 'draft' as const,
    egress: 'none' as const,
  };
  const { id: project_id } = await api.call('createProject', { body: project });
  places.set(name, { at, repository, person });
  const { id } = await api.call('createTask', { body: { prompt: `Mend it: ${name}`, project_id } });
  const task = await ended(who, id, 90_000);
  t.is(task.status, fate.ends, `${name}: ${task.detail}`);
  if (fate.words) t.regex(task.detail ?? '', fate.words, name);
  const pulls = () => repository.issues.filter(isPull);
  if (fate.ends === 'succeeded')
    await until(`${name}: its pull request is open`, async () => {
      const [pull] = (await api.call('getTask', { params: { id } })).pulls ?? [];
      return pull?.state === 'open' && pull.repository === `${owner.login}/${repository.name}`;
    });
  t.is(pulls().length, fate.ends === 'succeeded' ? 1 : 0, name);
  const told = JSON.stringify([task, await eventsOf(api, id)]);
  t.false(
    at.forge.apps.tokens.some(({ value }) => told.includes(value)),
    name,
  );
}
