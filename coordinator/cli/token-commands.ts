import { TokenScope } from '../../protocol/tokens.ts';
import { findToken, shortIds } from '../client/find.ts';
import { allTokens } from '../client/lists.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, printRows } from './io.ts';
import { localTime } from './render/format.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

const DAYS_DEFAULT = 90;

export const addToken = clientCommand({
  name: 'token add',
  operands: ['NAME'],
  summary: 'Make an API token for a script, and print it',
  options: {
    scope: {
      type: 'string',
      multiple: true,
      placeholder: 'SCOPE',
      help: `what it may do: ${TokenScope.options.join(', ')}; may be repeated (read)`,
    },
    days: { type: 'string', placeholder: 'N', help: `how long it is valid (${DAYS_DEFAULT})` },
    json: JSON_OPTION,
  },
  run: async ({ operands: [name], values }, io, open) => {
    const scopes = (values.scope ?? ['read']).map(readScope);
    const expires_in_days = numberOf('days', values.days) ?? DAYS_DEFAULT;
    const client = await open();
    const made = await client.call('createToken', { body: { name, scopes, expires_in_days } });
    if (values.json === true) printJson(io, made);
    else {
      // The token alone goes to the standard output, so that a script can take it.
      print(io, [[made.token]]);
      printBeside(io, [[`It is shown only now, and expires at ${localTime(made.expires_at)}.`]]);
    }
    return EXIT.succeeded;
  },
});

export const tokens = clientCommand({
  name: 'tokens',
  operands: [],
  summary: 'List your API tokens',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const items = await allTokens(await open());
    const ids = shortIds(items);
    if (values.json === true) for (const token of items) printJson(io, token);
    else if (items.length === 0)
      print(io, [['No API tokens. Make one with: ', ['command', `${PROGRAM} token add NAME`]]]);
    else
      printRows(
        io,
        items.map(({ id, name, scopes, expires_at, last_used_at }) => [
          ['bold', ids.get(id) ?? id],
          oneLine(name, 40),
          scopes.join(', '),
          `until ${localTime(expires_at)}`,
          ['dim', last_used_at === null ? 'never used' : `last used ${localTime(last_used_at)}`],
        ]),
      );
    return EXIT.succeeded;
  },
});

export const revokeToken = clientCommand({
  name: 'token revoke',
  operands: ['ID'],
  summary: 'Revoke one of your API tokens',
  options: {},
  run: async ({ operands: [part] }, io, open) => {
    const client = await open();
    await client.call('deleteToken', { params: { id: await findToken(client, part) } });
    print(io, [['The API token is revoked.']]);
    return EXIT.succeeded;
  },
});

function readScope(text: string): TokenScope {
  const scope = TokenScope.safeParse(text);
  if (scope.success) return scope.data;
  throw new UsageFailure(`'${text}' is not a scope: --scope is one of ${TokenScope.options.join(', ')}.`);
}
