import { ErrandError } from '../../protocol/problem.ts';
import { undated } from './prices.ts';

/** What an errand may ask of the Claude API: its models, and the most tokens of one answer (null: no limit). */
export type ModelRules = { models: readonly string[]; max_tokens: number | null };

/** Throws `forbidden` unless the rules have the model; its name may end in a date. */
export function requireModel({ models }: ModelRules, model: string): void {
  if (models.some((allowed) => undated(allowed) === undated(model))) return;
  throw new ErrandError(
    'forbidden',
    `This errand may not use the model '${model}', only ${models.join(', ')}. Its project can allow more, in extra_models.`,
  );
}
