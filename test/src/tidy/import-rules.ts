import { type Import, importsOf } from './import-graph.ts';
import {
  type Finding,
  isCode,
  isForTests,
  isTest,
  lineAt,
  type Rule,
  type Source,
} from './source.ts';

/** Rules on who imports whom. */
export const importRules: readonly Rule[] = [
  {
    name: 'imports make no cycle, type imports included',
    judge: cycles,
    passes: [
      { 'a.ts': "import './b.ts'; import './c.ts';", 'b.ts': "import './c.ts';", 'c.ts': '' },
      {
        'p/src/a.ts': "new Worker(new URL('./b.ts', import.meta.url))",
        'p/src/b.ts': "import './a.ts';",
      },
    ],
    fails: [
      { 'a.ts': "import './b.ts';", 'b.ts': "import './a.ts';" },
      { 'a.ts': "import type { B } from './b.ts';", 'b.ts': "export { A } from './a.ts';" },
      { 'a.ts': "import './a.ts';" },
      {
        'p/src/a.ts': "import '@tacit/p/b.ts';",
        'p/src/b.ts': "const c = () => import('./c.ts');",
        'p/src/c.ts': "import './a.ts';",
      },
    ],
  },
  {
    name: 'there is no index file to import a whole package from',
    judge: (sources) => perImport(sources, barrel),
    passes: [{ 'a.ts': "import './b.ts'; import '@tacit/p/c.ts'; import 'zod';" }],
    fails: [
      { 'a.ts': "import './index.ts';" },
      { 'a.ts': "import '@tacit/p';" },
      { 'a.ts': "import '..';" },
    ],
  },
  {
    name: 'workspaces import each other only along the arrows',
    judge: (sources) => perImport(sources, againstArrow),
    passes: [
      { 'models/src/a.ts': "import '@tacit/privacy/mechanism/b.ts';" },
      { 'coordinator/src/a.ts': "import '@tacit/proto/b.ts'; import '@tacit/privacy/b.ts';" },
      { 'test/src/a.ts': "import '@tacit/coordinator/b.ts'; import '@tacit/client-agent/b.ts';" },
      { 'privacy/src/a.test.ts': "import v from '../../test/vector/v.json';" },
      { 'coordinator/src/driver/a.ts': "import '../core/b.ts';" },
    ],
    fails: [
      { 'privacy/src/a.ts': "import '@tacit/models/b.ts';" },
      { 'models/src/a.ts': "import '@tacit/privacy/budget/b.ts';" },
      { 'models/src/a.ts': "import type { A } from '@tacit/proto/b.ts';" },
      { 'coordinator/src/a.ts': "import '@tacit/client-agent/b.ts';" },
      { 'client-agent/src/a.ts': "const b = () => import('@tacit/coordinator/b.ts');" },
      { 'proto/src/a.ts': "import '../../coordinator/src/b.ts';" },
      { 'cli/src/a.ts': "import '../../proto/src/b.ts';" },
      { 'cli/src/a.ts': "import '@tacit/test/b.ts';" },
      { 'privacy/src/a.ts': "import v from '../../test/vector/v.json';" },
      { 'coordinator/src/core/a.ts': "import '../driver/b.ts';" },
    ],
  },
  {
    name: 'no import leads nowhere',
    judge: (sources) => {
      const paths = new Set(sources.map(({ path }) => path));
      return perImport(sources, ({ to }) => (to && !paths.has(to) ? `no file ${to}` : undefined));
    },
    passes: [{ 'a.ts': "import './b.ts';", 'b.ts': '' }, { 'a.ts': "import 'zod';" }],
    fails: [{ 'a.ts': "import './b.ts';" }, { 'a.ts': "import('@tacit/p/b.ts');" }],
  },
  {
    name: 'every file is used: product code by an entry point, test code by a test',
    judge: deadFiles,
    passes: [
      {
        'cli/package.json': '{ "scripts": { "a": "node ./src/a.ts" } }',
        'cli/src/a.ts': "import './b.ts';",
        'cli/src/b.ts': "new URL('./worker.ts', import.meta.url)",
        'cli/src/worker.ts': '',
        'cli/src/b.test.ts': "import './testing/c.ts';",
        'cli/src/testing/c.ts': '',
        'vitest.config.ts': '',
      },
    ],
    fails: [
      { 'cli/src/a.ts': '' },
      { 'cli/src/a.ts': '', 'cli/src/a.test.ts': "import './a.ts';" },
      { 'cli/src/a.ts': "import './b.ts';", 'cli/src/b.ts': "import './a.ts';" },
      { 'test/src/a.ts': '' },
    ],
  },
];

