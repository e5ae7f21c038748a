import { createReadStream } from 'node:fs';
import { AuditEntry } from '../../protocol/audit.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Client } from '../client/client.ts';
import { Failure } from '../client/errors.ts';
import { AuditChain } from './audit-chain.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, printRows } from './io.ts';
import type { Line } from './render/line.ts';
import { localTime } from './render/format.ts';
import { oneLine } from './render/text.ts';

const SHOWN_DEFAULT = 30;

export const audit = clientCommand({
  name: 'audit',
  operands: [],
  summary: 'As the owner: show who did what on the server, the newest last',
  options: {
    limit: { type: 'string', placeholder: 'N', help: `how many entries (${SHOWN_DEFAULT})` },
    json: JSON_OPTION,
  },
  run: async ({ values }, io, open) => {
    const client = await open();
    const limit = numberOf('limit', values.limit) ?? SHOWN_DEFAULT;
    const { items } = await client.call('listAudit', { query: { limit } });
    if (values.json === true) for (const entry of items.toReversed()) printJson(io, entry);
    else printRows(io, items.toReversed().map(entryRow));
    return EXIT.succeeded;
  },
});

export const exportAudit = clientCommand({
  name: 'audit export',
  operands: [],
  summary: 'As the owner: print the whole audit log as JSON, one entry per line, the oldest first',
  options: {},
  run: async (_, io, open) => {
    for await (const entry of entriesOf(await open())) printJson(io, entry);
    return EXIT.succeeded;
  },
});

export const verifyAudit = clientCommand({
  name: 'audit verify',
  operands: ['[FILE]'],
  summary:
    'Verify an export of the audit log, or as the owner the one of the server: that nothing was changed or left out',
  options: {
    has: {
      type: 'string',
      placeholder: 'HASH',
      help: 'an entry that it must have: the last one of an earlier check, so that the log was not written anew since',
    },
  },
  run: async ({ operands: [file], values }, io, open) => {
    const chain = new AuditChain();
    let found = values.has === undefined;
    for await (const entry of file === undefined ? entriesOf(await open()) : entriesIn(file)) {
      chain.add(entry);
      found ||= entry.hash === values.has;
    }
    const { verified } = chain;
    if (!verified) throw new Failure('There are no entries.');
    chain.requireStart();
    if (!found) throw new Failure(`There is no entry with the hash ${values.has}: the log was written anew, or cut.`);
    const { count, first, last } = verified;
    print(io, [
      [
        ['green', `${count} entries are as they were written`],
        `, from ${localTime(first.at)} to ${localTime(last.at)}.`,
      ],
      ...(first.id > 1 ? [[`The server has deleted those before the entry ${first.id}, and says so in the log.`]] : []),
      ['The last one has the hash ', ['bold', last.hash]],
    ]);
    return EXIT.succeeded;
  },
});

/** All entries of the server, oldest first. */
async function* entriesOf(client: Client): AsyncGenerator<AuditEntry> {
  let after: number | null = 0;
  while (after !== null) {
    const page: { items: AuditEntry[]; next_cursor: number | null } = await client.call('listAudit', {
      query: { after, limit: LIMITS.page_items_max },
    });
    yield* page.items;
    after = page.next_cursor;
  }
}

/** The entries of an export. */
async function* entriesIn(file: string): AsyncGenerator<AuditEntry> {
  let number = 0;
  try {
    for await (const line of linesOf(createReadStream(file, 'utf8'))) {
      number += 1;
      yield AuditEntry.parse(JSON.parse(line));
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(`${file} is not an export of an audit log: line ${Math.max(number, 1)} cannot be read.`, {
      cause,
    });
  }
}

/** The lines of a text. `readline` would break at U+2028 too, which JSON may contain. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function entryRow({ at, action, email, address, subject, detail }: AuditEntry): Line {
  const who = [email, address && `from ${address}`].filter(Boolean).join(' ');
  const facts = Object.entries(detail).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [
    ['dim', localTime(at)],
    ['bold', oneLine(action, 40)],
    ...[who, subject ?? '', ...facts].filter((part) => part !== '').map((part) => oneLine(part, 120)),
  ];
}
