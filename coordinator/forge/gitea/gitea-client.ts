import type { ForgeClient } from '../forge.ts';
import { changedThreads } from '../changed-threads.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { writeComment } from '../issue-comment.ts';
import { readPullTemplate, type TemplatePlaces } from '../pull-template.ts';
import { permissionOf } from '../repository-api.ts';
import { RestApi } from '../rest-api.ts';
import { listChecks, readLog } from './checks.ts';
import { DELIVERY, signatureOf } from './deliveries.ts';
import { mergePull } from './merge.ts';
import { editPull, findPull, openPull, pullOfBranch } from './pulls.ts';
import { listReviews } from './reviews.ts';
import { findBranch, findRepository, listRepositories } from './repositories.ts';
import { ACCOUNT, ISSUE_COMMENT } from './schemas.ts';
import { editComment, labeledBy, readThread, replyTo, resolve } from './threads.ts';
/** Gitea has the root first, then its own folder. Forgejo has its own before that. */
const TEMPLATE: TemplatePlaces = {
  folders: ['.forgejo', '', '.gitea', '.github', 'docs'],
  file: /^(PULL_REQUEST_TEMPLATE|pull_request_template)\.md$/,
};

/** Where the REST API begins. */
export function apiRoot(origin: string): string {
  return `${origin}/api/v1`;
}

/** A client for Gitea and Forgejo. `origin`: such as `https://codeberg.org`. */
export function giteaClient(http: ForgeHttp, origin: string): ForgeClient {
  const api = new RestApi(http, apiRoot(origin), { accept: 'application/json' });
  return {
    kind: 'gitea',
    origin,
    me: (access) => api.call(access, { path: '/user' }, ACCOUNT),
    repositories: (access, query) => listRepositories(api, access, query, origin),
    repository: (access, name) => findRepository(api, access, name),
    permission: (access, name, login) => permissionOf(api, access, name, login),
    branch: (access, name, branch) => findBranch(api, access, name, branch),
    // Only administrators are told.
    forbiddingRules: () => Promise.resolve([]),
    pullTemplate: (access, name) => readPullTemplate(api, access, name, TEMPLATE),
    thread: (access, name, number, comments_max) => readThread(api, access, name, number, comments_max),
    changedThreads: (access, name, since) => changedThreads(api, access, name, { since, page_size: 'limit' }),
    reviews: (access, name, number) => listReviews(api, access, name, number),
    labeledBy: (access, name, number, label, since) => labeledBy(api, access, name, number, label, since),
    comment: (access, name, number, body) => writeComment(ISSUE_COMMENT, api, access, name, number, body),
    editComment: (access, name, id, body) => editComment(api, access, name, id, body),
    reply: (access, name, number, to, body) => replyTo(api, access, name, number, to, body),
    resolve: (access, name, _number, thread_id) => resolve(api, access, name, thread_id),
    openPull: (access, name, draft) => openPull(api, access, name, draft),
    pull: (access, name, number) => findPull(api, access, name, number),
    pullOfBranch: (access, name, branch) => pullOfBranch(api, access, name, branch),
    editPull: (access, name, number, patch) => editPull(api, access, name, number, patch),
    mergePull: (access, name, number, merge) => mergePull(api, access, name, number, merge),
    checks: (access, name, commit) => listChecks(api, access, name, commit),
    // All checks are statuses here, which a token may read or not.
    readableChecks: () => Promise.resolve({ items: [], missing: ['repositories'], cut: false }),
    checkLog: (access, name, check, bytes_max) => readLog(api, access, name, check, bytes_max),
    signatureOf,
    readDelivery: async ({ headers, body }, run) => (await run(body, DELIVERY, headers, api.root)).value,
  };
}
