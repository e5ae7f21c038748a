import { ErrandError, type Why } from '../../../protocol/problem.ts';
import type { MergeMethod } from '../../../protocol/pulls.ts';
import { isoTime } from '../../base/iso-time.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import { findTask } from '../../sqlite/tasks.ts';
import type { Access, ForgeClient, ForgeRepositoryInfo, Pull, RepositoryName } from '../forge.ts';
import type { ForgeAccess } from '../forge-access.ts';
import { isAppRefused, undefinedIf } from '../forge-api-error.ts';
import { MergeRefused } from '../merge-refused.ts';
import { orElse } from '../other-token.ts';
import type { ChosenPull } from './chosen-pull.ts';
import { refusalWords } from './merge-words.ts';
import { stateOf } from './open-pull.ts';
import { changePull, pullAfterEnd } from './pull-commands.ts';

/*
 * What a person does with a pull request on its forge, while they wait for the answer. The forge decides: what it says
 * is stored at once, and a refusal is told in words.
 */

/** All calls for one request, and what is read after a failed one. Clients wait for longer than both. */
const ACT_MS = 20_000;
const AFTER_MS = 5_000;

/**
 * `commit` and `base`: the head, and the branch that it goes into, as the person has seen them. `base` undefined: as
 * stored. `method` undefined: the default of the repository.
 */
export type PullAct = { commit: string; base?: string | undefined } & (
  { do: 'ready' } | { do: 'merge'; method?: MergeMethod | undefined }
);

/** What a forge is asked for. `method` null: to make it ready. */
export type AskedFor = { repository: string; number: number; commit: string; method: MergeMethod | null };

type Acting = {
  log: EventLog;
  access: ForgeAccess;
  /** Called just before the forge is asked. Throws if that is not to be. */
  note: (tx: Tx, asked: AskedFor) => void;
  /** When to wait for the forge no longer. */
  signal?: AbortSignal;
};

/** What was learned of a pull request that is as the person wished. */
export type Acted = Partial<PullRow>;

/** How the pull request may be merged, as its forge says now. Rejects with `forbidden` or `upstream_unreachable`. */
export async function mergeMethodsOf(access: ForgeAccess, chosen: ChosenPull): Promise<MergeMethod[]> {
  return withWords(chosen, null, async () => {
    const { info } = await openAsPerson(access, chosen, AbortSignal.timeout(ACT_MS));
    return info.merge_methods;
  });
}

/**
 * Makes a pull request ready for review, or merges it. One that is so already changes nothing. Rejects with `conflict`
 * if its head or base is not what the person has seen, or the forge refuses it as it is, with `forbidden` if the token
 * may not, with `invalid` for a method that the repository does not allow, and with `upstream_unreachable`.
 */
export async function actOnPull(acting: Acting, chosen: ChosenPull, act: PullAct): Promise<Acted> {
  const { log, access, signal = AbortSignal.timeout(ACT_MS) } = acting;
  const { row } = chosen;
  if (row.state === 'merged') return {};
  const opened = await withWords(chosen, null, () => openToAct(access, chosen, signal));
  const before = await withWords(chosen, null, () => opened.read(signal));
  const learn = (pull: Pull) => log.write((tx) => storeLearned(tx, row, pull));
  if (isDone(before, act)) return changeOf(before, row);
  try {
    requireAsSeen(before, row, act);
  } catch (error) {
    learn(before);
    throw error;
  }
  const method = act.do === 'merge' ? chooseMethod(opened.methods, act.method) : null;
  const { owner, name } = opened.name;
  const { commit } = act;
  log.write((tx) => acting.note(tx, { repository: `${owner}/${name}`, number: before.number, commit, method }));
  try {
    return await withWords(chosen, method, () => opened.ask(commit, method));
  } catch (error) {
    // The answer may have been lost, or somebody else was faster.
    const after = await opened.read(AbortSignal.timeout(AFTER_MS)).catch(() => undefined);
    if (after && isDone(after, act)) return changeOf(after, row);
    learn(after ?? before);
    throw error;
  }
}

/** Stores what has become of a pull request, as a look at it does. */
export function storeActed(tx: Tx, { task, row }: ChosenPull, acted: Acted): void {
  const at = isoTime(Date.now());
  const next_look_at = acted.state === 'open' ? at : null;
  if (!changePull(tx, row.id, { ...acted, problem: null, failures: 0, next_look_at }, at)) return;
  const current = findTask(tx.db, task.id);
  // The task may have pushed in between.
  if (acted.state === 'merged' && current?.status === 'succeeded') pullAfterEnd(tx, current, row, at);
}

/** Stores what a forge says of a pull request with which it did nothing, and has it looked at now. */
function storeLearned(tx: Tx, row: PullRow, pull: Pull): void {
  const at = isoTime(Date.now());
  changePull(tx, row.id, { ...changeOf(pull, row), next_look_at: at }, at);
}

type Opened = {
  name: RepositoryName;
  methods: readonly MergeMethod[];
  read: (signal: AbortSignal) => Promise<Pull>;
  /** `method` null: to make it ready. */
  ask: (commit: string, method: MergeMethod | null) => Promise<Acted>;
};

/**
 * The access of whoever opened the pull request; where the app is refused, the person's own. The app may do more than
 * its person: they have to be able to write there themselves.
 */
