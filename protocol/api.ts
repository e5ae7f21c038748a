import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';
import { EGRESS } from './without-schemas.ts';
import { AttachmentIds } from './attachments.ts';
import { Bodies, LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { PullAuthor, PullRequests } from './pulls.ts';
import { FurtherRepositories } from './repositories.ts';
import {
  Effort,
  BranchName,
  BUDGET_USD_MAX,
  ImageName,
  Instructions,
  ModelName,
  Prompt,
  RepoAddress,
  Task,
  TaskStatus,
  TURNS_MAX,
} from './task.ts';
import { VariableChanges, Variables } from './variables.ts';

/*
 * The bodies and queries of the routes for projects, tasks and the server's state; `./accounts.ts` has those for
 * accounts. Requests are strict: an unknown field is an error that names it.
 */

/**
 * The header with the epoch of the database, in every response to a logged-in client; the socket's `hello` has it
 * too. A new epoch means that the database was restored from a backup: earlier cursors and ids may be void.
 */
export const EPOCH_HEADER = 'Errand-Epoch';

/**
 * The hosts that a worker may reach through the forward proxy. `registries`: the well-known package registries. `list`:
 * `egress_hosts`. `open`: any public host.
 */
export const Egress = z.enum(EGRESS);
export type Egress = z.infer<typeof Egress>;

const Host = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, SCHEMA_WORDS.not_host);
/** The most hosts in each list of a project. */
export const HOSTS_MAX = 100;
const Command = z.string().trim().min(1, 'is empty: use null for no command').max(LIMITS.command_chars_max);

const Budget = z.number().positive().max(BUDGET_USD_MAX);

const projectFields = {
  name: z.string().trim().min(1, 'is empty').max(100),
  repo_url: RepoAddress,
  base_branch: BranchName.nullable(),
  setup_command: Command.nullable(),
  verify_command: Command.nullable(),
  instructions: Instructions.nullable(),
  image: ImageName.nullable().describe("one of the server's images, for the workers; null: its default"),
  model: ModelName.nullable().describe("null: the server's default"),
  effort: Effort.nullable().describe("how much the model thinks; null: the server's default"),
  extra_models: z
    .array(ModelName)
    .max(20)
    .describe('models that errands may use besides their own, such as a small one for a worker of your own'),
  max_tokens: z
    .number()
    .int()
    .min(1024)
    .max(128_000)
    .nullable()
    .describe("the most tokens of one answer of the model; null: the model's own limit"),
  budget_usd: Budget.nullable(),
  max_turns: z.number().int().positive().max(TURNS_MAX).nullable(),
  egress: Egress,
  egress_hosts: z.array(Host).max(HOSTS_MAX),
  allowed_hosts: z
    .array(Host)
    .max(HOSTS_MAX)
    .describe('further hosts, which you allowed when an errand asked; unless `egress` is none'),
  ask_before_push: z.boolean().describe('whether errands wait for your approval before their work is pushed'),
  pull_requests: PullRequests.describe('whether errands that have succeeded open a pull request'),
  pull_author: PullAuthor.describe('in whose name it is opened'),
  ask_at_budget: z.boolean().describe('whether an errand that has spent its budget asks for more, and does not fail'),
  mentions: z
    .boolean()
    .describe('whether `@errand` and the label `errand` in an issue or pull request start an errand, if you set them'),
  follow_up: z
    .boolean()
    .describe("whether a review or a failed check of an errand's pull request sends the errand back to work"),
  env: Variables.describe(
    'plain variables for the environment of the commands. Whoever sees the project sees them, and so does the model',
  ),
};

/**
 * Fields that are stored encrypted and never shown again: the repository's credential, whose `git_username` is
 * `x-access-token` by default, and secret variables for the environment of the commands.
 */
const projectSecrets = {
  git_token: z.string().min(1).max(1000).nullable().describe('a token of the forge'),
  git_username: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^:\p{Cc}]+$/u, 'contains a colon or a control character')
    .nullable(),
  secrets: Variables,
};

const check = z
  .boolean()
  .describe(
    'whether to check first that the repository exists and the token works; true by default. Use false if the server or the forge is offline',
  );

/** Creates a project. Absent fields have their defaults. */
export const ProjectCreate = z.strictObject({
  name: projectFields.name,
  repo_url: projectFields.repo_url,
  ...z
    .object({ ...projectFields, ...projectSecrets, check })
    .omit({ name: true, repo_url: true })
    .partial().shape,
});
export type ProjectCreate = z.infer<typeof ProjectCreate>;

/**
 * Changes a project. Absent fields stay unchanged, and null removes a value, also that of one variable in `env` and
 * `secrets`.
 */
export const ProjectPatch = z.strictObject(
  z
    .object({ ...projectFields, ...projectSecrets, check })
    .extend({ env: VariableChanges, secrets: VariableChanges })
    .partial().shape,
);
export type ProjectPatch = z.infer<typeof ProjectPatch>;

/** A project: a repository with its defaults. */
export const Project = z.object({
  id: Id,
  ...projectFields,
  image: projectFields.image
    .optional()
    .describe("one of the server's images, for the workers; null: its default. Absent: the server is older than this"),
  has_git_token: z.boolean(),
  secret_names: z.array(z.string()).describe('the secret variables; their values are never shown'),
  created_at: Time,
  updated_at: Time,
});
export type Project = z.infer<typeof Project>;

/**
 * Creates a task, for a repository or a project. The project, then the server, gives the defaults of absent fields.
 */
