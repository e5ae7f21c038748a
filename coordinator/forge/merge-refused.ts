import { ForgeApiError, type ForgeApiFault } from './forge-api-error.ts';

/** Why a forge does not merge a pull request as it is now. */
export type MergeObstacle =
  /** Its head is another commit than the one that was named. */
  | 'moved'
  /** It conflicts with its base, or the forge still finds out whether it does. */
  | 'conflicts'
  | 'draft'
  /** Required checks have not passed. */
  | 'checks'
  /** A required review is missing, or asks for changes. */
  | 'review'
  /** Not in this way, here. */
  | 'method'
  /** The base takes commits by a merge queue alone. */
  | 'queue'
  /** It lacks commits of its base. */
  | 'behind'
  /** Rules of the base, whose reason is not known. */
  | 'blocked'
  /** Rules of the base, for this token. */
  | 'protected'
  /** Something else happens there just now. */
  | 'busy';

/** A forge has refused to merge a pull request, for a reason that is known. */
export class MergeRefused extends ForgeApiError {
  readonly obstacle: MergeObstacle;
  /** The answer of the forge; undefined: it was not asked to merge. */
  readonly said: string | undefined;

  constructor(obstacle: MergeObstacle, cause: ForgeApiError, said?: string) {
    super(cause.fault, cause.message, { cause });
    this.obstacle = obstacle;
    this.said = said;
  }
}

/** How a forge names an obstacle in its answer. */
export type ObstacleWords = readonly (readonly [RegExp, MergeObstacle])[];

const MAY_SAY_WHY = new Set<ForgeApiFault>(['invalid', 'forbidden']);

/** The reason that a refusal gives, in the first words that fit; where none do, the error itself. */
export function mergeRefusal(error: unknown, words: ObstacleWords): unknown {
  if (!(error instanceof ForgeApiError) || !MAY_SAY_WHY.has(error.fault)) return error;
  const found = words.find(([pattern]) => pattern.test(error.message));
  return found ? new MergeRefused(found[1], error, error.message) : error;
}
