import {
  eachFile,
  isCode,
  isTest,
  type Node,
  type Rule,
  type Source,
  syntaxOf,
  walk,
} from './source.ts';

const FUNCTION_LINES_MAX = 70;
const PARAMETERS_MAX = 3;

/** Rules on the shape of the code of one file. */
export const syntaxRules: readonly Rule[] = [
  {
    name: `a function has at most ${FUNCTION_LINES_MAX} lines (a describe block is not one)`,
    judge: eachFile(isCode, longFunctions),
    passes: [
      { 'a.ts': `function f() {${'\n'.repeat(69)}}` },
      { 'a.ts': `describe('a', () => {${'\n'.repeat(100)}});` },
    ],
    fails: [
      { 'a.ts': `function f() {${'\n'.repeat(70)}}` },
      { 'a.ts': `const f = () => {${'\n'.repeat(70)}};` },
      { 'a.ts': `class A { m() {${'\n'.repeat(70)}} }` },
      { 'a.ts': `it('a', () => {${'\n'.repeat(70)}});` },
    ],
  },
  {
    name: `a function takes at most ${PARAMETERS_MAX} positional parameters`,
    judge: forNodes(isSignature, ({ params }) =>
      params!.length > PARAMETERS_MAX ? `${params!.length} parameters` : undefined,
    ),
    passes: [{ 'a.ts': 'const f = (a: A, { b, c, d }: B, ...rest: C[]) => a;' }],
    fails: [
      { 'a.ts': 'function f(a: A, b: A, c: A, d: A) {}' },
      { 'a.ts': 'interface I { m(a: A, b: A, c: A, d: A): void }' },
      { 'a.ts': 'class A { constructor(a: A, b: A, c: A, d: A) {} }' },
      { 'a.ts': 'type F = (a: A, b: A, c: A, d: A) => void;' },
    ],
  },
  {
    name: 'no any',
    judge: forNodes(
      ({ type }) => type === 'TSAnyKeyword',
      () => 'any',
    ),
    passes: [{ 'a.ts': "const any = 'any'; // any" }],
    fails: [{ 'a.ts': 'let a: any;' }, { 'a.ts': 'const a = b as Map<string, any>;' }],
  },
  {
    name: 'no default export, enum, namespace or parameter property',
    judge: forNodes(
      ({ type }) => type in AVOIDED,
      ({ type }, source) => (exemptDefault(type, source) ? undefined : AVOIDED[type]),
    ),
    passes: [{ 'a.ts': 'export const a = 1;' }, { 'vitest.config.ts': 'export default {};' }],
    fails: [
      { 'a.ts': 'export default 1;' },
      { 'a.ts': 'enum A { B }' },
      { 'a.ts': 'namespace A { f(); }' },
      { 'a.ts': 'class A { constructor(private a: B) {} }' },
    ],
  },
  {
    name: 'every exported thing has a doc comment',
    judge: eachFile((source) => isCode(source) && !isTest(source), undocumented),
    passes: [
      { 'a.ts': '/** What it is. */\nexport const a = 1;\nexport { b } from "./b.ts";' },
      { 'a.ts': '/**\n * `a`: one.\n */\nexport const a = 1;' },
      { 'a.ts': '/** Once. */\nexport function f(): void;\nexport function f(): void {}' },
      { 'a.test.ts': 'export const a = 1;' },
    ],
    fails: [
      { 'a.ts': 'export const a = 1;' },
      { 'a.ts': '/** B. */\nconst b = 1;\nexport interface A {}' },
      { 'a.ts': '// not a doc comment\nexport type A = string;' },
      { 'a.ts': '/* nor this */\nexport class A {}' },
      { 'a.ts': '/** */\nexport function f() {}' },
    ],
  },
];

const AVOIDED: Readonly<Record<string, string>> = {
  ExportDefaultDeclaration: 'default export',
  TSEnumDeclaration: 'enum',
  TSModuleDeclaration: 'namespace',
  TSParameterProperty: 'parameter property',
};

function exemptDefault(type: string, { path }: Source): boolean {
  return type === 'ExportDefaultDeclaration' && path.endsWith('.config.ts');
}

/** Functions, methods, and their types; a list of type parameters is not one. */
function isSignature({ type, params }: Node): boolean {
  return params !== undefined && !type.startsWith('TSTypeParameter');
}

function* longFunctions(source: Source): Iterable<readonly [number, string]> {
  const found: [number, string][] = [];
  walk(source, (node, [parent]) => {
    const isFunction = /^(Function(Declaration|Expression)|ArrowFunctionExpression)$/;
    if (!isFunction.test(node.type) || isDescribe(parent)) return;
    const lines = source.text.slice(node.start, node.end).split('\n').length;
    if (lines > FUNCTION_LINES_MAX) found.push([node.start, `${lines} lines`]);
  });
  yield* found;
}

/** `describe(...)`, `describe.skipIf(...)(...)`, `describe.each(...)(...)`. */
function isDescribe(parent: Node | undefined): boolean {
  let callee = parent?.type === 'CallExpression' ? parent.callee : undefined;
  while (callee && callee.type !== 'Identifier') callee = callee.callee ?? callee.object;
  return callee?.name === 'describe';
}

function forNodes(
  applies: (node: Node) => boolean,
  judge: (node: Node, source: Source) => string | undefined,
): Rule['judge'] {
  return eachFile(isCode, (source) => {
    const found: [number, string][] = [];
    walk(source, (node) => {
      const message = applies(node) ? judge(node, source) : undefined;
      if (message !== undefined) found.push([node.start, message]);
    });
    return found;
  });
}

function* undocumented(source: Source): Iterable<readonly [number, string]> {
  const { body, comments } = syntaxOf(source);
  const documented = new Set<string>();
  for (const node of body) {
    if (node.type !== 'ExportNamedDeclaration' || !node.declaration) continue;
    const { id, declarations } = node.declaration;
    const name = (id ?? declarations?.[0]?.id)?.name ?? 'this export';
    const before = comments.findLast(({ end }) => end <= node.start);
    const adjoins = before && source.text.slice(before.end, node.start).trim() === '';
    if (adjoins && before.type === 'Block' && /^\*[\s*]*[^\s*]/.test(before.value))
      documented.add(name);
    if (!documented.has(name)) yield [node.start, `${name} has no doc comment`];
  }
}
