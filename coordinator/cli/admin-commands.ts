import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beginsWith, type Synopsis } from './command.ts';
import { PROGRAM } from './render/program.ts';

/*
 * Commands that run on the server's machine and work on its data folder. They are a separate program,
 * `coordinator/operations/admin/`, because they need the server's code. An installed command line does not have that.
 */

const ADMIN_PROGRAM = fileURLToPath(new URL('../operations/admin/main.ts', import.meta.url));

/** How each of them is typed, and what it does. */
export const ADMIN_COMMANDS = {
  backup: { name: 'backup', operands: [], summary: 'Back up the database to ERRAND_BACKUP_TO, while the server runs' },
  restore: {
    name: 'restore',
    operands: ['[NAME|FILE]'],
    summary: 'Replace the database by a backup; the server must be stopped',
  },
  passwordReset: {
    name: 'password reset',
    operands: ['EMAIL'],
    summary: 'Give an account a new password; the server must be stopped',
  },
  loginLink: {
    name: 'login-link',
    operands: ['[EMAIL]'],
    summary:
      "Make a link that logs a device in to an account, by default the owner's, as a QR code; the server must run",
  },
  doctor: {
    name: 'doctor',
    operands: [],
    summary: 'Check Docker, the key, the disk, the clock and the network, and say what to do',
  },
} as const satisfies Record<string, Synopsis>;

/** Whether `argv`, the words after `errand`, name one of these commands or ask for its help. */
export function isAdminCommand(argv: readonly string[]): boolean {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  return Object.values(ADMIN_COMMANDS).some(({ name }) => beginsWith(words, name));
}

/**
 * Replaces this process with the admin program, which thereby keeps the terminal, the signals and the exit code.
 * Returns only if that program is not there, with a message for the user.
 */
export function runAdminCommand(argv: readonly string[]): string {
  if (existsSync(ADMIN_PROGRAM))
    process.execve?.(process.execPath, [PROGRAM, ...process.execArgv, ADMIN_PROGRAM, ...argv]);
  return "This command runs on the server's machine, in Errand's folder.";
}
