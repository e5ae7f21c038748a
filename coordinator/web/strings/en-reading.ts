/** The texts about reading an errand and its changes that the first view does without, in English. */
export const en_reading = {
  not_here: 'This errand is not on this device yet. It shows as soon as the server can be reached.',
  no_log: 'The conversation is not on this device yet. It shows as soon as the server can be reached.',
  of_earlier: (line: string) => `${line} of an earlier version`,
  lost: 'These lines are not in the changes any more. Your comments on them are sent all the same.',
  too_long: (characters: string) => `Too long for one message by ${characters} characters: shorten or remove comments.`,
};

export type ReadingStrings = typeof en_reading;
