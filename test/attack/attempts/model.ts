import { MODEL } from '../../support/errand.ts';
import type { AttackGroup } from '../attempt.ts';
import { byWorker } from './by-worker.ts';

/** What a worker under somebody else's control tries with the Claude API that the server carries for it. */
export const CARRIED_MODEL: AttackGroup = {
  from: 'a worker',
  about: 'the Claude API',
  attempts: [
    byWorker('use another part of the Claude API', /^(403|404)/, { to: 'llm/v1/files' }),
    byWorker('use the administration of the Claude API', /^(403|404)/, { to: 'llm/v1/organizations/api_keys' }),
    byWorker('leave the Claude API by its path', /^(403|404)/, { to: 'llm/../../v1/models' }),
    byWorker('use a model without a price', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: { model: 'claude-unknown', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] },
    }),
    byWorker('spend more than the budget in one request', /^429.*budget/, {
      to: 'llm/v1/messages',
      body: { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'x y '.repeat(700_000) }] },
    }),
    byWorker('have the API fetch a document', /^403.*type 'url'/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [
          { role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://evil.example/?x' } }] },
        ],
      },
    }),
    byWorker('have the API connect to a server', /^403.*mcp_servers/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [{ role: 'user', content: 'x' }],
        mcp_servers: [{ type: 'url', url: 'https://evil.example', name: 'x' }],
      },
    }),
    byWorker('use a tool that the API runs, and that costs extra', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [{ role: 'user', content: 'x' }],
        tools: [{ type: 'web_search_20260209', name: 'web_search' }],
      },
    }),
    byWorker('name the model twice, with an escape', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: `{"model":"${MODEL}","m\\u006fdel":"claude-unknown","max_tokens":10,"messages":[]}`,
    }),
    byWorker('keep a container at the vendor', /^403/, {
      to: 'llm/v1/messages',
      body: { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'x' }], container: 'x' },
    }),
    byWorker('be served at a more expensive tier', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'x' }], service_tier: 'priority' },
    }),
  ],
};
