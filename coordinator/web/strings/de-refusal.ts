import type { RefusalReason } from '../../../protocol/refusal-reasons.ts';
import type { Said } from './en-refusal.ts';
import { fill } from './fill.ts';

const LATER = 'Versuch es später noch einmal.';
/** Left out where the forge has said nothing. */
const QUOTED = ' „{said}“';

/** Why the server refuses something, in German. A name in braces is that of a parameter. */
const WORDS: Record<Exclude<RefusalReason, 'already_answered' | 'needs_no_answer'>, string> = {
  merge_moved: 'Jemand hat neue Commits auf den Branch gepusht: Sieh sie dir zuerst an.',
  merge_conflicts: 'Er hat Konflikte mit {base}, oder {host} prüft das noch.',
  merge_draft: 'Er ist ein Entwurf: Markiere ihn zuerst als bereit zum Review.',
  merge_checks: `{base} verlangt Checks, die noch nicht bestanden sind.${QUOTED}`,
  merge_review: `{base} verlangt ein Review, das noch fehlt.${QUOTED}`,
  merge_method: `{base} lässt diese Art zu mergen nicht zu: Wähl eine andere.${QUOTED}`,
  merge_queue: '{base} hat eine Merge-Queue: Stell ihn bei {host} dort an.',
  merge_behind: 'Dem Branch fehlen die neuesten Commits von {base}: Merge sie zuerst in ihn.',
  merge_blocked: 'Die Regeln von {base} lassen gerade keinen Merge zu: Warum, steht bei {host}.',
  merge_protected: `Die Regeln von {base} erlauben den Merge diesem Token nicht.${QUOTED}`,
  merge_busy: 'Dort hat sich gerade etwas geändert: Versuch es noch einmal.',
  merge_closed: 'Der Pull Request ist geschlossen: Öffne ihn zuerst dort wieder.',
  merge_other_base: 'Er geht jetzt in einen anderen Branch, {base}: Sieh ihn dir zuerst an.',
  merge_other_pull: 'Nummer {number} von {repository} ist jetzt ein anderer Pull Request.',
  merge_other_methods: 'Das Repository lässt diese Art zu mergen nicht zu, nur: {methods}',
  merge_no_method: 'Das Repository lässt keine Art zu mergen zu.',
  forge_no_token: 'Für {host} gibt es kein Token: Verknüpfe dein Konto dort.',
  forge_no_write: 'Dein Token darf in {repository} nicht schreiben.',
  forge_timeout: `{host} hat zu lange nicht geantwortet. ${LATER}`,
  forge_token_ended: '{host} nimmt das Token nicht mehr an: Verknüpfe dein Konto dort neu.',
  forge_forbids: '{host} erlaubt das dem Token nicht: „{said}“',
  forge_refuses: '{host} lehnt das ab: „{said}“',
  forge_limited: `{host} nimmt gerade keine Anfragen mehr an. ${LATER}`,
  forge_away: `{host} antwortet nicht.${QUOTED} ${LATER}`,

  missing: 'Fehlt',
  too_long: 'Zu lang: höchstens {max} Zeichen',
  too_short: 'Zu kurz: mindestens {min} Zeichen',
  too_many: 'Zu viele: höchstens {max}',
  too_few: 'Zu wenige: mindestens {min}',
  too_large: 'Zu groß: höchstens {max}',
  too_small: 'Zu klein: mindestens {min}',
  not_above: 'Muss mehr als {min} sein',
  not_one_of: 'Muss eines von diesen sein: {values}',
  not_variable_name: 'Schreib NAME=Wert, den Namen aus Buchstaben, Ziffern und _',
  not_host: 'Das ist kein Hostname',
  not_model: 'Das ist kein Name eines Modells',
  not_branch: 'Das ist kein Name eines Branches',
  not_time_zone: 'Das ist keine Zeitzone, wie es Europe/Berlin ist',
  not_web_address: 'Das ist keine Adresse, die mit https:// beginnt',
  not_https: 'Die Adresse muss mit https:// beginnen',
  not_topic: 'Ein Topic hat 1 bis 64 Buchstaben, Ziffern, - und _',
  private_address:
    'Die Adresse liegt in einem privaten Netz: Erreichbar ist sie erst, wenn der Besitzer des Servers sie erlaubt',
  above_own_budget: 'Ein Auftrag von dir darf hier höchstens {max} $ kosten',
  name_taken: 'So heißt schon ein anderes deiner Projekte',
  schedule_name_taken: 'So heißt schon ein anderer deiner Zeitpläne',
  cron_fields: 'Fünf Felder: Minute, Stunde, Tag des Monats, Monat, Wochentag',
  cron_not_understood: 'Das ist kein gültiger Cron-Ausdruck: Ziffern, Namen wie mon, und * , - /',
  cron_never: 'Diesen Tag gibt es nie',
  cron_too_often: 'Das ist zu oft: höchstens alle {minutes} Minuten',

  repository_unknown_host: '{host} gibt es nicht: Prüf die Schreibweise',
  repository_private_address:
    '{host} liegt in einem privaten Netz: Erreichbar ist es erst, wenn der Besitzer des Servers es erlaubt',
  repository_no_repository:
    'Unter {repo_url} gibt es kein Repository, oder es ist privat: Prüf die Adresse und das Token',
  repository_moved: 'Das Repository liegt jetzt woanders: Gib seine neue Adresse an',
  repository_not_git: '{host} antwortet, aber dort liegt kein Git-Repository: Gib die Adresse für git clone an',
  repository_credential_missing: '{host} verlangt ein Token: Gib dem Projekt eines, oder prüf die Adresse',
  repository_credential_refused: '{host} nimmt das Token nicht an: Es ist falsch, abgelaufen oder widerrufen',
  repository_not_allowed: '{host} erlaubt dem Token nicht, {repo_url} zu lesen',
  repository_tls: 'Das Zertifikat von {host} ist ungültig oder diesem Server nicht bekannt',
  repository_unresolved: `Der Name {host} ließ sich gerade nicht auflösen. ${LATER}`,
  repository_unreachable: `{host} war nicht erreichbar. ${LATER}`,
  repository_rate_limited: `{host} nimmt gerade keine Anfragen mehr an. ${LATER}`,
  repository_failed: `{host} hat mit einem Fehler geantwortet. ${LATER}`,
  repository_too_large: `{host} hat mit einem Fehler geantwortet. ${LATER}`,
};

/** Why the server refuses something, in German; undefined for what only a newer server knows. */
export function de_refusal({ reason, params = {} }: Said): string | undefined {
  const [, words] = Object.entries(WORDS).find(([each]) => each === reason) ?? [];
  return words && fill(params['said'] === undefined ? words.replace(QUOTED, '') : words, params);
}
