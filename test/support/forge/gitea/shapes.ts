/*
 * The shapes of Gitea's API, as its description has them: go-gitea/gitea, templates/swagger/v1_json.tmpl and the
 * structs in modules/structs that it is generated from (user.go, repo.go, issue.go, issue_comment.go, pull.go,
 * pull_review.go, status.go, repo_actions.go, hook.go). Of each, the fields that are always there. Written in short,
 * `name:type`: `?` may be null, `[]` is a list, another name is another shape.
 */
const TEXTS = {
  User:
    'id:integer login:string username:string full_name:string email:string avatar_url:string language:string ' +
    'is_admin:boolean last_login:date created:date restricted:boolean active:boolean prohibit_login:boolean ' +
    'location:string website:string description:string',
  Permission: 'admin:boolean push:boolean pull:boolean',
  Repository:
    'id:integer owner:User name:string full_name:string description:string empty:boolean private:boolean ' +
    'fork:boolean template:boolean mirror:boolean size:integer language:string html_url:string url:string ' +
    'ssh_url:string clone_url:string website:string stars_count:integer forks_count:integer ' +
    'open_issues_count:integer open_pr_counter:integer default_branch:string archived:boolean created_at:date ' +
    'updated_at:date permissions:Permission? has_issues:boolean has_pull_requests:boolean ' +
    'allow_merge_commits:boolean allow_rebase:boolean allow_rebase_explicit:boolean allow_squash_merge:boolean ' +
    'allow_fast_forward_only_merge:boolean default_merge_style:string avatar_url:string internal:boolean ' +
    'object_format_name:string',
  Search: 'ok:boolean data:Repository[]',
  Collaborator: 'permission:string role_name:string user:User',
  PayloadUser: 'name:string email:string username:string',
  PayloadCommit: 'id:string message:string url:string author:PayloadUser? committer:PayloadUser? timestamp:date',
  Branch:
    'name:string commit:PayloadCommit protected:boolean required_approvals:integer enable_status_check:boolean ' +
    'user_can_push:boolean user_can_merge:boolean effective_branch_protection_name:string',
  Contents:
    'name:string path:string sha:string type:string size:integer encoding:string? content:string? url:string? ' +
    'html_url:string? git_url:string? download_url:string?',
  Label: 'id:integer name:string color:string description:string url:string',
  PullRequestMeta: 'merged:boolean merged_at:date? draft:boolean html_url:string',
  RepositoryMeta: 'id:integer name:string owner:string full_name:string',
  Issue:
    'id:integer url:string html_url:string number:integer user:User original_author:string ' +
    'original_author_id:integer title:string body:string ref:string labels:Label[] assignee:User? ' +
    'assignees:User[]? state:string is_locked:boolean comments:integer created_at:date updated_at:date ' +
    'closed_at:date? due_date:date? pull_request:PullRequestMeta? repository:RepositoryMeta? pin_order:integer',
  Comment:
    'id:integer html_url:string pull_request_url:string issue_url:string user:User original_author:string ' +
    'original_author_id:integer body:string created_at:date updated_at:date',
  TimelineComment:
    'id:integer type:string html_url:string pull_request_url:string issue_url:string user:User ' +
    'original_author:string original_author_id:integer body:string created_at:date updated_at:date label:Label?',
  PRBranchInfo: 'label:string ref:string sha:string repo_id:integer repo:Repository?',
  PullRequest:
    'id:integer url:string number:integer user:User title:string body:string labels:Label[] assignee:User? ' +
    'assignees:User[]? state:string draft:boolean is_locked:boolean comments:integer html_url:string ' +
    'diff_url:string patch_url:string mergeable:boolean merged:boolean merged_at:date? merge_commit_sha:string? ' +
    'merged_by:User? base:PRBranchInfo head:PRBranchInfo merge_base:string due_date:date? created_at:date? ' +
    'updated_at:date? closed_at:date?',
  PullReview:
    'id:integer user:User? state:string body:string commit_id:string stale:boolean official:boolean ' +
    'dismissed:boolean comments_count:integer submitted_at:date updated_at:date html_url:string ' +
    'pull_request_url:string',
  PullReviewComment:
    'id:integer body:string user:User resolver:User? pull_request_review_id:integer created_at:date ' +
    'updated_at:date path:string commit_id:string original_commit_id:string diff_hunk:string position:integer ' +
    'original_position:integer html_url:string pull_request_url:string',
  CommitStatus:
    'id:integer status:string target_url:string description:string url:string context:string creator:User? ' +
    'created_at:date updated_at:date',
  CombinedStatus:
    'state:string sha:string total_count:integer statuses:CommitStatus[]? repository:Repository commit_url:string ' +
    'url:string',
  Run: 'id:integer url:string html_url:string head_sha:string status:string',
  Runs: 'workflow_runs:Run[] total_count:integer',
  Job: 'id:integer url:string html_url:string run_id:integer name:string head_sha:string status:string',
  Jobs: 'jobs:Job[] total_count:integer',
  Compare: 'total_commits:integer',
  CreateComment: 'body:string',
  CreatePull: 'head:string base:string title:string body:string',
  MergePull: 'Do:string head_commit_id:string',
  CreateReview: 'event:string comments:NewComment[]',
  NewComment: 'path:string body:string new_position:integer',
  IssuePayload: 'action:string number:integer issue:Issue repository:Repository sender:User commit_id:string',
  IssueCommentPayload: 'action:string issue:Issue comment:Comment repository:Repository sender:User is_pull:boolean',
  ReviewPayload: 'type:string content:string',
  PullRequestPayload:
    'action:string number:integer pull_request:PullRequest requested_reviewer:User? repository:Repository ' +
    'sender:User commit_id:string review:ReviewPayload?',
  CommitStatusPayload:
    'commit:PayloadCommit context:string created_at:date description:string id:integer repository:Repository ' +
    'sender:User sha:string state:string target_url:string updated_at:date?',
  RepositoryPayload: 'action:string repository:Repository organization:User? sender:User',
};

