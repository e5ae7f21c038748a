import type { Git, GitOptions } from './git.ts';

/**
 * The values of attributes of files, in the order of `names`. `options`: further ones of `git check-attr`; `env`: added
 * to its environment.
 */
export async function readAttributes(
  git: Git,
  paths: string[],
  names: string[],
  { options = [], env = {} }: { options?: string[]; env?: GitOptions['env'] } = {},
): Promise<Map<string, string[]>> {
  const args = ['check-attr', ...options, '-z', '--stdin', ...names];
  const out = await git.run(args, { input: paths.join('\0'), env, stdout_bytes_max: 256 << 20 });
  const fields = out.split('\0');
  const found = new Map<string, string[]>();
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = '', , value = ''] = fields.slice(i, i + 3);
    found.set(path, [...(found.get(path) ?? []), value]);
  }
  return found;
}
