import type { Readiness, ServerInfo } from '../../protocol/server-info.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { TURNS_MAX } from '../../protocol/task.ts';
import type { Config } from '../base/config.ts';
import type { Db } from '../sqlite/database.ts';
import { budgetMax } from '../tasks/budget-bound.ts';
import type { TaskDefaults } from '../tasks/task-commands.ts';
import type { Handlers } from './router.ts';
import { JsonText } from './json-text.ts';

/** The models that errands may name, and whether the demo model answers in place of Claude. */
export type Offer = { models: readonly string[]; demo: boolean };

type ServerHandlerDependencies = {
  readiness: () => Promise<Readiness>;
  metrics: () => Promise<string>;
  offer: Offer;
  config: TaskDefaults['config'] & Pick<Config, 'time_limit_ms' | 'worker_images'>;
  db: Db;
};

/** Routes about the server itself. */
export function serverHandlers({
  readiness,
  metrics,
  offer,
  config,
  db,
}: ServerHandlerDependencies): Pick<
  Handlers,
  'server' | 'openapi' | 'asyncapi' | 'schemas' | 'healthz' | 'readyz' | 'metrics'
> {
  const openapi = documentOf(async () => (await import('../../protocol/openapi.ts')).openapiDocument());
  const asyncapi = documentOf(async () => (await import('../../protocol/asyncapi.ts')).asyncapiDocument());
  const schemas = documentOf(async () => (await import('../../protocol/json-schema.ts')).schemaDocument());
  return {
    server: ({ who }) => serverInfo(offer, config, budgetMax(db, config, who.user_id)),
    openapi,
    asyncapi,
    schemas,
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

/** Makes a document when it is asked for the first time. To make all schemas takes a tenth of a start. */
function documentOf(make: () => Promise<object>): () => Promise<JsonText> {
  let made: Promise<JsonText> | undefined;
  return () => (made ??= make().then((document) => new JsonText(JSON.stringify(document))));
}

function serverInfo(
  { models, demo }: Offer,
  { model, effort, budget_usd, max_turns, time_limit_ms, worker_images }: ServerHandlerDependencies['config'],
  budget_usd_max: number,
): ServerInfo {
  const { text_chars_max, request_body_bytes_max } = LIMITS;
  return {
    models: [...models],
    images: [...worker_images.keys()],
    defaults: { model, effort, budget_usd: Math.min(budget_usd, budget_usd_max), max_turns },
    bounds: { budget_usd_max, max_turns_max: TURNS_MAX, text_chars_max, request_body_bytes_max },
    time_limit_ms,
    demo,
  };
}
