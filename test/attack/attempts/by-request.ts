import type { RouteName } from '../../../protocol/routes.ts';
import { Api, type UncheckedRequest } from '../../support/api.ts';
import type { Attempt } from '../attempt.ts';
import type { AttackScene } from '../scene.ts';

export const REQUEST_REFUSED = { metric: 'errand_requests_refused_total' };

/** The bearer token of a request; undefined: none. */
export type Token = (scene: AttackScene) => string | undefined | Promise<string>;

/** The status and the beginning of the body. */
export async function answer(response: Response): Promise<string> {
  return `${response.status} ${(await response.text()).slice(0, 500)}`;
}

/** An attempt that is one request. The server counts each that it refuses. */
export function request(
  name: string,
  refused: RegExp,
  route: RouteName,
  token: Token,
  input: (scene: AttackScene) => UncheckedRequest = () => ({}),
): Attempt {
  return {
    name,
    refused,
    noticed: REQUEST_REFUSED,
    make: async (scene) => answer(await new Api(scene.url, await token(scene)).send(route, input(scene))),
  };
}
