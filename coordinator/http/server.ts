import { openapiDocument } from '../../protocol/openapi.ts';
import type { Readiness } from '../../protocol/api.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Handlers } from './router.ts';
import { JsonText } from './json-text.ts';

/** Routes about the server itself. */
export function serverHandlers(
  readiness: () => Promise<Readiness>,
  metrics: () => Promise<string>,
): Pick<Handlers, 'openapi' | 'healthz' | 'readyz' | 'metrics'> {
  const document = new JsonText(JSON.stringify(openapiDocument()));
  return {
    openapi: () => document,
    healthz: () => ({ ok: true }),
    readyz: async () => {
      const state = await readiness();
      if (state.ready) return state;
      const failed = Object.entries(state.checks).filter(([, check]) => !check.ok);
      throw new ErrandError('unavailable', 'The server cannot do its work now.', {
        errors: failed.map(([name, { detail }]) => ({ field: `/checks/${name}`, message: detail })),
        retry_after_s: 5,
      });
    },
    metrics: () => metrics(),
  };
}
