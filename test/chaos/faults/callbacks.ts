import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { Interposer, type Passing } from '../interposer.ts';
import { PACE } from '../pace.ts';
import type { Random } from '../../support/random.ts';
import type { Scene } from '../scene.ts';

const links = new WeakMap<Scene, Interposer>();

function interpose(scene: Scene): void {
  const link = new Interposer(scene.data_dir);
  links.set(scene, link);
  scene.cleanups.push(() => link.stop());
}

/** A fault between workers and coordinator: for a while, callbacks are handled by `how`. */
function onTheWay(name: string, outcome: string, how: (random: Random) => (passing: Passing) => Promise<void>): Fault {
  return {
    name: `callbacks: ${name}`,
    outcome,
    prepare: interpose,
    inject: async (scene, random) => {
      const link = links.get(scene);
      if (!link || !(await scene.moment(random))) return false;
      const before = link.seen;
      const whole = link.pass;
      link.pass = how(random);
      await delay(random.whole(1_500, 4_000));
      link.pass = whole;
      return link.seen > before;
    },
  };
}

const STORED_ONCE = 'duplicates are acknowledged and stored once';

export const CALLBACK_FAULTS: Fault[] = [
  onTheWay(
    'cut',
    'the worker spools its events and sends them again; the lease does not expire',
    () =>
      async ({ cut }) =>
        cut(),
  ),
  {
    name: 'network: down for longer than a lease, then up again',
    outcome: 'the attempt is fenced; its worker is refused and stops; the next attempt resumes',
    prepare: interpose,
    inject: async (scene, random) => {
      const link = links.get(scene);
      if (!link || !(await scene.moment(random))) return false;
      const before = link.seen;
      link.shut();
      await delay(PACE.lease_ms + random.whole(1_000, 2_000));
      link.open();
      return link.seen > before;
    },
  },
  onTheWay('delayed', 'slower, nothing lost', (random) => async ({ send, reply }) => {
    await delay(random.whole(50, 900));
    reply(await send());
  }),
  onTheWay('cut after the request arrived, before the reply', STORED_ONCE, () => async ({ send, cut }) => {
    await send();
    cut();
  }),
  onTheWay('duplicated', STORED_ONCE, () => async ({ send, reply }) => {
    const [first] = await Promise.all([send(), send()]);
    reply(first);
  }),
  onTheWay(
    'late: the reply is lost, and a copy arrives seconds later',
    STORED_ONCE,
    (random) =>
      async ({ send, cut }) => {
        cut();
        await delay(random.whole(100, 3_000));
        await send();
      },
  ),
  onTheWay(
    'reordered, some lost',
    'seq numbers and acknowledgements restore the order',
    (random) =>
      async ({ send, reply, cut }) => {
        await delay(random.whole(0, 500));
        if (random.next() < 0.3) return cut();
        const answer = await send();
        await delay(random.whole(0, 500));
        return random.next() < 0.3 ? cut() : reply(answer);
      },
  ),
];
