import { z } from 'zod';
import { PasswordAttempt, Session } from './accounts.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/* Forges, the accounts that people have linked there, and how they sign in with them. */

/** A kind of forge. `gitea` is Forgejo too: both have one API. */
export const ForgeKind = z.enum(['github', 'gitea']);
export type ForgeKind = z.infer<typeof ForgeKind>;

/** A way to sign in: with a forge, or with the company's own identity provider (`oidc`). */
export const SignInWay = z.object({
  id: z.string().describe('the id of the forge, or `oidc`'),
  kind: z.enum([...ForgeKind.options, 'oidc']),
  name: z.string().describe('for people, such as `github.com`'),
  device: z.boolean().describe('whether a program without a browser can sign in, by a code that one types elsewhere'),
});
export type SignInWay = z.infer<typeof SignInWay>;
/** The ways to sign in. Empty: with e-mail and password only. */
export const SignInWays = z.object({
  items: z.array(SignInWay),
  signup: z
    .boolean()
    .optional()
    .describe('whether anybody can sign up with a password; otherwise it takes a link. Absent from an older server'),
});

/** The id of a way to sign in, in a path. */
export const ByWay = z.object({ id: z.string().regex(/^([0-9a-hjkmnp-tv-z]{20}|oidc)$/) });

/** Begins to sign in. The code and the invitation serve a new account, as they do at a sign-up with a password. */
export const SignInStart = z.strictObject({
  setup_code: z.string().max(100).optional().describe('what the first account needs'),
  invite: z.string().max(100).optional().describe('the code of an invitation'),
});
export type SignInStart = z.infer<typeof SignInStart>;

/**
 * Where to send the browser. It comes back to `/signed-in`, and the app finishes with `flow` and what the address has
 * then. The browser keeps `flow` to itself: whoever was brought to the address by somebody else has none, or another.
 */
export const SignInStarted = z.object({
  url: z.url(),
  flow: z.string().describe(`works once, within ${LIMITS.sign_in_s / 60} minutes`),
});
export type SignInStarted = z.infer<typeof SignInStarted>;

/** Begins to link an account, with which one can log in from then on. */
export const LinkStart = z
  .strictObject({
    password: PasswordAttempt.optional().describe(
      `needed later than ${LIMITS.fresh_login_s / 60} minutes after the log-in; without one, log in again`,
    ),
  })
  .default({});

const Flow = z.string().min(1).max(LIMITS.sign_in_flow_chars_max);
/** Finishes. `answer`: the query of the address that the browser came back to, such as `?code=…&state=…`. */
export const SignInFinish = z.strictObject({ flow: Flow, answer: z.string().max(LIMITS.sign_in_answer_chars_max) });
export type SignInFinish = z.infer<typeof SignInFinish>;

/** What a person types, and where. Then the program asks every `interval_s` seconds whether they have. */
export const DeviceStarted = z.object({
  user_code: z.string(),
  verification_uri: z.url(),
  interval_s: z.number().int().positive(),
  expires_in: z.number().int().positive().describe('seconds until the code expires'),
  flow: z.string(),
});
export type DeviceStarted = z.infer<typeof DeviceStarted>;
/** Asks whether the code was typed. */
export const DeviceFinish = z.strictObject({ flow: Flow });
/** `session` null: not yet; ask again after `interval_s` seconds. */
export const DeviceSession = z.object({ session: Session.nullable(), interval_s: z.number().int().positive() });

/** An account at a forge, or at the identity provider, that belongs to a person of this server. */
export const LinkedAccount = z.object({
  id: Id,
  way: z.string().describe('the id of the way to sign in that it belongs to'),
  kind: SignInWay.shape.kind,
  name: z.string().describe('of the forge, such as `github.com`'),
  login: z.string(),
  created_at: Time,
  install_url: z
    .string()
    .nullable()
    .describe(
      'where one chooses which repositories the app at the forge may see; null: it sees all, or there is no app',
    ),
  fault: z
    .string()
    .nullable()
    .describe('why it cannot be used for repositories any more, in words, and what to do; null: it can'),
});
export type LinkedAccount = z.infer<typeof LinkedAccount>;
/** The oldest first. */
export const LinkedAccounts = z.object({ items: z.array(LinkedAccount) });
/** `account` null: not yet; ask again after `interval_s` seconds. */
export const DeviceLink = z.object({ account: LinkedAccount.nullable(), interval_s: z.number().int().positive() });

/** Which repositories to list. `search` matches their names as one types. */
export const RepositoriesQuery = z.strictObject({
  search: z.string().max(LIMITS.search_chars_max).default(''),
  limit: z.coerce.number().int().positive().max(50).default(20),
});
/** A repository that the person may push to. */
export const PickableRepository = z.object({
  name: z.string().describe('`owner/name`'),
  repo_url: z.string(),
  forge: z.string().describe('the name of the forge'),
  default_branch: z.string(),
  private: z.boolean(),
  pushed_at: Time.nullable(),
});
export type PickableRepository = z.infer<typeof PickableRepository>;
/** Those with the newest push first. `faults`: in words, why some may be missing. */
export const PickableRepositories = z.object({ items: z.array(PickableRepository), faults: z.array(z.string()) });
export type PickableRepositories = z.infer<typeof PickableRepositories>;

/** A forge as its server's owner sees it. */
export const Forge = z.object({
  id: Id,
  kind: ForgeKind,
  origin: z.string(),
  registered: z
    .enum(['settings', 'app', 'no'])
    .describe('how the server got its client id there: from the settings, by `POST /forges/app`, or not at all'),
  can_make_app: z
    .boolean()
    .optional()
    .describe('whether the owner can make an app there from here; absent from an older server'),
  app_slug: z.string().nullable(),
  install_url: z.string().nullable().describe('where the app is installed for repositories; null: there is no app'),
  webhook_url: z.string().nullable().describe('null: the server does not know the address that others reach it at'),
  app_fault: z
    .string()
    .nullable()
    .optional()
    .describe(
      'why the forge did not let the app act the last time, in words; null: nothing is known; absent from an older server',
    ),
});
export type Forge = z.infer<typeof Forge>;
export const Forges = z.object({ items: z.array(Forge) });

/** Makes a GitHub App. `organization`: whose it is; absent: it is of the person who is signed in at GitHub. */
export const ForgeAppStart = z.strictObject({
  organization: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9-]{0,98}$/, 'is not the name of an organisation')
    .optional(),
  public: z
    .boolean()
    .default(false)
    .describe(
      'whether accounts other than the one that owns it can install it, and people outside of that can sign in with it',
    ),
});
export type ForgeAppStart = z.infer<typeof ForgeAppStart>;
/** A form for the browser to post: one field `manifest`, to `action`. It comes back to `/signed-in`. */
export const ForgeAppStarted = z.object({ action: z.url(), manifest: z.string(), flow: z.string() });
export type ForgeAppStarted = z.infer<typeof ForgeAppStarted>;
