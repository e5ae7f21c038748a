import type { z } from 'zod';
import { componentsOf, mapObjects, refTo, type Json } from './json-schema.ts';
import { membersByValue, nameOf } from './named-types.ts';
import { BEARER_SUBPROTOCOL_PREFIX, CLOSE, CLOSE_MEANING, ClientFrame, ServerFrame, SUBPROTOCOL } from './socket.ts';

/* Generates the AsyncAPI 3.0 document of the WebSocket. `./socket.ts` is the contract that it describes. */

/** Makes the document, from the server's side: it sends `ServerFrame` and receives `ClientFrame`. */
export function asyncapiDocument(): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Errand: the WebSocket',
      version: '1',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      description:
        'Events of all tasks of a user as they happen, in JSON text frames. After `hello` the client sends ' +
        '`subscribe` with its cursor, and gets the events after it, `caught_up`, then live frames. Only `events` ' +
        'moves the cursor. ' +
        'GET /openapi.json describes the HTTP API.',
    },
    defaultContentType: 'application/json',
    servers: {
      errand: {
        host: '{host}',
        protocol: 'wss',
        description: 'The server that this document comes from; `ws` where it is served without TLS.',
        variables: { host: { default: 'localhost:8787', description: 'The host and port of the server.' } },
        security: [{ $ref: '#/components/securitySchemes/ticket' }, { $ref: '#/components/securitySchemes/bearer' }],
      },
    },
    channels: { socket: channel() },
    operations: {
      sendServerFrame: operation('send', 'What the server sends.', ServerFrame),
      receiveClientFrame: operation('receive', 'What a client may send.', ClientFrame),
    },
    components: {
      securitySchemes: SECURITY,
      messages: { ...messages(ServerFrame), ...messages(ClientFrame) },
      schemas: mapObjects(componentsOf([ServerFrame, ClientFrame].map(nameOf)), namedDiscriminator),
    },
  };
}

const SECURITY = {
  ticket: {
    type: 'httpApiKey',
    in: 'query',
    name: 'ticket',
    description: 'A one-time ticket from POST /ws-ticket, for clients that cannot choose a subprotocol.',
  },
  bearer: {
    type: 'httpApiKey',
    in: 'header',
    name: 'Sec-WebSocket-Protocol',
    description:
      `The subprotocols \`${SUBPROTOCOL}\` and \`${BEARER_SUBPROTOCOL_PREFIX}<access token>\`. ` +
      'The server selects the first.',
  },
};

function channel(): Json {
  const codes = Object.entries(CLOSE_MEANING).map(([name, description]) => {
    const code = CLOSE[name as keyof typeof CLOSE];
    return { code, name, description };
  });
  const list = codes.map(({ code, name, description }) => `- ${code} \`${name}\`: ${description}`);
  return {
    address: '/ws/{user_id}',
    title: 'The socket of a user',
    description:
      'An upgrade without valid credentials is accepted, and closed at once, since a browser hides the status of a ' +
      `refused upgrade. The close codes:\n\n${list.join('\n')}`,
    parameters: { user_id: { description: 'The id of the user that is logged in.' } },
    servers: [{ $ref: '#/servers/errand' }],
    messages: Object.fromEntries(
      [ServerFrame, ClientFrame].flatMap((frames) =>
        membersByValue(frames).map(([type]) => [type, { $ref: `#/components/messages/${type}` }]),
      ),
    ),
    bindings: {
      ws: {
        method: 'GET',
        query: { type: 'object', properties: { ticket: { type: 'string', description: SECURITY.ticket.description } } },
        headers: {
          type: 'object',
          properties: { 'Sec-WebSocket-Protocol': { type: 'string', description: SECURITY.bearer.description } },
        },
        bindingVersion: '0.1.0',
      },
    },
    'x-close-codes': codes,
  };
}

function operation(action: 'send' | 'receive', summary: string, frames: z.ZodDiscriminatedUnion): Json {
  return {
    action,
    summary,
    channel: { $ref: '#/channels/socket' },
    messages: membersByValue(frames).map(([type]) => ({ $ref: `#/channels/socket/messages/${type}` })),
  };
}

/** The frames as messages, by their `type`. */
function messages(frames: z.ZodDiscriminatedUnion): Json {
  return Object.fromEntries(
    membersByValue(frames).map(([type, frame]) => [
      type,
      { name: type, ...(frame.description !== undefined && { summary: frame.description }), payload: refTo(frame) },
    ]),
  );
}

/** In AsyncAPI a discriminator is the name of the property alone. */
function namedDiscriminator(schema: Json): Json {
  const { discriminator } = schema;
  if (typeof discriminator !== 'object' || discriminator === null || !('mapping' in discriminator)) return schema;
  return { ...schema, discriminator: (discriminator as Json)['propertyName'] };
}
