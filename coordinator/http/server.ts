import { asyncapiDocument } from '../../protocol/asyncapi.ts';
import { schemaDocument } from '../../protocol/json-schema.ts';
import { openapiDocument } from '../../protocol/openapi.ts';
import type { Readiness } from '../../protocol/api.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Handlers } from './router.ts';
import { JsonText } from './json-text.ts';

/** Routes about the server itself. */
export function serverHandlers(
  readiness: () => Promise<Readiness>,
  metrics: () => Promise<string>,
): Pick<Handlers, 'openapi' | 'asyncapi' | 'schemas' | 'healthz' | 'readyz' | 'metrics'> {
  const openapi = new JsonText(JSON.stringify(openapiDocument()));
  const asyncapi = new JsonText(JSON.stringify(asyncapiDocument()));
  const schemas = new JsonText(JSON.stringify(schemaDocument()));
  return {
    openapi: () => openapi,
    asyncapi: () => asyncapi,
    schemas: () => schemas,
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
