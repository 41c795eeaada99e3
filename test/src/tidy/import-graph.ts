import { dirname, join } from 'node:path/posix';
import { isCode, type Source, walk } from './source.ts';

/** One import: a statement, a type import, a dynamic import or a worker's address. */
export interface Import {
  readonly from: string;
  /** As written. */
  readonly specifier: string;
  /** Path from the repository root for files of the project, else undefined. */
  readonly to: string | undefined;
  /** UTF-16 units into the importing text. */
  readonly offset: number;
  /** A worker is started, not imported: it makes no cycle. */
  readonly worker: boolean;
}

/** Every import of a code file, types and dynamic imports included. */
export function importsOf(source: Source): Import[] {
  if (!isCode(source)) return [];
  const found: Import[] = [];
  walk(source, (node) => {
    const worker = node.type === 'NewExpression' && node.callee?.name === 'URL';
    const literal = worker ? node.arguments?.[0] : node.source;
    const specifier = literal?.value;
    if (typeof specifier !== 'string' || (worker && !/^\.{1,2}\//.test(specifier))) return;
    const to = resolve(source.path, specifier);
    found.push({ from: source.path, specifier, to, offset: node.start, worker });
  });
  return found;
}

/** `@tacit/privacy/a/b.ts` is `privacy/src/a/b.ts`; `./b.ts` is beside the importing file. */
function resolve(from: string, specifier: string): string | undefined {
  const own = /^@tacit\/([\w-]+)\/(.+)$/.exec(specifier);
  if (own) return `${own[1]}/src/${own[2]}`;
  return specifier.startsWith('.') ? join(dirname(from), specifier) : undefined;
}
