import { eachFile, isCode, isTest, type Node, type Rule, type Source, walk } from './source.ts';

/** What the pure part of the product may not touch: clocks, chance, waiting, the process. */
export const coreRules: readonly Rule[] = [
  {
    name: 'the core is synchronous and deterministic: no promise, timer, clock, chance or console',
    judge: eachFile(isCore, (source) => found(source, impurity)),
    passes: [
      { 'privacy/src/a.ts': '/** A Promise, later. */ const a = { process: 1, f: b.console };' },
      { 'privacy/src/a.ts': 'const at = new Date(atMs); function f(process: Phase) {}' },
      { 'privacy/src/a.test.ts': 'await f(); Date.now();' },
      { 'models/src/backend.ts': 'await f();' },
      { 'coordinator/src/driver/a.ts': 'await f(); setTimeout(g, 1);' },
    ],
    fails: [
      { 'privacy/src/a.ts': 'async function f() {}' },
      { 'models/src/network/a.ts': 'const f = async () => 1;' },
      { 'coordinator/src/core/a.ts': 'const a = await f();' },
      { 'client-agent/src/core/a.ts': 'function f(): Promise<void> {}' },
      { 'privacy/src/a.ts': 'const a = Date.now();' },
      { 'privacy/src/a.ts': 'const a = new Date();' },
      { 'privacy/src/a.ts': 'const a = Date();' },
      { 'privacy/src/a.ts': 'const a = Math.random();' },
      { 'privacy/src/a.ts': "const a = Math['random']();" },
      { 'privacy/src/a.ts': 'setTimeout(f, 1);' },
      { 'privacy/src/a.ts': 'console.log(1);' },
      { 'privacy/src/a.ts': 'const { env } = process;' },
      { 'privacy/src/a.ts': 'const a = crypto.getRandomValues(b);' },
      { 'privacy/src/a.ts': 'globalThis.f();' },
    ],
  },
  {
    name: 'the core imports nothing of Node, save privacy/src/crypto, which imports node:crypto',
    judge: eachFile(isCore, (source) => found(source, (node) => nodeImport(node, source))),
    passes: [
      { 'privacy/src/crypto/a.ts': "import { hash } from 'node:crypto';" },
      { 'privacy/src/a.test.ts': "import { readFileSync } from 'node:fs';" },
      { 'coordinator/src/driver/a.ts': "import { readFileSync } from 'node:fs';" },
    ],
    fails: [
      { 'privacy/src/crypto/a.ts': "import { readFileSync } from 'node:fs';" },
      { 'privacy/src/secagg/a.ts': "import { hash } from 'node:crypto';" },
      { 'models/src/network/a.ts': "import { hash } from 'node:crypto';" },
      { 'coordinator/src/core/a.ts': "import { hash } from 'crypto';" },
    ],
  },
  {
    name: 'Math.random is for tests and demonstrations only',
    judge: eachFile(
      (source) => isCode(source) && !isTest(source) && !/(^|\/)demo\//.test(source.path),
      (source) => found(source, (node) => (member(node, 'Math') === 'random' ? 'Math.random' : '')),
    ),
    passes: [{ 'a.test.ts': 'Math.random();' }, { 'cli/src/demo/a.ts': 'Math.random();' }],
    fails: [{ 'cli/src/a.ts': 'Math.random();' }, { 'test/src/a.ts': 'Math.random();' }],
  },
];

const GLOBALS = new Set([
  ...['Promise', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'],
  ...['console', 'process', 'performance', 'crypto', 'globalThis', 'require', 'Atomics'],
]);

/** `privacy`, `models` without its backends, and the `core` of every app; tests apart. */
function isCore(source: Source): boolean {
  const pure = /^(privacy|models)\/src\/|^[\w-]+\/src\/core\//.test(source.path);
  const backend = /^models\/src\/backend[\w-]*\.ts$/.test(source.path);
  return isCode(source) && pure && !backend && !isTest(source);
}

function found(source: Source, judge: (node: Node, above: readonly Node[]) => string) {
  const hits: [number, string][] = [];
  const local = declaredNames(source);
  walk(source, (node, above) => {
    const message = judge(node, above);
    if (message && !(node.type === 'Identifier' && local.has(node.name!))) {
      hits.push([node.start, message]);
    }
  });
  return hits;
}

function impurity(node: Node, [parent]: readonly Node[]): string {
  if (node.async === true) return 'async';
  if (node.type === 'AwaitExpression' || node.await === true) return 'await';
  if (member(node, 'Date') === 'now') return 'Date.now';
  if (member(node, 'Math') === 'random') return 'Math.random';
  const isDate = node.callee?.type === 'Identifier' && node.callee.name === 'Date';
  if (isDate && (node.type === 'CallExpression' || node.arguments?.length === 0))
    return 'the clock';
  if (node.type !== 'Identifier' || !GLOBALS.has(node.name!)) return '';
  return isName(node, parent) ? '' : node.name!;
}

/** The property that is read from the global `object`, if the node does that. */
function member(node: Node, object: string): string | undefined {
  if (node.type !== 'MemberExpression' || node.object?.name !== object) return undefined;
  return String(node.computed ? node.property?.value : node.property?.name);
}

/** An identifier that names a property or a field, not a variable. */
function isName(node: Node, parent: Node | undefined): boolean {
  if (parent?.computed) return false;
  if (parent?.type === 'MemberExpression') return parent.property === node;
  return parent?.key === node && parent.shorthand !== true;
}

/** Names a file declares itself (parameters, variables, imports): they shadow a global. */
function declaredNames(source: Source): Set<string> {
  const names = new Set<string>();
  const add = (pattern: Node | null | undefined) => {
    if (pattern?.type === 'Identifier') names.add(pattern.name!);
  };
  walk(source, (node) => {
    if (node.type === 'VariableDeclarator') add(node.id);
    if (node.type.startsWith('Import')) add(node.local);
    for (const parameter of node.params ?? []) add(parameter);
  });
  return names;
}

function nodeImport(node: Node, { path }: Source): string {
  const from = node.source?.value;
  if (typeof from !== 'string') return '';
  const isNode = from.startsWith('node:') || /^(crypto|fs|os|path|util|worker_threads)$/.test(from);
  const allowed = from === 'node:crypto' && path.startsWith('privacy/src/crypto/');
  return isNode && !allowed ? `imports ${from}` : '';
}
