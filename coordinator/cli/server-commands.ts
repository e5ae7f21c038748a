import type { ServerState } from '../../protocol/server.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, printRows } from './io.ts';
import { localTime, money } from './render/format.ts';
import type { Line } from './render/line.ts';
import { oneLine } from './render/text.ts';

export const serverStatus = clientCommand({
  name: 'server status',
  operands: [],
  summary: 'As the owner: show the state of the server',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const state = await (await open()).call('getServer', {});
    if (values.json === true) printJson(io, state);
    else print(io, statusLines(state));
    return EXIT.succeeded;
  },
});

export const serverSettings = clientCommand({
  name: 'server settings',
  operands: [],
  summary: 'As the owner: show the settings of the server, and where each comes from',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const { items } = await (await open()).call('listSettings', {});
    if (values.json === true) for (const setting of items) printJson(io, setting);
    else
      printRows(
        io,
        items.map(({ name, value, secret, source }) => {
          const shown = secret ? (source === 'environment' ? '(secret)' : '(not set)') : (value ?? '(not set)');
          return [['bold', name], oneLine(shown, 80), ...(source === 'default' ? [['dim', 'default'] as const] : [])];
        }),
      );
    return EXIT.succeeded;
  },
});

function statusLines({ held, started_at, queue, workers, disk, money: spent, backup }: ServerState): Line[] {
  const limit = spent.month_usd_max === null ? '' : ` of ${money(spent.month_usd_max)}`;
  const today = spent.days.at(-1)?.cost_usd ?? 0;
  const oldest = queue.oldest_at === null ? '' : `, the oldest since ${localTime(queue.oldest_at)}`;
  return [
    held === null ? [['green', 'Errands are started.']] : [['red', held]],
    [['bold', 'since    '], localTime(started_at)],
    [['bold', 'queue    '], `${queue.queued}${oldest}`],
    [['bold', 'workers  '], `${workers.at_work} of ${workers.max} at work, ${workers.warm} ready`],
    [
      ['bold', 'disk     '],
      `${size(disk.free_bytes)} free of ${size(disk.total_bytes)}; database ${size(disk.database_bytes)}`,
    ],
    [['bold', 'money    '], `${money(today)} today, ${money(spent.month_usd)}${limit} this month`],
    [['bold', 'backup   '], backupText(backup)],
  ];
}

function backupText(backup: ServerState['backup']): string {
  if (backup === null) return 'none: see ERRAND_BACKUP_TO';
  const { succeeded_at, failed_at } = backup;
  const failed = failed_at !== null && (succeeded_at === null || failed_at > succeeded_at);
  const last = succeeded_at === null ? 'none yet' : `last made ${localTime(succeeded_at)}`;
  return failed ? `${last}; failed ${localTime(failed_at)}` : last;
}

function size(bytes: number | null): string {
  if (bytes === null) return 'unknown';
  // The units of the settings, and of what the server says of its disk.
  const mb = bytes / 1024 / 1024;
  return mb >= 1024 ? `${(mb / 1024).toFixed(1)} GB` : `${mb.toFixed(1)} MB`;
}