/** What each workspace may import; a name with a slash opens that part only. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  privacy: [],
  models: ['privacy/src/crypto/', 'privacy/src/mechanism/', 'privacy/src/refusal.ts'],
  proto: ['privacy/', 'models/'],
  coordinator: ['privacy/', 'models/', 'proto/'],
  'client-agent': ['privacy/', 'models/', 'proto/'],
  cli: ['privacy/', 'models/', 'proto/', 'coordinator/', 'client-agent/'],
  test: ['privacy/', 'models/', 'proto/', 'coordinator/', 'client-agent/', 'cli/'],
  bench: ['privacy/', 'models/', 'proto/', 'coordinator/', 'client-agent/', 'cli/', 'test/'],
};

function perImport(
  sources: readonly Source[],
  judge: (edge: Import) => string | undefined,
): Finding[] {
  return sources.flatMap((source) =>
    importsOf(source).flatMap((edge) => {
      const message = judge(edge);
      if (message === undefined) return [];
      return [{ path: source.path, line: lineAt(source, edge.offset), message }];
    }),
  );
}

function barrel({ specifier }: Import): string | undefined {
  const whole = /(^|\/)(index(\.\w+)?|\.{1,2}|@tacit\/[\w-]+)\/?$/.test(specifier);
  return whole ? `imports ${specifier}` : undefined;
}

function againstArrow({ from, to, specifier }: Import): string | undefined {
  if (to === undefined) return undefined;
  const [own, other] = [workspaceOf(from), workspaceOf(to)];
  if (own === other) {
    const leavesCore = /^[\w-]+\/src\/core\//.test(from) && !/^[\w-]+\/src\/core\//.test(to);
    return leavesCore && !from.endsWith('.test.ts') ? `the core imports ${to}` : undefined;
  }
  if (from.endsWith('.test.ts') && /^test\/vector\/.*\.json$/.test(to)) return undefined;
  if (specifier.startsWith('.')) return `reaches into ${other} by a relative path`;
  const allowed = ARROWS[own]?.some((prefix) => to.startsWith(prefix));
  return allowed ? undefined : `${own} imports ${to}`;
}

function workspaceOf(path: string): string {
  return path.split('/')[0]!;
}

/** One finding per group of files that import each other in a circle, at its first file. */
function cycles(sources: readonly Source[]): Finding[] {
  const next = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source).flatMap(({ to, worker }) => (to && !worker ? [to] : [])),
    ]),
  );
  const seen = new Set<string>();
  return sources.flatMap(({ path }) => {
    if (seen.has(path)) return [];
    const circle = [...reach(next.get(path)!, next)].filter((other) =>
      reach(next.get(other) ?? [], next).has(path),
    );
    for (const member of circle) seen.add(member);
    return circle.length === 0 ? [] : [{ path, line: 1, message: `cycle: ${circle.join(', ')}` }];
  });
}

function deadFiles(sources: readonly Source[]): Finding[] {
  const next = new Map(
    sources.map((source) => [source.path, importsOf(source).flatMap(({ to }) => to ?? [])]),
  );
  const started = entryPoints(sources);
  const tests = sources.filter(isTest).map(({ path }) => path);
  const product = reach(started, next);
  const everything = reach([...started, ...tests], next);
  return sources
    .filter((source) => isCode(source) && !isTest(source))
    .filter((source) => !(isForTests(source) ? everything : product).has(source.path))
    .map(({ path }) => ({ path, line: 1, message: 'no entry point or test leads here' }));
}

/** Tool configurations, `bin` folders, and whatever a package.json starts. */
function entryPoints(sources: readonly Source[]): string[] {
  const configs = sources
    .map(({ path }) => path)
    .filter((path) => /\.config\.ts$|^[\w-]+\/bin\//.test(path));
  const started = sources
    .filter(({ path }) => /(^|\/)package\.json$/.test(path))
    .flatMap(({ path, text }) =>
      Array.from(
        text.matchAll(/[\w./-]+\.(?:ts|mjs)\b/g),
        ([file]) => `${path.slice(0, -'package.json'.length)}${file.replace(/^\.\//, '')}`,
      ),
    );
  return [...configs, ...started];
}

function reach(
  starts: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const reached = new Set(starts);
  for (const path of reached) for (const to of next.get(path) ?? []) reached.add(to);
  return reached;
}
