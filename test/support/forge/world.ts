import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Permission } from '../../../coordinator/forge/forge.ts';
import type { MergeMethod } from '../../../protocol/pulls.ts';
import { git, tryGit, type GitServer } from '../git-server.ts';
import { branchCommit } from './branch-commit.ts';
import { MergeChecks } from './merge-checks.ts';

export type Person = {
  id: number;
  login: string;
  name: string | null;
  email: string | null;
  type: 'User' | 'Bot' | 'Organization';
  /** Of an organisation. */
  members: Set<Person>;
};

export type Comment = {
  id: number;
  author: Person;
  body: string;
  created_at: string;
  updated_at: string;
};

export type ReviewComment = Comment & {
  path: string;
  line: number | null;
  start_line: number | null;
  diff_hunk: string;
  commit: string;
  review_id: number;
  in_reply_to: ReviewComment | null;
  /** Of the first comment of a thread. */
  resolved: boolean;
};

export type Review = {
  id: number;
  author: Person;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED';
  body: string;
  commit: string;
  submitted_at: string;
};

export type PullPart = {
  head: string;
  base: string;
  draft: boolean;
  merged: boolean;
  /** The last commits that were seen: a branch may be deleted. */
  head_commit: string;
  base_commit: string;
  /** Whether it stays at these: at GitHub a closed one does. */
  is_frozen?: boolean;
  /** The head that webhooks told of last. */
  told_commit: string;
  /** Whether git merges it without a conflict. */
  mergeable: boolean;
  reviews: Review[];
  comments: ReviewComment[];
};

/** Somebody has put a label on an issue. */
export type Labeling = { id: number; label: string; by: Person; at: string };

export type Issue = {
  id: number;
  number: number;
  title: string;
  body: string;
  author: Person;
  state: 'open' | 'closed';
  labels: string[];
  labelings: Labeling[];
  created_at: string;
  updated_at: string;
  comments: Comment[];
  pull: PullPart | null;
};

export type PullIssue = Issue & { pull: PullPart };

export function isPull(issue: Issue): issue is PullIssue {
  return issue.pull !== null;
}

/** Issues and pull requests as both forges list them: those opened last first. */
export function changedIssues({ issues }: Repository, query: URLSearchParams): Issue[] {
  const [state, since] = [query.get('state') ?? 'open', Date.parse(query.get('since') ?? '') || 0];
  return issues
    .filter((issue) => (state === 'all' || issue.state === state) && Date.parse(issue.updated_at) >= since)
    .toReversed();
}

export type CheckRun = {
  id: number;
  name: string;
  commit: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: 'success' | 'failure' | 'cancelled' | 'skipped' | 'neutral' | 'timed_out' | 'action_required' | null;
  log: string | null;
  at: string;
  job_of: { workflow: number; event: string };
};

export type Status = {
  id: number;
  context: string;
  commit: string;
  /** The last two are Gitea's. */
  state: 'pending' | 'success' | 'failure' | 'error' | 'warning' | 'skipped';
  description: string | null;
  at: string;
};

export type Repository = {
  id: number;
  owner: Person;
  name: string;
  private: boolean;
  default_branch: string;
  permissions: Map<Person, Permission>;
  protected_branches: Set<string>;
  /** What rulesets ask for at all of its branches: the names that GitHub has for rules, and a rule with parameters. */
  rules: (string | { type: string; parameters: Record<string, unknown> })[];
  /** The default first. */
  merge_methods: MergeMethod[];
  /**
   * What GitHub requires of pull requests, but not of administrators. `nothing`: it only says that they are blocked.
   */
  requires: Set<'queue' | 'review' | 'checks' | 'conversation' | 'nothing'>;
  issues: Issue[];
  checks: CheckRun[];
  statuses: Status[];
  pushed_at: string;
};

export type RepositoryOptions = {
  owner: Person;
  name: string;
  files?: Record<string, string | Buffer>;
  private?: boolean;
  /** What others than the owner may do, by login. */
  permissions?: Record<string, Permission>;
};

const RANK: Record<Permission, number> = { none: 0, read: 1, write: 2, admin: 3 };

/** The lesser of two permissions. */
export const lesser = (one: Permission, other: Permission): Permission => (RANK[one] < RANK[other] ? one : other);
export const atLeast = (permission: Permission, needed: Permission): boolean => RANK[permission] >= RANK[needed];

/** People and repositories of a forge, and where their git data is. */
export class World {
  readonly people: Person[] = [];
  readonly repositories: Repository[] = [];
  /** Former names, in lower case as `owner/name`, and where they lead. */
  readonly moved = new Map<string, Repository>();
  readonly git_server: GitServer;
  /** In milliseconds; tests move it on. */
  now: () => number = Date.now;
  #last_id = 1000;
  readonly #merge_checks = new MergeChecks();

  constructor(git_server: GitServer) {
    this.git_server = git_server;
  }

