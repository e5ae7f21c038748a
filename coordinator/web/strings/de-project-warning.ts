import type { ProjectWarning, ProjectWarningCode } from '../../../protocol/project-saved.ts';
import { fill } from './fill.ts';

const NO_TOKEN = 'Der Server hat kein Token für {forge} und sieht dort deshalb keine {heard}';

/** What is wrong with a project, in German. A name in braces is that of a parameter. */
const WORDS: Record<Exclude<ProjectWarningCode, 'other'>, string> = {
  push_refused:
    'Errand kann {repo_url} lesen, aber das Token darf nicht pushen: Aufträge scheitern, wenn sie ihren Branch pushen. Gib dem Projekt ein Token, das schreiben darf.',
  push_needs_token:
    'Errand kann {repo_url} lesen, aber ohne Token nicht pushen: Aufträge scheitern, wenn sie ihren Branch pushen.',
  push_unknown: 'Errand kann {repo_url} lesen, aber ob es dort pushen darf, ließ sich nicht klären: „{why}“',
  signed_commits:
    'Eine Regel bei {forge} verlangt signierte Commits auf den Branches der Aufträge, und ihre sind es nicht: Wenn du sie nicht umgehen darfst, lässt sich die Arbeit nicht pushen. Nimm dort errand/* aus.',
  push_restricted:
    'Eine Regel bei {forge} beschränkt Pushes auf die Branches der Aufträge ({rules}): Wenn du sie nicht umgehen darfst, lässt sich die Arbeit nicht pushen. Nimm dort errand/* aus.',
  unknown_forge: 'Dieser Server kennt keine Forge unter {forge}: Von {heard} dort erfährt er nichts.',
  link_account: 'Verknüpfe dein Konto bei {forge}: Sonst zählt @errand dort bei niemandem.',
  link_impossible:
    '@errand zählt erst, wenn dein Konto bei {forge} verknüpft ist, und das geht erst, wenn der Besitzer des Servers ihn dort registriert hat.',
  no_token: `${NO_TOKEN}: Gib dem Projekt ein Token.`,
  no_token_link: `${NO_TOKEN}: Verknüpfe dein Konto oder gib dem Projekt ein Token.`,
  no_token_app: `${NO_TOKEN}: Installiere seine App im Repository, verknüpfe dein Konto oder gib dem Projekt ein Token.`,
};

const HEARD = new Map([
  ['mentions', 'Erwähnungen'],
  ['follow_up', 'Reviews oder Checks'],
  ['both', 'Erwähnungen, Reviews oder Checks'],
]);

/** A warning about a project, in German. One that only a newer server knows is quoted. */
export function de_project_warning({ code, params, text }: ProjectWarning): string {
  const [, words] = Object.entries(WORDS).find(([each]) => each === code) ?? [];
  if (words === undefined) return `„${text}“`;
  const { heard = '' } = params;
  return fill(words, { ...params, heard: HEARD.get(heard) ?? heard });
}
