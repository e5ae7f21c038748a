import { BranchName } from '../../protocol/task.ts';

/** Aliases of a forge's host: for its pages, or for ssh on the https port. */
const HOST_ALIASES = new Map([
  ['www.github.com', 'github.com'],
  ['github.dev', 'github.com'],
  ['ssh.github.com', 'github.com'],
  ['www.gitlab.com', 'gitlab.com'],
  ['altssh.gitlab.com', 'gitlab.com'],
  ['www.bitbucket.org', 'bitbucket.org'],
  ['altssh.bitbucket.org', 'bitbucket.org'],
]);

/**
 * On these a repository is `/owner/name`, and what follows is a page of it. Elsewhere repositories may be in folders of
 * any depth.
 */
const OWNER_AND_NAME_HOSTS = new Set([
  'github.com',
  'bitbucket.org',
  'codeberg.org',
  'gitea.com',
  'gitee.com',
  'git.sr.ht',
]);

/** The path segments after `/owner/name/` in links to GitHub, Gitea and Forgejo, which may run on any host. */
const PAGES = new Set(
  'actions blame blob branches commit commits compare edit issues pull pulls raw releases src tags tree wiki'.split(
    ' ',
  ),
);

/** Common branch names that are no prefix of others: the rest of a link is a file's path. */
const TRUNKS = new Set(['HEAD', 'develop', 'main', 'master', 'trunk']);

type Page = { path: string[]; branch: string | undefined };

export function isOwnerAndNameHost(hostname: string): boolean {
  return OWNER_AND_NAME_HOSTS.has(hostname);
}

/**
 * The same page under the forge's main name. A forge that has one way to find repositories is always asked by https: a
 * token must not go out unencrypted.
 */
export function canonicalHost(given: URL): URL {
  const url = new URL(given);
  url.hostname = HOST_ALIASES.get(url.hostname) ?? url.hostname;
  if (isOwnerAndNameHost(url.hostname)) url.protocol = 'https:';
  const [first, second, third, ...rest] = url.pathname.split('/').filter((part) => part !== '');
  if (url.hostname === 'api.github.com' && first === 'repos') return new URL(`https://github.com/${second}/${third}`);
  if (url.hostname === 'raw.githubusercontent.com')
    return new URL(`https://github.com/${[first, second, 'raw', third, ...rest].join('/')}`);
  return url;
}

/**
 * The repository that a forge's page belongs to, as the parts of its path, and the branch that the page shows, if its
 * address names one.
 */
export function repositoryOfPage(url: URL): Page {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const { path, rest } = split(url.hostname, parts);
  return { path, branch: branchOf(rest, url) };
}

/** Splits a path into the repository's path and its page. */
function split(hostname: string, parts: string[]): { path: string[]; rest: string[] } {
  const at = (index: number, skip = 0) => ({ path: parts.slice(0, index), rest: parts.slice(index + skip) });
  const dot_git = parts.findIndex((part) => /.\.git$/.test(part));
  if (dot_git >= 0) return at(dot_git + 1, parts[dot_git + 1] === '-' ? 1 : 0);
  // GitLab.
  if (parts.indexOf('-') >= 2) return at(parts.indexOf('-'), 1);
  const plus = parts.indexOf('+');
  // Gitiles.
  if (plus >= 1) return { path: parts.slice(0, plus), rest: ['tree', ...parts.slice(plus + 1)] };
  // Azure DevOps.
  if (parts.includes('_git')) return at(parts.indexOf('_git') + 2);
  // Bitbucket Data Center shows repositories at another path than it serves them.
  const repos = parts.indexOf('repos');
  const [kind, key, name] = [parts[repos - 2], parts[repos - 1], parts[repos + 1]];
  if (name !== undefined && key !== undefined && (kind === 'projects' || kind === 'users')) {
    const owner = kind === 'users' ? `~${key}` : key;
    return { path: [...parts.slice(0, repos - 2), 'scm', owner, `${name}.git`], rest: [] };
  }
  if (isOwnerAndNameHost(hostname) || (PAGES.has(parts[2] ?? '') && parts.length > 3)) return at(2);
  return { path: parts, rest: [] };
}

function branchOf([page, ...rest]: string[], { hostname, searchParams }: URL): string | undefined {
  const named = searchParams.get('at') ?? /^GB(.*)$/.exec(searchParams.get('version') ?? '')?.[1];
  if (named !== undefined && named !== null) return branchName(named.replace(/^refs\/heads\//, ''));
  const names = rest.map(decode);
  if (names[0] === 'refs' && names[1] === 'heads') names.splice(0, 2);
  else if (names[0] === 'branch' && names.length > 1) names.splice(0, 1);
  else if (page === 'src' && hostname !== 'bitbucket.org') return undefined;
  switch (page) {
    case 'tree':
    case 'branch':
    case 'commits':
      return branchName(TRUNKS.has(names[0] ?? '') ? names[0] : names.join('/'));
    case 'src':
      return branchName(hostname === 'bitbucket.org' || TRUNKS.has(names[0] ?? '') ? names[0] : names.join('/'));
    // Which part of the path is the branch's is not known. If the guess is wrong, no such branch can exist, since git
    // has no branch below another.
    case 'blame':
    case 'blob':
    case 'edit':
    case 'raw':
      return branchName(names[0]);
    default:
      return undefined;
  }
}

/** The name if it is a valid branch name and not a commit hash. `HEAD` means the default branch. */
function branchName(name: string | undefined): string | undefined {
  if (name === undefined || name === 'HEAD' || /^([0-9a-f]{12}|[0-9a-f]{40}|[0-9a-f]{64})$/.test(name))
    return undefined;
  return BranchName.safeParse(name).success ? name : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
