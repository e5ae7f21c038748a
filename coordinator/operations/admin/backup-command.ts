import { readConfig } from '../../base/config.ts';
import { ADMIN_COMMANDS } from '../../cli/admin-commands.ts';
import { command } from '../../cli/command.ts';
import { EXIT } from '../../cli/exit.ts';
import { print } from '../../cli/io.ts';
import { backupConfig, configuredStore, sizeOf } from './backup-settings.ts';
import { explained } from './explained.ts';
import { requireOwnFolder } from './own-folder.ts';

export const backup = command({
  ...ADMIN_COMMANDS.backup,
  options: {},
  run: (_given, io) =>
    explained(async () => {
      const config = readConfig();
      requireOwnFolder(config);
      const { backUp } = await import('../backup/backup.ts');
      const { name, bytes, pruned } = await backUp(backupConfig(config), await configuredStore(config), io.signal);
      const old = pruned === 0 ? '' : `; ${pruned} old ${pruned === 1 ? 'one was' : 'ones were'} removed`;
      print(io, [['The backup ', ['bold', name], ` was made (${sizeOf(bytes)})${old}.`]]);
      return EXIT.succeeded;
    }),
});
