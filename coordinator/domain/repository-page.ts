import { BranchName } from '../../protocol/task.ts';

/** Other host names of a forge: for its pages, or for ssh on the port of https. */
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
 * Hosts where a repository is always `/owner/name`, and the rest of the path is a page. Elsewhere repositories may be
 * in folders of any depth.
 */
const OWNER_AND_NAME_HOSTS = new Set([
  'github.com',
  'bitbucket.org',
  'codeberg.org',
  'gitea.com',
  'gitee.com',
  'git.sr.ht',
]);

/** What follows `/owner/name/` on pages of GitHub, Gitea and Forgejo, which run under any host. */
const PAGES = new Set(
  'actions blame blob branches commit commits compare edit issues pull pulls raw releases src tags tree wiki'.split(
    ' ',
  ),
);

/** Common names of main branches. No branch `main/x` can exist beside `main`, so what follows them is a path. */
const TRUNKS = new Set(['HEAD', 'develop', 'main', 'master', 'trunk']);

/** `is_page`: the address is that of a page of the repository, and not its own. */
type Page = { path: string[]; branch: string | undefined; is_page: boolean };

export function isOwnerAndNameHost(hostname: string): boolean {
  return OWNER_AND_NAME_HOSTS.has(hostname);
}

/**
 * Returns the same page under the main host name of its forge. The large forges are always asked by https, so that a
 * token is never sent unencrypted.
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
 * The repository of a forge's page, as the parts of its path, and the branch that the address names, if it names one.
 */
export function repositoryOfPage(url: URL): Page {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const { path, rest } = split(url.hostname, parts);
  return { path, branch: branchOf(rest, url), is_page: rest.length > 0 || url.search !== '' };
}

/** The branch that follows the address of a repository, as `#name`. Undefined: it is no name of a branch. */
export function branchBehind({ hash }: URL): string | undefined {
  return branchName(decode(hash.slice(1)));
}

/** Splits a path into the repository's path and its page. */
function split(hostname: string, parts: string[]): { path: string[]; rest: string[] } {
  const at = (index: number, skip = 0) => ({ path: parts.slice(0, index), rest: parts.slice(index + skip) });
  const dot_git = parts.findIndex((part) => /.\.git$/.test(part));
  if (dot_git >= 0) return at(dot_git + 1, parts[dot_git + 1] === '-' ? 1 : 0);
  // GitLab.
  if (parts.indexOf('-') >= 2) return at(parts.indexOf('-'), 1);
  const request = parts.findIndex((part, n) => n >= 2 && part === 'merge_requests' && /^\d+$/.test(parts[n + 1] ?? ''));
  if (request >= 0) return at(request);
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
    return { path: [...parts.slice(0, repos - 2), 'scm', owner, `${name}.git`], rest: parts.slice(repos + 2) };
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
    // Where the branch's name ends is not known. A wrong guess is no other branch: `a` cannot exist beside `a/b`.
    case 'blame':
    case 'blob':
    case 'edit':
    case 'raw':
      return branchName(names[0]);
    default:
      return undefined;
  }
}

/** The name if it can be that of a branch and not of a commit. `HEAD` is the default branch. */
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
