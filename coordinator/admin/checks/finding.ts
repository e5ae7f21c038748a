/** What one check of `errand doctor` found. `detail` says in words what is, and for a problem what to do about it. */
export type Finding = { check: string; ok: boolean; detail: string };

export function ok(check: string, detail: string): Finding {
  return { check, ok: true, detail };
}

export function problem(check: string, detail: string): Finding {
  return { check, ok: false, detail };
}
