/** The texts about decisions, in English. */
export const en_needs = {
  title: 'Decision',
  none: 'There is nothing to decide here any more.',
  open_errand: 'Open the errand',
  push: 'The work is done. Push it?',
  host: (host: string) => `A command wanted to reach ${host}`,
  budget: (spent: string) => `The budget does not cover the next step: ${spent}`,
  follow_up: 'Reviews and checks of its pull request have sent it back to work several times. Shall it go on?',
  changes: 'See the changes',
  send_back: 'Say what should change…',
  answer: 'Answer…',
  send: 'Send the answer',
  undo: (seconds: string) => `Undo (${seconds})`,
  several: 'Choose one or more',
  option: {
    approve: 'Push it',
    send_back: 'Send it back',
    once: 'Allow for this errand',
    project: 'Allow for this project',
    no: 'Don’t allow',
    add_2: '+$2, go on',
    add_5: '+$5, go on',
    end: 'End here',
    go_on: 'Go on',
    stop: 'Stop here',
  } as Record<string, string>,
  decided: (what: string, by: string) => (by === '' ? what : `${what} · ${by}`),
  decided_host: (host: string, what: string) => `${host}: ${what}`,
};

export type NeedsStrings = typeof en_needs;