export const TaskCreate = z
  .strictObject({
    prompt: Prompt,
    attachments: AttachmentIds.optional(),
    repo_url: RepoAddress.optional(),
    project_id: Id.optional(),
    make_project: z
      .boolean()
      .optional()
      .describe(
        'true, with repo_url: the errand belongs to your project of this repository, which is made if there is none',
      ),
    base_branch: BranchName.optional().describe('by default that in the link of repo_url, or of the project'),
    work_branch: BranchName.optional().describe(
      'a branch to work on and push to, in place of one of its own. It may be new. Never the default branch, nor a protected one',
    ),
    continue_pull: z
      .number()
      .int()
      .positive()
      .max(1_000_000_000)
      .optional()
      .describe('the number of an open pull request of the repository, whose branch the errand works on'),
    repositories: FurtherRepositories.optional().describe(
      'further repositories to work in, each another one; the commands and settings are those of the first',
    ),
    model: ModelName.optional(),
    effort: Effort.optional(),
    budget_usd: Budget.optional(),
    max_turns: z.number().int().positive().max(TURNS_MAX).optional(),
    ask_before_push: z.boolean().optional().describe('whether the work waits for your approval before it is pushed'),
    plan_first: z.boolean().optional().describe('whether it asks you with a plan before it changes anything'),
    priority: z
      .number()
      .int()
      .min(-10)
      .max(10)
      .optional()
      .describe('the order of your own queued tasks: higher first; 0 by default'),
  })
  .superRefine((value, ctx) => {
    if (value.repo_url === undefined && value.project_id === undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'or project_id is required' });
    if (value.repo_url !== undefined && value.project_id !== undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'and project_id cannot both be given' });
    if (value.work_branch !== undefined && value.continue_pull !== undefined)
      ctx.addIssue({ code: 'custom', path: ['work_branch'], message: 'and continue_pull cannot both be given' });
    if (value.make_project === true && value.repo_url === undefined)
      ctx.addIssue({ code: 'custom', path: ['make_project'], message: 'needs repo_url' });
  });
export type TaskCreate = z.infer<typeof TaskCreate>;

/** What a task changed in the repository. `truncated`: the diff was too long and is cut. */
export const Diff = z.object({
  diff: z.string().describe("git's unified diff; empty if nothing was changed"),
  truncated: z.boolean(),
  branch: z.string().nullable(),
  base_commit: z.string().nullable(),
  commit: z.string().nullable(),
});
export type Diff = z.infer<typeof Diff>;

/** The parameters of a path with `:id`. */
export const ById = z.object({ id: Id });

const Limit = z.coerce.number().int().positive().max(LIMITS.page_items_max).default(LIMITS.page_items_default);
/** A page of a list. `cursor`: the `next_cursor` of the page before. */
export const PageQuery = z.strictObject({ limit: Limit, cursor: Id.optional() });

const STATUS = TaskStatus.options.join('|');
const Statuses = z
  .string()
  .max(200)
  .regex(new RegExp(`^(${STATUS})(,(${STATUS}))*$`), `must be one of ${TaskStatus.options.join(', ')}`)
  .transform((value) => z.array(TaskStatus).parse(value.split(',')));
const Flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const TASK_CURSOR = /^(n\.)?[0-9a-hjkmnp-tv-z]{20}$/;

/** A page of tasks, of those that match all of this. */
export const TasksQuery = z.strictObject({
  limit: Limit,
  cursor: z.string().regex(TASK_CURSOR, 'is not the next_cursor of a page').optional(),
  status: Statuses.optional().describe(
    'one status, or several with commas between; `waiting,parked` has all that wait for a person',
  ),
  project_id: Id.optional(),
  q: z
    .string()
    .max(LIMITS.search_chars_max)
    .optional()
    .describe(
      'words that are all in its prompt, title, summary or repository, or begin a word there; case and diacritics do not matter',
    ),
  updated_since: Time.optional().describe('those that changed at this time or later'),
  unread: Flag.optional().describe('true: those that you have not read; false: the others'),
  archived: Flag.optional().describe('true: those that you archived; false: the others'),
  order: z
    .enum(['newest', 'needs_you'])
    .default('newest')
    .describe('needs_you: those that need you come first, each part newest first'),
});
/**
 * A page of events, in ascending order. `after`: the id of the last event that the client has. `before`: the page that
 * ends there, so that a long log opens at its end; any id above the newest, such as 9007199254740991, means the end.
 */
export const EventsQuery = z
  .strictObject({
    limit: Limit,
    after: z.coerce.number().int().nonnegative().optional(),
    before: z.coerce.number().int().positive().optional(),
    bodies: z.enum(Bodies.options).default('whole'),
  })
  .superRefine(({ after, before }, ctx) => {
    if (after !== undefined && before !== undefined)
      ctx.addIssue({ code: 'custom', path: ['before'], message: 'and after cannot both be given' });
  });
/** The parameters of a path with `:id` and `:event_id`. */
export const ByEventId = z.object({
  id: Id,
  event_id: z.string().regex(/^[1-9]\d{0,14}$/, 'is not the id of an event'),
});

/** A change of a task: whether it is archived. */
export const TaskPatch = z.strictObject({ archived: z.boolean() });
export type TaskPatch = z.infer<typeof TaskPatch>;

/** How far a task's log was read: the id of the last event that the person has seen. */
export const ReadMark = z.strictObject({ event_id: z.number().int().nonnegative() });
export type ReadMark = z.infer<typeof ReadMark>;

/** A page of a list. `next_cursor` is null on the last page. */
const page = <T extends z.ZodType, C extends z.ZodType>(item: T, cursor: C) =>
  z.object({ items: z.array(item), next_cursor: cursor.nullable() });
export const TaskPage = page(Task, z.string());
export const ProjectPage = z.object({ items: z.array(Project), next_cursor: Id.nullable() });
/**
 * A page of events. `next_cursor` is the `after` of the next page, or with `before` the `before` of the page in front
 * of it; null if there are no more events there.
 */
export const EventPage = page(LogEvent, z.number().int());
