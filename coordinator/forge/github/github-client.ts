import type { Access, ForgeClient, ForgePerson } from '../forge.ts';
import { changedThreads } from '../changed-threads.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { writeComment } from '../issue-comment.ts';
import { readPullTemplate, type TemplatePlaces } from '../pull-template.ts';
import { permissionOf } from '../repository-api.ts';
import { RestApi } from '../rest-api.ts';
import { apiRoot, graphqlRoot } from './api-root.ts';
import { listChecks, listReadableChecks, readLog } from './checks.ts';
import { DELIVERY, signatureOf } from './deliveries.ts';
import { GraphqlApi } from './graphql.ts';
import { mergePull } from './merge.ts';
import { editPull, findPull, openPull, pullOfBranch } from './pulls.ts';
import { listReviews } from './reviews.ts';
import { findBranch, findForbiddingRules, findRepository } from './repositories.ts';
import { RepositoryLists } from './repository-lists.ts';
import { ACCOUNT, ISSUE_COMMENT } from './schemas.ts';
import { editComment, labeledBy, readThread, replyTo } from './threads.ts';

const HEADERS = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
/** The case of the name does not matter. A folder of templates has none that is meant unless one is named. */
const TEMPLATE: TemplatePlaces = { folders: ['.github', '', 'docs'], file: /^pull_request_template(\.(md|txt))?$/i };

/** The REST API of the GitHub at an origin. */
export function restApiOf(http: ForgeHttp, origin: string): RestApi {
  return new RestApi(http, apiRoot(origin), HEADERS);
}

/**
 * A client for GitHub. `origin`: `https://github.com`, that of a company at ghe.com, or that of an Enterprise server.
 */
export function gitHubClient(http: ForgeHttp, origin: string): ForgeClient {
  const api = restApiOf(http, origin);
  const graphql = new GraphqlApi(new RestApi(http, graphqlRoot(origin), HEADERS));
  const lists = new RepositoryLists(api, origin);
  return {
    kind: 'github',
    origin,
    me: (access: Access): Promise<ForgePerson> => api.call(access, { path: '/user' }, ACCOUNT),
    repositories: (access, query) => lists.list(access, query),
    repository: (access, name) => findRepository(api, access, name),
    permission: (access, name, login) => permissionOf(api, access, name, login),
    branch: (access, name, branch) => findBranch(api, access, name, branch),
    forbiddingRules: (access, name, branch) => findForbiddingRules(api, access, name, branch),
    pullTemplate: (access, name) => readPullTemplate(api, access, name, TEMPLATE),
    thread: (access, name, number, comments_max) => readThread(api, access, name, number, comments_max),
    changedThreads: (access, name, since) => changedThreads(api, access, name, { since, page_size: 'per_page' }),
    reviews: (access, name, number) => listReviews(api, access, name, number),
    labeledBy: (access, name, number, label) => labeledBy(api, access, name, number, label),
    comment: (access, name, number, body) => writeComment(ISSUE_COMMENT, api, access, name, number, body),
    editComment: (access, name, id, body) => editComment(api, access, name, id, body),
    reply: (access, name, number, to, body) => replyTo(api, access, name, number, to, body),
    resolve: (access, name, number, thread_id) => graphql.resolve(access, name, number, thread_id),
    openPull: (access, name, draft) => openPull(api, access, name, draft),
    pull: (access, name, number) => findPull(api, access, name, number),
    pullOfBranch: (access, name, branch) => pullOfBranch(api, access, name, branch),
    editPull: (access, name, number, patch) => editPull(api, graphql, access, name, number, patch),
    mergePull: (access, name, number, merge) => mergePull(api, graphql, access, name, number, merge),
    checks: (access, name, commit) => listChecks(api, access, name, commit),
    readableChecks: (access, name, commit) => listReadableChecks(api, access, name, commit),
    checkLog: (access, name, check, bytes_max) => readLog(api, access, name, check, bytes_max),
    signatureOf,
    readDelivery: async ({ headers, body }, run) => (await run(body, DELIVERY, headers)).value,
  };
}
