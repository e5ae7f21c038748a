import { z } from 'zod';
import { LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { BranchName, BUDGET_USD_MAX, ModelName, Prompt, RepoAddress, Task, TaskStatus, TURNS_MAX } from './task.ts';

/* Projects, tasks and the server's state on the wire; accounts are in accounts.ts. Requests are strict: an unknown field is named and refused. */

/**
 * The header by which every answer to someone who is logged in names the database's epoch, as the socket's `hello` does. Another one than before: the
 * database was restored from a backup, and cursors and ids of before may be void.
 */
export const EPOCH_HEADER = 'Errand-Epoch';

/** What a worker may reach through the forward proxy. `registries`: the well-known package registries; `list`: `egress_hosts`. */
export const Egress = z.enum(['none', 'registries', 'list', 'open']);
export type Egress = z.infer<typeof Egress>;

const Host = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'is not a host name, or *.name for all below it',
  );
const EnvName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a name for the environment');
const Command = z.string().trim().min(1, 'is empty: give null for none').max(LIMITS.command_chars_max);

const Budget = z.number().positive().max(BUDGET_USD_MAX);

const projectFields = {
  name: z.string().trim().min(1, 'is empty').max(100),
  repo_url: RepoAddress,
  base_branch: BranchName.nullable(),
  setup_command: Command.nullable(),
  verify_command: Command.nullable(),
  model: ModelName.nullable().describe("null: the server's default"),
  budget_usd: Budget.nullable(),
  max_turns: z.number().int().positive().max(TURNS_MAX).nullable(),
  egress: Egress,
  egress_hosts: z.array(Host).max(100),
};

/** What is kept encrypted and never shown again: the credential of the repository, and values for the commands' environment. */
const projectSecrets = {
  /** A forge's token; the user name that goes with it defaults to `x-access-token`. */
  git_token: z.string().min(1).max(1000).nullable(),
  git_username: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^:\p{Cc}]+$/u, 'holds a colon or a control character')
    .nullable(),
  env: z
    .record(EnvName, z.string().max(10_000))
    .refine((env) => Object.keys(env).length <= 100, 'has more than 100 entries'),
};

const check = z
  .boolean()
  .describe(
    'whether to try the repository and its token first; true by default. False is for a server or a forge that is offline',
  );

export const ProjectCreate = z.strictObject({
  name: projectFields.name,
  repo_url: projectFields.repo_url,
  ...z
    .object({ ...projectFields, ...projectSecrets, check })
    .omit({ name: true, repo_url: true })
    .partial().shape,
});
export type ProjectCreate = z.infer<typeof ProjectCreate>;

/** What is absent stays; null takes away. `env` replaces the whole of it. */
export const ProjectPatch = z.strictObject(z.object({ ...projectFields, ...projectSecrets, check }).partial().shape);
export type ProjectPatch = z.infer<typeof ProjectPatch>;

export const Project = z.object({
  id: Id,
  ...projectFields,
  has_git_token: z.boolean(),
  env_names: z.array(z.string()).describe('the values are never shown'),
  created_at: Time,
  updated_at: Time,
});
export type Project = z.infer<typeof Project>;

/**
 * A project that was created or changed. `warnings`: what is wrong with its repository, such as a token that may not
 * push.
 */
export const ProjectSaved = Project.extend({ warnings: z.array(z.string()) });
export type ProjectSaved = z.infer<typeof ProjectSaved>;

/** What a person asks for. Either the repository or a project; what is absent comes from the project, then from the server. */
export const TaskCreate = z
  .strictObject({
    prompt: Prompt,
    repo_url: RepoAddress.optional(),
    project_id: Id.optional(),
    base_branch: BranchName.optional().describe(
      'by default the branch that repo_url links to, or the one of the project',
    ),
    model: ModelName.optional(),
    budget_usd: Budget.optional(),
    max_turns: z.number().int().positive().max(TURNS_MAX).optional(),
    priority: z.number().int().min(-10).max(10).optional().describe('higher first; 0 by default'),
  })
  .superRefine((value, ctx) => {
    if (value.repo_url === undefined && value.project_id === undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'or project_id is needed' });
    if (value.repo_url !== undefined && value.project_id !== undefined)
      ctx.addIssue({ code: 'custom', path: ['repo_url'], message: 'and project_id exclude each other' });
  });
export type TaskCreate = z.infer<typeof TaskCreate>;

const NewBudget = Budget.optional().describe("the task's new total budget; more than it has spent");

export const MessageCreate = z.strictObject({ text: Prompt, budget_usd: NewBudget });
export type MessageCreate = z.infer<typeof MessageCreate>;
/** `resumed`: the task had ended, and goes on with this message. */
export const MessageReceived = z.object({ message_id: Id, resumed: z.boolean() });

/** May be left out altogether. */
export const TaskRetry = z.strictObject({ budget_usd: NewBudget }).default({});
export type TaskRetry = z.infer<typeof TaskRetry>;

export const Diff = z.object({
  diff: z.string().describe("git's unified diff; empty where nothing was changed"),
  truncated: z.boolean(),
  branch: z.string().nullable(),
  base_commit: z.string().nullable(),
  commit: z.string().nullable(),
});
export type Diff = z.infer<typeof Diff>;

const Limit = z.coerce.number().int().positive().max(LIMITS.page_items_max).default(LIMITS.page_items_default);
export const PageQuery = z.strictObject({ limit: Limit, cursor: Id.optional() });
export const TasksQuery = z.strictObject({
  limit: Limit,
  cursor: Id.optional(),
  status: TaskStatus.optional(),
  project_id: Id.optional(),
});
/** Events ascend from `after`, the id of the last one that the client has. */
export const EventsQuery = z.strictObject({ limit: Limit, after: z.coerce.number().int().nonnegative().default(0) });

/** A page: `next_cursor` is null at the end. */
const page = <T extends z.ZodType, C extends z.ZodType>(item: T, cursor: C) =>
  z.object({ items: z.array(item), next_cursor: cursor.nullable() });
export const TaskPage = page(Task, Id);
export const ProjectPage = z.object({ items: z.array(Project), next_cursor: Id.nullable() });
/** `next_cursor` is the `after` of the next page; null where nothing more is there now. */
export const EventPage = page(LogEvent, z.number().int());

export const Health = z.object({ ok: z.literal(true) });
/** Whether the server can do its work, and what keeps it from it. */
export const Readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});
export type Readiness = z.infer<typeof Readiness>;
