import type { FreshStrings } from './en-fresh.ts';

/** The texts of writing a new errand, in German. */
export const de_fresh: FreshStrings = {
  title: 'Neuer Auftrag',
  prompt: 'Was soll getan werden?',
  send: 'Senden',
  repository: 'Repository',
  choose: 'Repository wählen',
  model: 'Modell und Aufwand',
  default_model: 'Standardmodell',
  model_name: 'Modell',
  no_such_model: 'Dieses Modell bietet der Server nicht an.',
  no_branch_name: 'So kann kein Branch heißen.',
  no_credential: 'Lass das Passwort weg: Ein Token gehört ins Projekt.',
  effort: 'Aufwand',
  default: 'Standard',
  budget: 'Budget',
  budget_usd: 'Budget in US-Dollar',
  default_budget: 'Standardbudget',
  plan_first: 'Erst planen',
  up_to: (money) => `bis ${money}`,
  left_out: (n) =>
    n === 1 ? 'Etwas Geteiltes wurde nicht übernommen.' : `${n} geteilte Dinge wurden nicht übernommen.`,
  later: 'Wird gesendet, wenn du wieder online bist',
  done: 'Fertig',
  use_address: (address) => `${address} nehmen`,
  search: 'Projekt oder https://…',
  no_match:
    'Das ist weder eine Adresse noch eines deiner Repositorys. Wähle eines aus der Liste, oder leere die Suche.',
  sample_hint: 'Kommt mit Errand: ein Test schlägt fehl',
  branch: 'Beginnen bei',
  default_branch: 'Standard-Branch',
  push_to: 'Pushen nach',
  own_branch: 'eigener Branch',
  push_to_hint: 'Ein Branch von dir, oder #123, um einen Pull Request fortzusetzen',
};
