import { setTimeout as delay } from 'node:timers/promises';
import { faults } from '../../support/model/server.ts';
import type { Fault } from '../fault.ts';

export const UPSTREAM_FAULTS: Fault[] = [
  {
    name: 'model: overloaded, failing, cut in the middle of an answer',
    outcome: 'asked again, and only for what was not answered',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      const kinds = [
        faults.overloaded(),
        faults.serverError(),
        faults.overloadedMidStream(3),
        { fault: 'cut', at_byte: 700 } as const,
      ];
      scene.model.fail(...Array.from({ length: random.whole(1, 3) }, () => random.pick(kinds)));
      return true;
    },
  },
  {
    name: 'forge: down for a while',
    outcome: 'pushes are tried again, or the next attempt pushes',
    inject: async (scene, random) => {
      if (!(await scene.moment(random))) return false;
      scene.forge.intercept = (request, response) => {
        if (random.next() < 0.5) request.socket.destroy();
        else response.writeHead(503).end();
        return true;
      };
      await delay(random.whole(500, 4_000));
      scene.forge.intercept = undefined;
      return true;
    },
  },
];
