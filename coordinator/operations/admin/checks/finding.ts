/** The result of one check of `errand doctor`. `detail` describes the state, and for a problem the fix. */
export type Finding = { check: string; ok: boolean; detail: string };

export function ok(check: string, detail: string): Finding {
  return { check, ok: true, detail };
}

export function problem(check: string, detail: string): Finding {
  return { check, ok: false, detail };
}
