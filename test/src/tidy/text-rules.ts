import { eachFile, isCode, type Rule, type Source } from './source.ts';

const FILE_LINES_MAX = 500;
const LINE_CHARACTERS_MAX = 100;

/** Rules that read a file as text: sizes, names, words. */
export const textRules: readonly Rule[] = [
  {
    name: `a file has at most ${FILE_LINES_MAX} lines`,
    judge: eachFile(isCode, function* ({ text }) {
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
      if (lines > FILE_LINES_MAX) yield [text.length, `${lines} lines`];
    }),
    passes: [{ 'a.ts': 'f();\n'.repeat(500) }, { 'a.json': '1\n'.repeat(501) }],
    fails: [{ 'a.ts': 'f();\n'.repeat(501) }],
  },
  {
    name: `a line has at most ${LINE_CHARACTERS_MAX} characters, save one import or one address`,
    judge: eachFile(isCode, ({ text }) => longLines(text)),
    passes: [
      { 'a.ts': `const a = '${'x'.repeat(87)}';` },
      { 'a.ts': `import { a } from '${'x'.repeat(100)}';` },
      { 'a.ts': `// see https://example.org/${'x'.repeat(90)}` },
    ],
    fails: [{ 'a.ts': `const a = '${'x'.repeat(88)}';` }, { 'a.mjs': `// ${'word '.repeat(20)}` }],
  },
  {
    name: 'file and folder names are kebab-case',
    judge: eachFile(isCode, function* ({ path }) {
      const name = /^[a-z0-9]+(-[a-z0-9]+)*$/;
      const [file, ...folders] = path.split('/').reverse();
      const stem = file!.replace(/(\.(test|config))?\.\w+$/, '');
      const wrong = [stem, ...folders].filter((part) => !name.test(part));
      if (wrong.length > 0) yield [0, `not kebab-case: ${wrong.join(', ')}`];
    }),
    passes: [{ 'a-b/c1.test.ts': '' }, { 'vitest.config.ts': '' }, { 'README.md': '' }],
    fails: [{ 'aB.ts': '' }, { 'a_b/c.ts': '' }, { 'a.b.ts': '' }],
  },
  {
    name: 'nothing is left to do later',
    judge: eachFile(isText, matches(/\b(?:FIX[M]E|TO[D]O|X[X]X)\b/, 'left open')),
    passes: [{ 'a.ts': '// the fixme and todo of others' }],
    fails: [{ 'a.ts': `// TO${'DO'}: later` }, { 'a.md': `FIX${'ME'}` }, { 'a.ts': `// X${'XX'}` }],
  },
  {
    name: 'no path of one machine',
    judge: eachFile(isText, matches(/(?<![\w.*}-])\/(?:work|root|home)\/\w/, 'a machine path')),
    passes: [{ 'a.md': 'see https://example.org/home/a and homework/b' }],
    fails: [{ 'a.ts': `read('/${'work'}/a')` }, { 'a.md': `(/${'home'}/me/a)` }],
  },
  {
    name: 'no package registry is named',
    judge: eachFile(
      isText,
      matches(
        /\b(?:registry\.[a-z]|[a-z.]*npmjs\.(?:org|com)|pypi\.org|arti[f]actory|verda[c]cio)/i,
        'a registry',
      ),
    ),
    passes: [{ 'a.md': 'a registry of models' }, { 'b.ts': 'plans.registry' }],
    fails: [{ 'package-lock.json': `"https://registry.${'npmjs'}.org/a.tgz"` }],
  },
  {
    name: 'no claim that an auditor makes us retract',
    judge: eachFile(isReadByUsers, claims),
    passes: [
      { 'a.md': 'Contributions are not anonymous.\nNo page prints "compliant".' },
      { 'a.md': 'We never say\n"guaranteed private".' },
      { 'a.test.ts': "f('anonymous')" },
    ],
    fails: [
      { 'a.md': 'Contributions are anonymous.' },
      { 'a.md': 'No data leaves. Tacit is compliant.' },
      { 'a.md': 'This is not a risk. It is guaranteed\nprivate.' },
      { 'a.md': '# No limits\n- anonymous sums' },
      { 'cli/src/a.ts': "print('unbreakable masks'); // not\nprint('unbreakable')" },
    ],
  },
];

function* longLines(text: string): Iterable<readonly [number, string]> {
  let start = 0;
  for (const line of text.split('\n')) {
    const unbreakable = /^\s*(import .*|export .*|\}) from '\S+';$|https?:\/\/\S{60,}/.test(line);
    if (line.length > LINE_CHARACTERS_MAX && !unbreakable) {
      yield [start, `${line.length} characters`];
    }
    start += line.length + 1;
  }
}

function matches(pattern: RegExp, what: string) {
  const every = new RegExp(pattern, `${pattern.flags}g`);
  return ({ text }: Source) =>
    Array.from(text.matchAll(every), (hit) => [hit.index, `${what}: ${hit[0]}`] as const);
}

function isText({ path }: Source): boolean {
  return /\.(ts|mjs|js|css|html|md|json|ya?ml|proto|sh|toml)$|(^|\/)[^.]+$/.test(path);
}

/** Documents, pages and product code; the test workspaces are read by contributors only. */
function isReadByUsers({ path }: Source): boolean {
  return !/\.test\.ts$|^(test|bench)\//.test(path) && /\.(md|html|ts|mjs|ya?ml|proto)$/.test(path);
}

/**
 * A claim stands only in a sentence that denies it. Prose ends one at a stop, a blank line or
 * a list item; in code each line stands alone.
 */
function* claims({ path, text }: Source): Iterable<readonly [number, string]> {
  const claim =
    /\b(?:anonym(?:ous|ously|i[sz]ed)|compliant|unbreakable|guaranteed[-\s]+private)\b/i;
  const denial = /\b(?:not|never|no|nor|neither|cannot|forbidden)\b|n't\b/i;
  const prose = /\.(md|html)$/.test(path);
  const ends = prose ? /(?<=[.!?]["')*_]*)\s|\n\s*\n|\n(?=\s*(?:[-*#|>]|\d+\.)\s?)/ : /\n/;
  let start = 0;
  for (const part of text.split(new RegExp(`(${ends.source})`))) {
    const hit = claim.exec(part);
    if (hit && !denial.test(part)) yield [start + hit.index, `claims "${hit[0]}"`];
    start += part.length;
  }
}
