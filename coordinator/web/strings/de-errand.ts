import type { ErrandStrings } from './en-errand.ts';

const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The texts of the screen of one errand that other parts of the app show too, in German. */
export const de_errand: ErrandStrings = {
  of: (used, whole) => `${used} von ${whole}`,
  earlier: 'Früheres zeigen',
  waits_to_be_sent: 'wartet aufs Senden',
  sending: 'wird gesendet …',
  take_back: 'Zurücknehmen',
  to_draft: 'Zurück in den Entwurf',
  to_new: 'Für einen neuen Auftrag',
  dismiss: 'Verwerfen',
  refused: (why) => `nicht angenommen: ${why}`,
  answered: (answer, by, time) => `schon beantwortet: „${answer}“${by && ` von ${by}`} (${time})`,
  needs_no_answer: 'es braucht keine Antwort mehr',
  gone: 'der Auftrag wurde gelöscht',
  not_sent: (why, at) => `nicht gesendet (versucht: ${at}): ${why}`,
  too_long: (characters, most) => `${characters} von ${most} Zeichen: Gekürzt lässt sich der Text senden.`,
  no_output: 'Keine Ausgabe',
  lines_more: (n) => `… ${count(n, 'frühere Zeile', 'frühere Zeilen')}`,
};
