/**
 * One row: a folder, and what the files in it may import. A folder that ends in `/**` stands for those below it too.
 */
export type Row = {
  folder: string;
  /**
   * The folders it may import: of those that stand above it in the table, the ones with these names, and the ones below
   * them.
   */
  imports: readonly string[];
  /** Packages that it alone may import. */
  packages?: readonly string[];
};

const agent = ['protocol', 'agent-container'];
const server = ['protocol', 'coordinator'];
const app = ['protocol', 'coordinator/client', 'coordinator/web'];

/**
 * Which folder may import which. Lint enforces it (`errand/arrows`): a folder imports only folders that stand above it
 * here, so no two folders import each other. A new folder needs a row: below all that it imports.
 */
export const folders: readonly Row[] = [
  { folder: '.oxlint', imports: [] },
  // `package.json`.
  { folder: '.', imports: [] },

  // What crosses a wire, and which secrets do not.
  { folder: 'protocol/secrets', imports: [] },
  { folder: 'protocol', imports: [] },

  // The worker.
  { folder: 'agent-container/base', imports: ['protocol'] },
  { folder: 'agent-container/shell', imports: agent },
  { folder: 'agent-container/model', imports: agent, packages: ['@anthropic-ai/sdk'] },
  { folder: 'agent-container/reporting', imports: agent },
  { folder: 'agent-container/proxy', imports: agent },
  { folder: 'agent-container/git', imports: agent },
  { folder: 'agent-container/tools', imports: agent },
  { folder: 'agent-container/mcp', imports: agent, packages: ['@modelcontextprotocol/client'] },
  { folder: 'agent-container/loop', imports: agent },
  { folder: 'agent-container', imports: agent },

  // The server.
  { folder: 'coordinator/base', imports: ['protocol'] },
  { folder: 'coordinator/domain', imports: ['protocol'] },
  { folder: 'coordinator/sqlite', imports: server, packages: ['better-sqlite3'] },
  { folder: 'coordinator/tasks', imports: server },
  { folder: 'coordinator/auth', imports: server },
  // The public API calls it, as it calls tasks/ and auth/.
  { folder: 'coordinator/notifications', imports: server, packages: ['http_ece'] },
  // Each forge has a folder. Those who use forges build on them: linked accounts, pull requests, what forges send, and
  // what prompts name there.
  { folder: 'coordinator/forge', imports: server },
  { folder: 'coordinator/forge/github', imports: server },
  { folder: 'coordinator/forge/gitea', imports: server },
  { folder: 'coordinator/forge/accounts', imports: server },
  { folder: 'coordinator/forge/pulls', imports: server },
  { folder: 'coordinator/forge/intake', imports: server },
  { folder: 'coordinator/forge/named', imports: server },
  { folder: 'coordinator/schedules', imports: server },
  { folder: 'coordinator/http', imports: server },
  { folder: 'coordinator/live', imports: server },
  // The ways to run a worker build on workers/, and the choice among them builds on these.
  { folder: 'coordinator/workers', imports: server },
  { folder: 'coordinator/workers/local', imports: server },
  { folder: 'coordinator/workers/process', imports: server },
  { folder: 'coordinator/workers/docker', imports: server },
  { folder: 'coordinator/workers/choice', imports: server },
  // The proxies build on worker-api/.
  { folder: 'coordinator/worker-api', imports: server },
  { folder: 'coordinator/worker-api/model', imports: server },
  { folder: 'coordinator/worker-api/git', imports: server },
  { folder: 'coordinator/worker-api/egress', imports: server },
  // Backups know nothing of the other operations, which start them.
  { folder: 'coordinator/operations/backup', imports: server },
  { folder: 'coordinator/operations/backup/s3', imports: server, packages: ['@aws-sdk/client-s3'] },
  { folder: 'coordinator/operations', imports: server },
  // The client library, the command line and the app know the server by its API alone: they run on the user's machine.
  { folder: 'coordinator/client', imports: ['protocol'] },
  { folder: 'coordinator/client/errand', imports: ['protocol', 'coordinator/client'] },
  { folder: 'coordinator/client/sync', imports: ['protocol', 'coordinator/client'] },
  { folder: 'coordinator/cli/render', imports: ['protocol', 'coordinator/client'] },
  { folder: 'coordinator/cli', imports: ['.', 'protocol', 'coordinator/client', 'coordinator/cli'] },
  { folder: 'coordinator/cli/package', imports: [] },
  // The app in the browser.
  { folder: 'coordinator/web/strings', imports: ['protocol', 'coordinator/client'] },
  { folder: 'coordinator/web/store', imports: app },
  { folder: 'coordinator/web/code', imports: app },
  { folder: 'coordinator/web/parts', imports: app },
  { folder: 'coordinator/web/app/**', imports: app },
  { folder: 'coordinator/web/worker', imports: ['protocol', 'coordinator/web/store', 'coordinator/web/code'] },
  { folder: 'coordinator/web', imports: app },
  // Commands of the command line that need the server's code.
  { folder: 'coordinator/operations/admin/checks', imports: server },
  { folder: 'coordinator/operations/admin', imports: server },
  { folder: 'coordinator/demo', imports: server },
  // The one composition root, and the programs that start the whole server.
  { folder: 'coordinator/start', imports: server },
  { folder: 'coordinator/start/trial', imports: server },
  { folder: 'coordinator', imports: server },

  { folder: 'test/**', imports: ['.oxlint', 'protocol', 'agent-container', 'coordinator'] },
];
