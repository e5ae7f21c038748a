import test, { type ExecutionContext } from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';

/** The kinds of forges that Errand works with, by the names that test titles have. */
const FORGES: [ForgeKind, string][] = [
  ['github', 'GitHub'],
  ['gitea', 'Gitea'],
];

type Run = (t: ExecutionContext, kind: ForgeKind) => Promise<void>;

/** Declares a test for each kind of forge: a serial one, since each starts a forge with repositories of its own. */
export function testEachForge(title: string, run: Run): void {
  for (const [kind, name] of FORGES) test.serial(`${name}: ${title}`, (t) => run(t, kind));
}
