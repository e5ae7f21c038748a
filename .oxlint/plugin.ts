import { posix, relative, resolve, sep } from 'node:path';
import type { RuleTester } from 'oxlint/plugins-dev';
import { folders, type Row } from './folders.ts';

type Rule = Parameters<RuleTester['run']>[1];
type Context = Parameters<NonNullable<Rule['create']>>[0];

const ROOT = resolve(import.meta.dirname, '..');
const TABLE = 'see the table in .oxlint/folders.ts';
const STATEMENT = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|PRAGMA|CREATE|ALTER|DROP|BEGIN|VACUUM|ATTACH)\s/;

/** A folder imports only what its row in folders.ts allows. */
const arrows: Rule = {
  create(context) {
    const file = pathOf(context);
    const check = ({ source }: { source: { value?: unknown } | null }): void => {
      if (typeof source?.value !== 'string') return;
      const message = faultOfImport(file, source.value);
      if (message !== null) context.report({ message, node: source });
    };
    return {
      Program(node) {
        if (rowOf(file) === undefined)
          context.report({ message: `${posix.dirname(file)} has no row: ${TABLE}`, loc: node.loc });
      },
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      TSImportType: check,
    };
  },
};

/** SQL stands in coordinator/sqlite/ alone: the tests may look for themselves. */
const sql: Rule = {
  create(context) {
    const file = pathOf(context);
    if (!file.startsWith('coordinator/') || file.startsWith('coordinator/sqlite/')) return {};
    const check = (text: unknown, node: { range: [number, number] }): void => {
      if (typeof text !== 'string' || !STATEMENT.test(text)) return;
      context.report({ message: 'Only coordinator/sqlite holds SQL: add a function there, beside its table', node });
    };
    return {
      Literal: (node) => check(node.value, node),
      TemplateElement: (node) => check(node.value.cooked, node),
    };
  },
};

export default { meta: { name: 'errand' }, rules: { arrows, sql } };

function pathOf(context: Context): string {
  return relative(ROOT, context.filename).split(sep).join('/');
}

/** What is wrong with an import, in words; null: nothing. */
function faultOfImport(file: string, specifier: string): string | null {
  const from = rowOf(file);
  if (from === undefined) return null;
  if (!specifier.startsWith('.')) {
    const owner = folders.find((row) => row.packages?.some((name) => isWithin(specifier, name)));
    if (owner === undefined || owner === from || from.folder === 'test/**') return null;
    return `Only ${owner.folder} may import ${specifier}: ${TABLE}`;
  }
  const target = posix.join(posix.dirname(file), specifier);
  const to = rowOf(target);
  if (to === from || (to !== undefined && mayImport(from, to))) return null;
  return `${from.folder} may not import ${to?.folder ?? posix.dirname(target)}: ${TABLE}`;
}

function mayImport(from: Row, to: Row): boolean {
  return folders.indexOf(to) < folders.indexOf(from) && from.imports.some((name) => isWithin(to.folder, name));
}

function rowOf(file: string): Row | undefined {
  const folder = posix.dirname(file);
  return folders.find(
    (row) => row.folder === folder || (row.folder.endsWith('/**') && isWithin(folder, row.folder.slice(0, -3))),
  );
}

function isWithin(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}