async function openToAct(access: ForgeAccess, chosen: ChosenPull, signal: AbortSignal): Promise<Opened> {
  const { row } = chosen;
  const { person, name, info } = await openAsPerson(access, chosen, signal);
  const app = row.author === 'app' ? await access.forApp(row.repo_url).catch(undefinedIf(isAppRefused)) : undefined;
  const { client, token } = app ? orElse(app, () => Promise.resolve(person)) : person;
  const call: Access = { token, signal };
  const ask: Opened['ask'] = async (commit, method) => {
    if (method === null) return changeOf(await client.editPull(call, name, row.number, { draft: false }), row);
    const merge = (by: ForgeClient, as: Access) => by.mergePull(as, name, row.number, { commit, method });
    await merge(client, call).catch((error: unknown) => {
      // The base may be closed to the app, and open to its person.
      if (!app || !(error instanceof MergeRefused && error.obstacle === 'protected')) throw error;
      return merge(person.client, { token: person.token, signal });
    });
    return { state: 'merged', head_commit: commit, draft: false, conflicts: false };
  };
  const read = async (within: AbortSignal): Promise<Pull> => {
    const pull = await client.pull({ token, signal: within }, name, row.number);
    // Under the old name of a repository that was renamed there may be another one.
    if (pull.head.branch === row.head_branch) return pull;
    const params = { number: String(row.number), repository: `${name.owner}/${name.name}` };
    const message = `Number ${params.number} of ${params.repository} is another pull request now.`;
    throw new ErrandError('conflict', message, { reason: 'merge_other_pull', params });
  };
  return { name, methods: info.merge_methods, read, ask };
}

type AsPerson = {
  person: NonNullable<Awaited<ReturnType<ForgeAccess['forPerson']>>>;
  name: RepositoryName;
  info: ForgeRepositoryInfo;
};

async function openAsPerson(
  access: ForgeAccess,
  { task, row, project_id }: ChosenPull,
  signal: AbortSignal,
): Promise<AsPerson> {
  const person = await access.forPerson({ user_id: task.user_id, project_id }, row.repo_url);
  if (!person) {
    const { host } = new URL(row.repo_url);
    const why = { reason: 'forge_no_token', params: { host } } as const;
    throw new ErrandError('forbidden', `There is no token for ${host}: link your account there.`, why);
  }
  const known = { owner: row.owner ?? person.repository.owner, name: row.name ?? person.repository.name };
  const info = await person.client.repository({ token: person.token, signal }, known);
  const name = { owner: info.owner, name: info.name };
  if (info.permission === 'write' || info.permission === 'admin') return { person, name, info };
  const repository = `${name.owner}/${name.name}`;
  const why = { reason: 'forge_no_write', params: { repository } } as const;
  throw new ErrandError('forbidden', `Your token may not write to ${repository}.`, why);
}

function isDone({ state, draft }: Pull, act: PullAct): boolean {
  return state === 'merged' || (act.do === 'ready' && state === 'open' && !draft);
}

/** Throws `conflict` if the person would act on something else than they have seen. */
function requireAsSeen(pull: Pull, { base_branch }: PullRow, act: PullAct): void {
  const base = act.base ?? base_branch;
  const refuse = (text: string, why: Why): never => {
    throw new ErrandError('conflict', text, why);
  };
  if (pull.state === 'closed')
    refuse('The pull request is closed: it has to be reopened on its forge first.', { reason: 'merge_closed' });
  if (pull.head.commit !== act.commit)
    refuse('New commits have come to the branch: look at them first.', { reason: 'merge_moved' });
  if (base !== null && pull.base.branch !== base)
    refuse(`It goes into another branch now, which is ${pull.base.branch}: look at it first.`, {
      reason: 'merge_other_base',
      params: { base: pull.base.branch },
    });
  if (act.do === 'merge' && pull.draft)
    refuse('It is a draft: mark it as ready for review first.', { reason: 'merge_draft' });
}

/** Throws `invalid` for a method that the repository does not allow. */
function chooseMethod(allowed: readonly MergeMethod[], wished: MergeMethod | undefined): MergeMethod {
  const [usual] = allowed;
  if (usual === undefined)
    throw new ErrandError('conflict', 'The repository allows no way to merge.', { reason: 'merge_no_method' });
  const method = wished ?? usual;
  if (allowed.includes(method)) return method;
  const methods = allowed.join(', ');
  const message = `is not allowed by the repository: it takes ${methods}`;
  throw new ErrandError('invalid', `The request is not valid: /method ${message}`, {
    errors: [{ field: '/method', message }],
    reason: 'merge_other_methods',
    params: { methods },
  });
}

/** What is stored of a pull request that was read. The checks and conflicts of a new commit are left to a look. */
function changeOf(pull: Pull, row: PullRow): Acted {
  const { commit } = pull.head;
  const unknown = { ...(commit !== row.head_commit && { checks: null, conflicts: false }) };
  return { ...stateOf(pull), head_commit: commit, ...unknown, ...(pull.state !== 'open' && { conflicts: false }) };
}

/** Resolves as `ask` does, and rejects with words for the person. */
async function withWords<T>({ row }: ChosenPull, method: MergeMethod | null, ask: () => Promise<T>): Promise<T> {
  const asked = { host: new URL(row.repo_url).host, base: row.base_branch ?? 'the default branch', method };
  return ask().catch((error: unknown) => {
    throw refusalWords(error, asked);
  });
}
