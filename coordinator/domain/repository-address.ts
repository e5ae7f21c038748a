import { hasCredential } from '../../protocol/url-credential.ts';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { branchBehind, canonicalHost, isOwnerAndNameHost, repositoryOfPage } from './repository-page.ts';

/**
 * A repository's address: https, http or the sample's. `branch`: the one that the pasted address links to, if any.
 */
export type RepositoryAddress = { repo_url: string; branch: string | undefined };
/**
 * Why an address is refused, as words to follow its name, with the form that would be accepted. Never quotes a
 * credential.
 */
export type AddressRefusal = { refusal: string };

const ADDRESS_CHARS_MAX = 500;
const FORM = 'https://host/owner/name';
/** Prefixes that npm and others use for the large forges. */
const SHORTHANDS = new Map([
  ['gh', 'github.com'],
  ['github', 'github.com'],
  ['gitlab', 'gitlab.com'],
  ['bitbucket', 'bitbucket.org'],
]);

/**
 * Reads a repository's address as people paste it: any kind of clone address, or a link to a page of the repository.
 */
export function readRepositoryAddress(text: string): RepositoryAddress | AddressRefusal {
  const address = tidy(text);
  if (address === '') return refuse(`is empty: give it as ${FORM}`);
  if (address.replace(/\/$/, '') === SAMPLE_REPO_URL) return { repo_url: SAMPLE_REPO_URL, branch: undefined };
  if (/(\u2026|\.{3})\W*$/.test(text)) return refuse('ends with an ellipsis: it was cut off where it was shown');
  if (/[\s\p{Cc}]/u.test(address)) return refuse('contains a space or a line break: give the address alone');
  const found = webAddress(address);
  if (typeof found !== 'string') return found;
  // Escaped dots would be resolved like plain ones.
  if (/^[^?#]*%(2e|5c)/i.test(found)) return refuse('contains an escaped dot or backslash');
  if (!URL.canParse(found)) return refuse(`is not an address: give it as ${FORM}`);
  const given = new URL(found);
  if (hasCredential(given)) return refuseCredential(`${given.protocol}//${given.host}${given.pathname}`);
  const url = canonicalHost(given);
  const { path, branch, is_page } = repositoryOfPage(url);
  const problem = pathProblem(url, path);
  if (problem !== undefined) return refuse(problem);
  const repo_url = `${url.protocol}//${url.host}/${path.join('/')}`;
  if (repo_url.length > ADDRESS_CHARS_MAX) return refuse(`is too long: at most ${ADDRESS_CHARS_MAX} characters`);
  // Behind a page it is a place on the page, and `readme` is one that npm links to.
  if (is_page || url.hash === '' || url.hash === '#readme') return { repo_url, branch };
  const named = branchBehind(url);
  return named === undefined
    ? refuse(`names no branch behind the #: give it as ${repo_url}#branch`)
    : { repo_url, branch: named };
}

/** Removes what is copied along with an address from a chat, a document or a shell. */
function tidy(text: string): string {
  return text
    .replace(/^[\s\u200B-\u200F\u2060\uFEFF]+|[\s\u200B-\u200F\u2060\uFEFF]+$/g, '')
    .replace(/^git clone\s+(?=\S+$)/i, '')
    .replace(/^[<"'`(\u2018-\u201F\u00AB\u00BB\u2039\u203A]+/, '')
    .replace(/[>"'`).,;!?\u2018-\u201F\u00AB\u00BB\u2039\u203A]+$/, '')
    .replace(/^view-source:/i, '')
    .replace(/^(https?:\/\/)+(?=https?:\/\/)/i, '');
}

/** Turns the address into an http or https one. What follows the scheme is not checked yet. */
function webAddress(address: string): string | AddressRefusal {
  if (/^([a-z]:[\\/]|\\\\|\.{0,2}\/(?!\/)|\.{1,2}$|~|file:)/i.test(address))
    return refuse(
      `names a folder of a computer: push the repository to a git server, and give its address there: ${FORM}`,
    );
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(address) ?? [];
  switch (scheme?.toLowerCase()) {
    case undefined:
      return withoutScheme(address);
    case 'http':
    case 'https':
      return address;
    case 'git+http':
    case 'git+https':
      return address.slice('git+'.length);
    case 'ssh':
    case 'git+ssh':
    case 'ssh+git':
      return fromSsh(rest.replace(/^((?:[^@/]*@)?(?:\[[^\]]+\]|[^:/@]+)):\d{1,5}\//, '$1/'));
    case 'git':
      return refuse(`begins with git://, which is not encrypted: give it as https://${rest.replace(/^[^/]*@/, '')}`);
    default:
      return refuse(`begins with ${scheme}://: it must begin with https:// or http://, as ${FORM}`);
  }
}

/** `github.com/o/r`, `git@host:o/r`, `github:o/r`, `//host/o/r`. */
function withoutScheme(address: string): string | AddressRefusal {
  if (/^https?:/i.test(address)) return address;
  if (address.startsWith('//')) return `https:${address}`;
  if (/^[^/@]*:[^/@]*@/.test(address))
    return refuseCredential(`https://${address.slice(address.lastIndexOf('@') + 1)}`);
  const [, user, host, path = ''] = /^([^@/]+@)?(\[[^\]]+\]|[^:/@]+):(.+)$/.exec(address) ?? [];
  if (host !== undefined) {
    const shorthand = SHORTHANDS.get(host.toLowerCase());
    if (shorthand !== undefined) return `https://${shorthand}/${path}`;
    if (user === undefined && /^\d{1,5}(\/|$)/.test(path))
      return refuse(`does not say how to connect: give it as https://${address} or http://${address}`);
    // This form has no port, but people write one.
    return fromSsh(address.replace(/^([^:]*):\d{1,5}(\/[^/]+\/.)/, '$1:$2'));
  }
  if (/^([^@/]+@)?[^@/]+\.[^@/]+\//.test(address)) return `https://${address}`;
  const [, owner_and_name] = /^([\w.-]+\/[\w.-]+)$/.exec(address) ?? [];
  return refuse(
    `names no host: give it as ${owner_and_name === undefined ? FORM : `https://github.com/${owner_and_name}, for example`}`,
  );
}

/** Reads what follows `ssh://`, or the short form `git@host:path`. The port has been removed: it is that of ssh. */
function fromSsh(text: string): string | AddressRefusal {
  const [, userinfo = '', host = '', path = ''] = /^([^@/]*@)?(\[[^\]]+\]|[^:/@]+)[:/](.*)$/.exec(text) ?? [];
  const clean_path = path.replace(/^\/+/, '');
  if (userinfo.includes(':')) return refuseCredential(`https://${host}/${clean_path}`);
  if (host === '' || clean_path === '') return refuse(`names no repository: give it as ${FORM}`);
  if (!host.includes('.') && !host.startsWith('['))
    return refuse(`begins with '${host}', which is a name of your own SSH configuration: give it as ${FORM}`);
  const azure = /^v3\/([^/]+)\/([^/]+)\/([^/]+)/.exec(clean_path);
  if (host.toLowerCase() === 'ssh.dev.azure.com' && azure)
    return `https://dev.azure.com/${azure[1]}/${azure[2]}/_git/${azure[3]}`;
  return `https://${host}/${clean_path}`;
}

function pathProblem({ host, hostname }: URL, path: string[]): string | undefined {
  const text = path.join('/');
  if (path.length === 0) return `names no repository: give it as https://${host}/owner/name`;
  if (path.length < 2 && isOwnerAndNameHost(hostname))
    return `names an account and no repository: give it as https://${host}/${text}/name`;
  if (isOwnerAndNameHost(hostname) && path.some((part) => !/^~?[\w.-]+$/.test(part)))
    return `has characters that no repository at ${host} has in its name: give it as https://${host}/owner/name`;
  if (path.some((part) => part.startsWith('-'))) return `names no repository: give it as https://${host}/owner/name`;
  if (/%2f/i.test(text)) return 'contains an escaped slash';
  return undefined;
}

function refuse(refusal: string): AddressRefusal {
  return { refusal };
}

function refuseCredential(form: string): AddressRefusal {
  return refuse(`contains a credential: put the token into the project (git_token), and give the address as ${form}`);
}
