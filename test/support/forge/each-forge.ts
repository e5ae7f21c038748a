import test, { type ExecutionContext } from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';

/** The kinds of forges that Errand works with, by the names that test titles have. */
export const FORGES: Record<ForgeKind, string> = { github: 'GitHub', gitea: 'Gitea' };

/** Declares a test for each kind of forge. */
export function testEachForge(title: string, run: (t: ExecutionContext, kind: ForgeKind) => Promise<void>): void {
  for (const kind of ['github', 'gitea'] as const) test(`${FORGES[kind]}: ${title}`, (t) => run(t, kind));
}
