import { setTimeout as delay } from 'node:timers/promises';
import { faults } from '../../support/model/server.ts';
import type { Fault } from '../fault.ts';

export const UPSTREAM_FAULTS: Fault[] = [
  {
    name: 'model: overloaded, failing, cut off in the middle of a response',
    outcome: 'the worker retries only requests that got no complete response',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const kinds = [
        faults.overloaded(),
        faults.serverError(),
        faults.overloadedMidStream(3),
        { fault: 'cut', at_byte: 700 } as const,
      ];
      const asked = () => scene.model.requests.filter(({ path }) => path === '/v1/messages').length;
      const before = asked();
      scene.model.fail(...Array.from({ length: random.whole(1, 3) }, () => random.pick(kinds)));
      return scene.happens('a request was answered with a fault', () => asked() > before);
    },
  },
  {
    name: 'forge: down for a while',
    outcome: 'pushes are retried, or the next attempt pushes',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      let refused = 0;
      scene.forge.intercept = (request, response) => {
        refused++;
        if (random.next() < 0.5) request.socket.destroy();
        else response.writeHead(503).end();
        return true;
      };
      // Most of the time nobody asks the forge.
      const happened = await scene.happens('the forge was asked', () => refused > 0);
      await delay(random.whole(500, 4_000));
      scene.forge.intercept = undefined;
      return happened;
    },
  },
  {
    name: 'forge: refuses its token for a while',
    outcome: 'the errand fails with the reason; its work is kept, and a retry pushes it',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      scene.forge.intercept = (_, response) => {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="forge"' }).end();
        return true;
      };
      const tasks = await scene.ended();
      scene.forge.intercept = undefined;
      for (const { id, status } of tasks)
        if (status === 'failed') await scene.insist(() => scene.api.call('retryTask', { params: { id } }));
      return tasks.some(({ status }) => status === 'failed');
    },
  },
];
