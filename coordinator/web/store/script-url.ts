// The build writes the address of the highlighter's script.
declare const HIGHLIGHTER: string;

type ScriptPolicy = { createScriptURL: (url: string) => string };
type Trusted = { createPolicy: (name: string, rules: ScriptPolicy) => ScriptPolicy };

const SCRIPTS = { service_worker: '/sw.js', highlighter: HIGHLIGHTER } as const;

let policy: ScriptPolicy | undefined;

/** The address of a script that may be loaded by its address: these are all. The page's policy refuses every other. */
export function scriptUrl(name: keyof typeof SCRIPTS): string {
  const { trustedTypes } = window as { trustedTypes?: Trusted };
  policy ??= trustedTypes?.createPolicy('errand', { createScriptURL: (url) => url });
  return policy?.createScriptURL(SCRIPTS[name]) ?? SCRIPTS[name];
}
