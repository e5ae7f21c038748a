import type { Git } from './git.ts';

/**
 * The LFS server that `.lfsconfig` names in place of the repository's own, for people; null: it names none. `tree`: the
 * commit to look into; empty: the index. The worker reaches the repository's own alone.
 */
export async function otherLfsServer(own: Git, tree: string, repo_url: string): Promise<string | null> {
  const args = [
    'config',
    '--blob',
    `${tree}:.lfsconfig`,
    '--get-regexp',
    '^(lfs\\.(push)?url|remote\\.origin\\.lfs(push)?url)$',
  ];
  const { code, stdout } = await own.try(args);
  if (code !== 0) return null;
  const named = stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => /^\S+ (.+)$/.exec(line)?.[1] ?? []);
  const other = named.find((address) => bareAddress(address) !== bareAddress(repo_url));
  if (other === undefined) return null;
  return URL.canParse(other) && new URL(other).host !== '' ? new URL(other).host : 'another server';
}

/** What the addresses of a repository and of its own LFS server have in common. */
function bareAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\/info\/lfs$/, '')
    .replace(/\.git$/, '');
}
