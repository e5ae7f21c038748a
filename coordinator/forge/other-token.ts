import type { ForgeCredential } from '../domain/forge-repository.ts';
import type { Access, ForgeClient } from './forge.ts';
import type { OpenForge } from './forge-access.ts';
import { ForgeApiError, isAppRefused, isTokenRefused, undefinedIf } from './forge-api-error.ts';

/*
 * What happens where a forge refuses a token: it is renewed, or another one that may be used is. Callers see one
 * client, and their calls succeed if any token may make them.
 */

/** One call, to be made with this client and access. */
type Call<T> = (client: ForgeClient, access: Access) => Promise<T>;
/** Makes a call, perhaps more than once. */
type Run = <T>(access: Access, call: Call<T>) => Promise<T>;
type FindAccess = () => Promise<OpenForge | undefined>;

/**
 * The first access, and the next one for each call that the forge refuses to the first. It stays with what has worked.
 */
export function orElse(first: OpenForge, findNext: FindAccess): OpenForge {
  let in_use = first;
  const run: Run = async (access, call) => {
    const { client, token } = in_use;
    try {
      return await call(client, { ...access, token });
    } catch (error) {
      const is_refused = isTokenRefused(error) || isAppRefused(error);
      const next = in_use === first && is_refused ? await findNext().catch(undefinedIf(isAppRefused)) : undefined;
      if (!next || next.token === token) throw error;
      const answer = await call(next.client, { ...access, token: next.token });
      in_use = next;
      return answer;
    }
  };
  return { ...first, client: routed(first.client, run) };
}

/**
 * The access of the first way, as `orElse`; that of the second where the first has none. A forge that does not accept
 * the key of the server's app is told only where there is no other way.
 */
export async function eitherOf(findFirst: FindAccess, findSecond: FindAccess): Promise<OpenForge | undefined> {
  const first = await findFirst().catch((error: unknown) => {
    if (!isAppRefused(error)) throw error;
    return error;
  });
  if (first && !(first instanceof ForgeApiError)) return orElse(first, findSecond);
  const second = await findSecond();
  if (first && !second) throw first;
  return second;
}

/**
 * An access whose token is renewed once the forge does not accept it any more. `hint`: what to tell a person to whom
 * the forge refuses something, or shows nothing.
 */
export function renewing(open: OpenForge, { renew, hint }: Pick<ForgeCredential, 'renew' | 'hint'>): OpenForge {
  let { token } = open;
  const run: Run = async (access, call) => {
    try {
      return await call(open.client, { ...access, token });
    } catch (error) {
      if (!(error instanceof ForgeApiError)) throw error;
      if (error.fault !== 'unauthorized' || !renew) throw hinted(error, hint);
      const renewed = await renew(token);
      if ('fault' in renewed) throw new ForgeApiError('unauthorized', renewed.fault, { cause: error });
      token = renewed.password;
      return call(open.client, { ...access, token });
    }
  };
  return { ...open, client: routed(open.client, run) };
}

function hinted(error: ForgeApiError, hint: string | undefined): ForgeApiError {
  if (hint === undefined || !isTokenRefused(error)) return error;
  return new ForgeApiError(error.fault, `${error.message} ${hint}`, { cause: error, hint });
}

/** A client whose calls are made by `run`. */
function routed(client: ForgeClient, run: Run): ForgeClient {
  return {
    kind: client.kind,
    origin: client.origin,
    me: (access) => run(access, (to, by) => to.me(by)),
    repositories: (access, query) => run(access, (to, by) => to.repositories(by, query)),
    repository: (access, name) => run(access, (to, by) => to.repository(by, name)),
    permission: (access, name, login) => run(access, (to, by) => to.permission(by, name, login)),
    branch: (access, name, branch) => run(access, (to, by) => to.branch(by, name, branch)),
    forbiddingRules: (access, name, branch) => run(access, (to, by) => to.forbiddingRules(by, name, branch)),
    pullTemplate: (access, name) => run(access, (to, by) => to.pullTemplate(by, name)),
    thread: (access, name, number, max) => run(access, (to, by) => to.thread(by, name, number, max)),
    changedThreads: (access, name, since) => run(access, (to, by) => to.changedThreads(by, name, since)),
    reviews: (access, name, number) => run(access, (to, by) => to.reviews(by, name, number)),
    labeledBy: (access, name, number, label, since) =>
      run(access, (to, by) => to.labeledBy(by, name, number, label, since)),
    comment: (access, name, number, body) => run(access, (to, by) => to.comment(by, name, number, body)),
    editComment: (access, name, id, body) => run(access, (to, by) => to.editComment(by, name, id, body)),
    reply: (access, name, number, comment, body) => run(access, (to, by) => to.reply(by, name, number, comment, body)),
    resolve: (access, name, number, thread_id) => run(access, (to, by) => to.resolve(by, name, number, thread_id)),
    openPull: (access, name, draft) => run(access, (to, by) => to.openPull(by, name, draft)),
    pull: (access, name, number) => run(access, (to, by) => to.pull(by, name, number)),
    pullOfBranch: (access, name, branch) => run(access, (to, by) => to.pullOfBranch(by, name, branch)),
    editPull: (access, name, number, patch) => run(access, (to, by) => to.editPull(by, name, number, patch)),
    mergePull: (access, name, number, merge) => run(access, (to, by) => to.mergePull(by, name, number, merge)),
    checks: (access, name, commit) => run(access, (to, by) => to.checks(by, name, commit)),
    readableChecks: (access, name, commit) => run(access, (to, by) => to.readableChecks(by, name, commit)),
    checkLog: (access, name, check, bytes_max) => run(access, (to, by) => to.checkLog(by, name, check, bytes_max)),
    signatureOf: client.signatureOf,
    readDelivery: client.readDelivery,
  };
}
