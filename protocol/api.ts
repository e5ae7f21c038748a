import { z } from 'zod';
import { LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import {
  Effort,
  BranchName,
  BUDGET_USD_MAX,
  ModelName,
  Prompt,
  RepoAddress,
  Task,
  TaskStatus,
  TURNS_MAX,
} from './task.ts';

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
 * The hosts that a worker may reach through the forward proxy. `registries`: the well-known package registries.
 * `list`: `egress_hosts`. `open`: any public host.
 */
export const Egress = z.enum(['none', 'registries', 'list', 'open']);
export type Egress = z.infer<typeof Egress>;

const Host = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'is not a host name, or *.name for all names below it',
  );
const EnvName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a valid name of an environment variable');
const Command = z.string().trim().min(1, 'is empty: use null for no command').max(LIMITS.command_chars_max);

const Budget = z.number().positive().max(BUDGET_USD_MAX);

const Variables = z
  .record(EnvName, z.string().max(10_000))
  .refine((env) => Object.keys(env).length <= 100, 'has more than 100 entries');

const projectFields = {
  name: z.string().trim().min(1, 'is empty').max(100),
  repo_url: RepoAddress,
  base_branch: BranchName.nullable(),
  setup_command: Command.nullable(),
  verify_command: Command.nullable(),
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
  egress_hosts: z.array(Host).max(100),
  allowed_hosts: z
    .array(Host)
    .max(100)
    .describe('further hosts, which you allowed when an errand asked; unless `egress` is none'),
  ask_before_push: z.boolean().describe('whether errands wait for your approval before their work is pushed'),
  ask_at_budget: z.boolean().describe('whether an errand that has spent its budget asks for more, and does not fail'),
  /** Plain variables for the environment of the commands. Whoever sees the project sees them, and so does the model. */
  env: Variables,
};

/**
 * Fields that are stored encrypted and never shown again: the repository's credential, and secret variables for the
 * environment of the commands.
 */
const projectSecrets = {
  /** A forge's access token. `git_username` defaults to `x-access-token`. */
  git_token: z.string().min(1).max(1000).nullable(),
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
 * Changes a project. Absent fields stay unchanged, and null removes a value. `env` and `secrets` each replace all
 * variables of their kind.
 */
export const ProjectPatch = z.strictObject(z.object({ ...projectFields, ...projectSecrets, check }).partial().shape);
export type ProjectPatch = z.infer<typeof ProjectPatch>;

/** A project: a repository with its defaults. */
export const Project = z.object({
  id: Id,
  ...projectFields,
  has_git_token: z.boolean(),
  secret_names: z.array(z.string()).describe('the secret variables; their values are never shown'),
  created_at: Time,
  updated_at: Time,
});
export type Project = z.infer<typeof Project>;

/**
 * A project that was created or changed. `warnings`: sentences about its repository, such as that the token may not
 * push.
 */
export const ProjectSaved = Project.extend({ warnings: z.array(z.string()) });
export type ProjectSaved = z.infer<typeof ProjectSaved>;

/**
 * Creates a task, for a repository or a project. The project, then the server, gives the defaults of absent fields.
 */
export const TaskCreate = z
  .strictObject({
    prompt: Prompt,
    repo_url: RepoAddress.optional(),
    project_id: Id.optional(),
    base_branch: BranchName.optional().describe(
      'by default the branch in the link of repo_url, or that of the project',
    ),
    model: ModelName.optional(),
    effort: Effort.optional(),
    budget_usd: Budget.optional(),
    max_turns: z.number().int().positive().max(TURNS_MAX).optional(),
    ask_before_push: z.boolean().optional().describe('whether the work waits for your approval before it is pushed'),
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
  });
export type TaskCreate = z.infer<typeof TaskCreate>;

const NewBudget = Budget.optional().describe("the task's new total budget in US dollars; more than it has spent");

/** Sends a message to a task. */
export const MessageCreate = z.strictObject({ text: Prompt, budget_usd: NewBudget });
export type MessageCreate = z.infer<typeof MessageCreate>;
/** A message was stored. `resumed`: the task had ended, and is queued again. */
export const MessageReceived = z.object({ message_id: Id, resumed: z.boolean() });

/** Runs a task again. The body may be absent. */
export const TaskRetry = z.strictObject({ budget_usd: NewBudget }).default({});
export type TaskRetry = z.infer<typeof TaskRetry>;

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
/** A page of tasks. */
export const TasksQuery = z.strictObject({
  limit: Limit,
  cursor: Id.optional(),
  status: TaskStatus.optional(),
  project_id: Id.optional(),
});
/** A page of events, in ascending order. `after`: the id of the last event that the client has. */
export const EventsQuery = z.strictObject({ limit: Limit, after: z.coerce.number().int().nonnegative().default(0) });

/** A page of a list. `next_cursor` is null on the last page. */
const page = <T extends z.ZodType, C extends z.ZodType>(item: T, cursor: C) =>
  z.object({ items: z.array(item), next_cursor: cursor.nullable() });
export const TaskPage = page(Task, Id);
export const ProjectPage = z.object({ items: z.array(Project), next_cursor: Id.nullable() });
/** A page of events. `next_cursor` is the `after` of the next page; null if there are no more events yet. */
export const EventPage = page(LogEvent, z.number().int());

/** The process responds. */
export const Health = z.object({ ok: z.literal(true) });
/** Whether the server can do its work. `checks`: each check by name, with its result. */
export const Readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});
export type Readiness = z.infer<typeof Readiness>;
