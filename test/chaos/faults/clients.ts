import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Fault } from '../fault.ts';

export const CLIENT_FAULTS: Fault[] = [
  {
    name: 'client: disconnected again and again',
    outcome: 'it reconnects with its cursor and misses nothing',
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
    outcome: 'only one page is buffered for it; other clients are not affected',
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
    name: 'client: repeats a message with its idempotency key after lost responses',
    outcome: 'the message is stored once',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const [id = ''] = scene.tasks;
      const text = 'Mind the gap.';
      const message = { params: { id }, body: { text }, headers: { 'idempotency-key': `gap-${random.whole(0, 1e9)}` } };
      await Promise.all([1, 2, 3].map(() => scene.insist(() => scene.api.call('createMessage', message))));
      await scene.kill();
      await scene.insist(() => scene.api.call('createMessage', message));
      const stored = (await scene.insist(() => scene.log(id))).filter(
        ({ type, body }) => type === 'message.received' && body['text'] === text,
      );
      if (stored.length !== 1) throw new Error(`The message was stored ${stored.length} times.`);
      return true;
    },
  },
];
