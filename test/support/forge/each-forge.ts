import test, { type ExecutionContext } from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';

/** The kinds of forges that Errand works with, by the names that test titles have. */
const FORGES: [ForgeKind, string][] = [
  ['github', 'GitHub'],
  ['gitea', 'Gitea'],
];

type Run = (t: ExecutionContext, kind: ForgeKind) => Promise<void>;

/** Declares a test for each kind of forge. `declare`: such as `test.serial`. */
export function testEachForge(
  title: string,
  run: Run,
  declare: (title: string, run: (t: ExecutionContext) => Promise<void>) => void = test,
): void {
  for (const [kind, name] of FORGES) declare(`${name}: ${title}`, (t) => run(t, kind));
}
