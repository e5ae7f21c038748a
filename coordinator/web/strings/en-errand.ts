const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The texts of the screen of one errand that other parts of the app show too, in English. */
export const en_errand = {
  of: (used: string, whole: string) => `${used} of ${whole}`,
  earlier: 'Show earlier',
  waits_to_be_sent: 'waits to be sent',
  sending: 'sending…',
  take_back: 'Take back',
  to_draft: 'Back to the draft',
  to_new: 'Use for a new errand',
  dismiss: 'Dismiss',
  refused: (why: string) => `not accepted: ${why}`,
  answered: (answer: string, by: string, time: string) =>
    `answered already: “${answer}”${by && ` from ${by}`} at ${time}`,
  needs_no_answer: 'it needs no answer any more',
  gone: 'its errand was deleted',
  not_sent: (why: string, at: string) => `not sent, tried at ${at}: ${why}`,
  too_long: (characters: string, most: string) =>
    `${characters} of ${most} characters: shorten the text, and it can be sent.`,
  no_output: 'No output',
  lines_more: (n: number) => `… ${count(n, 'earlier line', 'earlier lines')}`,
};

export type ErrandStrings = typeof en_errand;
