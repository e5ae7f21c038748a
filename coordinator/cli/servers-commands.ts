import { NotFound } from '../client/errors.ts';
import { command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, printRows } from './io.ts';
import { PROGRAM } from './render/program.ts';
import { findServer } from './servers.ts';

export const servers = command({
  name: 'servers',
  operands: [],
  summary: 'List the servers that you have logged in to',
  options: { json: JSON_OPTION },
  run: async ({ values }, io) => {
    const { current, servers: list } = await io.servers.read();
    const rows = list.map(({ name, url, email, login }) => ({
      name,
      url,
      email,
      current: name === current,
      logged_in: login !== null,
    }));
    if (values.json === true) for (const row of rows) printJson(io, row);
    else if (rows.length === 0)
      print(io, [['No servers. Log in with: ', ['command', `${PROGRAM} login --server URL`]]]);
    else
      printRows(
        io,
        rows.map((row) => [
          ['bold', `${row.current ? '*' : ' '} ${row.name}`],
          row.url,
          ['dim', row.email + (row.logged_in ? '' : ', logged out')],
        ]),
      );
    return EXIT.succeeded;
  },
});

export const use = command({
  name: 'use',
  operands: ['NAME'],
  summary: 'Make a server the one that commands go to',
  options: {},
  run: async ({ operands: [name] }, io) => {
    await io.servers.update((before) => {
      const found = findServer(before, name);
      if (!found) throw new NotFound('server', name);
      return { ...before, current: found.name };
    });
    print(io, [['Commands go to ', ['bold', name], ' from now on.']]);
    return EXIT.succeeded;
  },
});
