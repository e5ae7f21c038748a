import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GIT_ENVIRONMENT } from './git-environment.ts';

export type ImportedCommit = {
  branch: string;
  /** Undefined: it has none. */
  parent: string | undefined;
  message: string;
  /** Their content, by path. */
  files: Record<string, string | Buffer>;
};

/** Adds a commit to a branch of a bare repository: one process of git where clone, add, commit and push are ten. */
export async function importCommit(bare: string, { branch, parent, message, files }: ImportedCommit): Promise<void> {
  const author = `${GIT_ENVIRONMENT.GIT_AUTHOR_NAME} <${GIT_ENVIRONMENT.GIT_AUTHOR_EMAIL}>`;
  const commit = [`commit refs/heads/${branch}\n`, `committer ${author} now\n`, ...data(message)];
  const from = parent === undefined ? [] : [`from ${parent}\n`];
  const changes = Object.entries(files).flatMap(([path, content]) => [
    `M 100644 inline ${JSON.stringify(path)}\n`,
    ...data(content),
  ]);
  const importing = promisify(execFile)('git', ['fast-import', '--quiet', '--date-format=now'], {
    cwd: bare,
    env: GIT_ENVIRONMENT,
  });
  importing.child.stdin?.end(Buffer.concat([...commit, ...from, ...changes].map((part) => Buffer.from(part))));
  await importing;
}

/** A piece of data in the format of `git fast-import`. */
function data(content: string | Buffer): (string | Buffer)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, '\n'];
}