  id(): number {
    return ++this.#last_id;
  }

  time(): string {
    return new Date(this.now()).toISOString().replace(/\.\d+/, '');
  }

  addPerson(login: string, fields: Partial<Omit<Person, 'id' | 'login'>> = {}): Person {
    const names = { name: `${login} Example`, email: `${login}@example.test` };
    const person: Person = { id: this.id(), login, ...names, type: 'User', members: new Set(), ...fields };
    this.people.push(person);
    return person;
  }

  person(login: string): Person | undefined {
    return this.people.find((person) => person.login.toLowerCase() === login.toLowerCase());
  }

  async addRepository({ owner, name, files, permissions = {}, ...rest }: RepositoryOptions): Promise<Repository> {
    await this.git_server.createRepository(`${owner.login}/${name}.git`, files);
    const given = Object.entries(permissions).map(([login, permission]): [Person, Permission] => {
      const person = this.person(login);
      if (person === undefined) throw new Error(`There is nobody called ${login}.`);
      return [person, permission];
    });
    const repository: Repository = {
      id: this.id(),
      owner,
      name,
      private: rest.private ?? false,
      default_branch: 'main',
      permissions: new Map(given),
      protected_branches: new Set(),
      rules: [],
      merge_methods: ['merge', 'squash', 'rebase'],
      requires: new Set(),
      issues: [],
      checks: [],
      statuses: [],
      pushed_at: this.time(),
    };
    this.repositories.push(repository);
    return repository;
  }

  /** Finds a repository by its name now; `moved` knows the former ones. */
  repository(owner: string, name: string): Repository | undefined {
    return this.repositories.find((repository) => nameOf(repository) === `${owner}/${name}`.toLowerCase());
  }

  permission(person: Person | null, repository: Repository): Permission {
    const open: Permission = repository.private ? 'none' : 'read';
    if (person === null) return open;
    if (repository.owner === person) return 'admin';
    const given = repository.permissions.get(person);
    if (given !== undefined) return atLeast(given, open) ? given : open;
    return repository.owner.members.has(person) ? 'write' : open;
  }

  folder({ owner, name }: Repository): string {
    return join(this.git_server.root, owner.login, `${name}.git`);
  }

  async rename(repository: Repository, to: { owner?: Person; name?: string }): Promise<void> {
    const from = this.folder(repository);
    this.moved.set(nameOf(repository), repository);
    repository.owner = to.owner ?? repository.owner;
    repository.name = to.name ?? repository.name;
    this.moved.delete(nameOf(repository));
    await mkdir(dirname(this.folder(repository)), { recursive: true });
    await rename(from, this.folder(repository));
  }

  async remove(repository: Repository): Promise<void> {
    this.repositories.splice(this.repositories.indexOf(repository), 1);
    await rm(this.folder(repository), { recursive: true });
  }

  /** The commit of a branch; undefined: there is none. */
  branch(repository: Repository, name: string): Promise<string | undefined> {
    return branchCommit(this.folder(repository), name);
  }

  /** How many commits `head` has that `base` lacks. */
  async countAhead(repository: Repository, base: string, head: string): Promise<number> {
    return Number(await git(this.folder(repository), 'rev-list', '--count', `${base}..${head}`));
  }

  /** A file's bytes at the default branch. */
  async file(repository: Repository, path: string): Promise<string | undefined> {
    const { ok, stdout } = await tryGit(this.folder(repository), 'show', `${repository.default_branch}:${path}`);
    return ok ? stdout : undefined;
  }

  /** What is in a folder of the default branch; `path` empty: in the root. Undefined: there is no such folder. */
  async listFolder(
    repository: Repository,
    path: string,
  ): Promise<{ name: string; type: 'dir' | 'file' }[] | undefined> {
    const { ok, stdout } = await tryGit(this.folder(repository), 'ls-tree', `${repository.default_branch}:${path}`);
    if (!ok) return undefined;
    const lines = stdout.split('\n').filter(Boolean);
    return lines.map((line) => ({ name: line.split('\t')[1] ?? '', type: / tree /.test(line) ? 'dir' : 'file' }));
  }

  /** The pull request with its commits as they are now. */
  async freshPull(repository: Repository, pull: PullPart): Promise<PullPart> {
    if (pull.merged || pull.is_frozen) return pull;
    pull.head_commit = (await this.branch(repository, pull.head)) ?? pull.head_commit;
    pull.base_commit = (await this.branch(repository, pull.base)) ?? pull.base_commit;
    pull.mergeable = await this.#merge_checks.merges(this.folder(repository), pull.base_commit, pull.head_commit);
    return pull;
  }
}

/** In lower case: names differ in more than case. */
function nameOf({ owner, name }: Repository): string {
  return `${owner.login}/${name}`.toLowerCase();
}

/** A secret with a prefix, such as GitHub's tokens have. */
export function secret(prefix: string): string {
  return `${prefix}${randomBytes(18).toString('hex')}`;
}
