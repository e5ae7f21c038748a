import test, { type ExecutionContext } from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';

/** The kinds of forges that Errand works with, by the names that test titles have. */
const FORGES: [ForgeKind, string][] = [
  ['github', 'GitHub'],
  ['gitea', 'Gitea'],
];

/** Declares a test for each kind of forge. They run one after the other: each has a forge and its git processes. */
export function testEachForge(title: string, run: (t: ExecutionContext, kind: ForgeKind) => Promise<void>): void {
  for (const [kind, name] of FORGES) test.serial(`${name}: ${title}`, (t) => run(t, kind));
}
