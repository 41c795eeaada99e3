import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coreRules } from './tidy/core-rules.ts';
import { importRules } from './tidy/import-rules.ts';
import { linkRules } from './tidy/link-rules.ts';
import { type Source, sourcesOf } from './tidy/source.ts';
import { syntaxRules } from './tidy/syntax-rules.ts';
import { textRules } from './tidy/text-rules.ts';

const root = join(import.meta.dirname, '..', '..');
const tree = readTree();

describe.each([...textRules, ...syntaxRules, ...coreRules, ...importRules, ...linkRules])(
  '$name',
  ({ judge, passes, fails }) => {
    it('holds in the whole tree', () => {
      const lines = judge(tree).map(({ path, line, message }) => `${path}:${line} ${message}`);
      expect(lines).toEqual([]);
    });

    it.each(passes)('lets control %# stand', (good) => {
      expect(judge(sourcesOf(good)), JSON.stringify(good)).toEqual([]);
    });

    it.each(fails)('catches control %#', (bad) => {
      expect(judge(sourcesOf(bad)), JSON.stringify(bad)).not.toEqual([]);
    });
  },
);

it('reads every workspace', () => {
  const folders = new Set(tree.map(({ path }) => path.split('/')[0]));
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect([...folders]).toEqual(expect.arrayContaining(workspaces));
});

/** Files under version control or about to be, read as text; what Git ignores is left out. */
function readTree(): Source[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0');
  return paths
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