const SHAPES = new Map(
  Object.entries(TEXTS).map(([name, text]) => [
    name,
    text.split(' ').map((field): [string, string] => {
      const [key = '', type = ''] = field.split(':');
      return [key, type];
    }),
  ]),
);

/** A JSON object. */
export type Json = { [key: string]: unknown };

/** The least that a shape has, with these fields. */
export function fill(shape: string, fields: Json): Json {
  const least = SHAPES.get(shape)?.map(([key, type]) => [key, leastOf(type)]) ?? [];
  return { ...(Object.fromEntries(least) as Json), ...fields };
}

/** What is wrong with a value of this shape; undefined: nothing. */
export function faultOf(shape: string, value: unknown, at = shape): string | undefined {
  if (shape.endsWith('?')) return value === null ? undefined : faultOf(shape.slice(0, -1), value, at);
  if (shape.endsWith('[]')) {
    if (!Array.isArray(value)) return `${at} is no list`;
    return firstFault(value.map((one, index) => faultOf(shape.slice(0, -2), one, `${at}[${index}]`)));
  }
  const fields = SHAPES.get(shape);
  if (fields === undefined) return isPlain(shape, value) ? undefined : `${at} is no ${shape}`;
  if (typeof value !== 'object' || value === null) return `${at} is no object`;
  return firstFault(fields.map(([key, type]) => faultOf(type, (value as Json)[key], `${at}.${key}`)));
}

function leastOf(type: string): unknown {
  if (type.endsWith('?')) return null;
  if (type.endsWith('[]')) return [];
  switch (type) {
    case 'string':
      return '';
    case 'integer':
      return 0;
    case 'boolean':
      return false;
    case 'date':
      return '2026-01-01T00:00:00Z';
    default:
      return fill(type, {});
  }
}

function isPlain(type: string, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
    default:
      return typeof value === type;
  }
}

const firstFault = (faults: (string | undefined)[]): string | undefined => faults.find((one) => one !== undefined);
