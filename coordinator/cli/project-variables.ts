import type { ProjectPatch } from '../../protocol/api.ts';
import type { VariableChanges } from '../../protocol/variables.ts';
import type { Client } from '../client/client.ts';
import type { Values } from './command.ts';
import type { PROJECT_OPTIONS } from './project-options.ts';
import { UsageFailure } from './usage-failure.ts';

/** The options that remove variables from a project. */
export const REMOVAL_OPTIONS = {
  'no-env': { type: 'string', placeholder: 'NAME', multiple: true, help: 'remove a plain variable; may be repeated' },
  'no-secret': { type: 'string', placeholder: 'NAME', multiple: true, help: 'remove a secret one; may be repeated' },
} as const;

type Given = Values<typeof PROJECT_OPTIONS & typeof REMOVAL_OPTIONS>;
type Kind = 'env' | 'secret';
type Changes = Pick<ProjectPatch, 'env' | 'secrets'>;

/**
 * The changes of each kind of which variables are removed, with those that are set: each that is named is removed, and
 * all of a kind that has an empty value. Rejects with `UsageFailure` for a name that the project does not have.
 */
export async function removedVariables(client: Client, id: string, values: Given, set: Changes): Promise<Changes> {
  if (!removesVariables(values)) return {};
  const { env, secret_names } = await client.call('getProject', { params: { id } });
  return {
    ...(removes('env', values) && { env: { ...removed('env', values, Object.keys(env)), ...set.env } }),
    ...(removes('secret', values) && { secrets: { ...removed('secret', values, secret_names), ...set.secrets } }),
  };
}

/** Whether the options remove variables. */
export function removesVariables(values: Given): boolean {
  return removes('env', values) || removes('secret', values);
}

function removes(kind: Kind, values: Given): boolean {
  return values[`no-${kind}`] !== undefined || values[kind]?.includes('') === true;
}

function removed(kind: Kind, values: Given, stored: readonly string[]): VariableChanges {
  const named = values[`no-${kind}`] ?? [];
  const unknown = named.find((name) => !stored.includes(name));
  if (unknown !== undefined) throw new UsageFailure(`--no-${kind} ${unknown}: the project has no such variable.`);
  const names = values[kind]?.includes('') === true ? stored : named;
  return Object.fromEntries(names.map((name) => [name, null]));
}
