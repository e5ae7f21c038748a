import type { ReadingStrings } from './en-reading.ts';

/** The texts about reading an errand and its changes that the first view does without, in German. */
export const de_reading: ReadingStrings = {
  not_here: 'Dieser Auftrag ist noch nicht auf diesem Gerät. Er erscheint, sobald der Server erreichbar ist.',
  no_log: 'Das Gespräch ist noch nicht auf diesem Gerät. Es erscheint, sobald der Server erreichbar ist.',
  of_earlier: (line) => `${line} einer früheren Fassung`,
  lost: 'Diese Zeilen gibt es in den Änderungen nicht mehr. Deine Kommentare dazu werden trotzdem gesendet.',
  too_long: (characters) => `Um ${characters} Zeichen zu lang für eine Nachricht: Kürze oder entferne Kommentare.`,
};
