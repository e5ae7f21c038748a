/** The language of a file by the end of its name, or by its whole name; each is one that `read-code.ts` knows. */
const BY_NAME = new Map(
  Object.entries({
    bash: 'bash',
    c: 'c',
    cc: 'cpp',
    cjs: 'javascript',
    cpp: 'cpp',
    cs: 'csharp',
    css: 'css',
    cts: 'typescript',
    dockerfile: 'dockerfile',
    go: 'go',
    gradle: 'kotlin',
    h: 'c',
    hpp: 'cpp',
    htm: 'xml',
    html: 'xml',
    ini: 'ini',
    java: 'java',
    js: 'javascript',
    json: 'json',
    jsx: 'javascript',
    kt: 'kotlin',
    kts: 'kotlin',
    less: 'css',
    makefile: 'makefile',
    md: 'markdown',
    mjs: 'javascript',
    mts: 'typescript',
    php: 'php',
    py: 'python',
    pyi: 'python',
    rb: 'ruby',
    rs: 'rust',
    scss: 'css',
    sh: 'bash',
    sql: 'sql',
    svg: 'xml',
    svelte: 'xml',
    swift: 'swift',
    toml: 'ini',
    ts: 'typescript',
    tsx: 'typescript',
    vue: 'xml',
    xml: 'xml',
    yaml: 'yaml',
    yml: 'yaml',
    zsh: 'bash',
  }),
);

/** The language of a file, or of what Markdown calls a language; undefined: none that is coloured. */
export function languageOf(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const found = BY_NAME.get(last) ?? BY_NAME.get(last.slice(last.lastIndexOf('.') + 1));
  return found ?? ([...BY_NAME.values()].includes(last) ? last : undefined);
}
