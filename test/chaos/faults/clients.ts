import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Fault } from '../fault.ts';

export const CLIENT_FAULTS: Fault[] = [
  {
    name: 'client: cut over and over',
    outcome: 'it comes back with its cursor and misses nothing',
    inject: async (scene, random) => {
      for (let cuts = 0; cuts < 100; cuts++) {
        if (cuts === 0 && !(await scene.moment(random))) return false;
        scene.phones[0]?.cut();
        await delay(random.whole(1, 60));
      }
      return true;
    },
  },
  {
    name: 'client: reads nothing',
    outcome: 'nothing is held for it but a page; the others go on',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const address = `${scene.api.url.replace('http', 'ws')}/ws/${scene.session.user.id}`;
      const socket = new WebSocket(address, ['errand.v1', `bearer.${scene.session.access_token}`]);
      socket.on('error', () => undefined);
      scene.cleanups.push(() => socket.terminate());
      socket.on('open', () => {
        socket.send(JSON.stringify({ type: 'subscribe', after: 0 }));
        socket.pause();
      });
      await delay(random.whole(1_000, 4_000));
      socket.terminate();
      return true;
    },
  },
  {
    name: 'client: says something, hears no answer, says it again with its key',
    outcome: 'it is said once',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const [id = ''] = scene.tasks;
      const text = 'Mind the gap.';
      const message = { params: { id }, body: { text }, headers: { 'idempotency-key': `gap-${random.whole(0, 1e9)}` } };
      await Promise.all([1, 2, 3].map(() => scene.insist(() => scene.api.call('createMessage', message))));
      await scene.kill();
      await scene.insist(() => scene.api.call('createMessage', message));
      const said = (await scene.insist(() => scene.log(id))).filter(
        ({ type, body }) => type === 'message.received' && body['text'] === text,
      );
      if (said.length !== 1) throw new Error(`It was said ${said.length} times.`);
      return true;
    },
  },
];
