import { posix } from 'node:path';
import { type Finding, lineAt, type Rule, type Source } from './source.ts';

/** Rules on links between the pages of this repository. */
export const linkRules: readonly Rule[] = [
  {
    name: 'a relative link leads to a file or folder, its anchor to a heading',
    judge: deadLinks,
    passes: [
      {
        'docs/a.md': '[b](../b/c.md#two-words), [d](../b), [e](#f)\n# `F`',
        'b/c.md': '## Two words',
      },
      { 'a.md': '[w](https://example.org/x) [m](mailto:a@example.org)\n```\n[x](y)\n```' },
    ],
    fails: [
      { 'docs/a.md': '[b](b.md)', 'b.md': '' },
      { 'a.md': '[b](b.md#c)', 'b.md': '# D' },
      { 'a.md': '[b](#c)\n```\n# C\n```' },
    ],
  },
];

function deadLinks(sources: readonly Source[]): Finding[] {
  const pages = new Map(
    sources
      .filter(({ path }) => path.endsWith('.md'))
      .map((source) => [source.path, { source, prose: withoutFences(source.text) }]),
  );
  const places = new Set(sources.flatMap(({ path }) => [path, ...foldersOf(path)]));
  return [...pages.values()].flatMap(({ source, prose }) =>
    Array.from(prose.matchAll(/\]\((?![a-z]+:)([^()\s#]*)(?:#([^()\s]*))?\)/g)).flatMap((link) => {
      const [, to, anchor] = link;
      const path = to ? posix.join(posix.dirname(source.path), to) : source.path;
      const page = pages.get(path)?.prose;
      const leads = places.has(path) && (!anchor || (page && anchorsOf(page).includes(anchor)));
      const message = `leads nowhere: ${link[0].slice(1)}`;
      return leads ? [] : [{ path: source.path, line: lineAt(source, link.index), message }];
    }),
  );
}

/** Blanked, not cut, so that offsets stay true. */
function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, (block) => block.replaceAll(/[^\n]/g, ' '));
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** A heading's anchor as GitHub makes it: lower case, punctuation gone, spaces to hyphens. */
function anchorsOf(prose: string): string[] {
  return Array.from(prose.matchAll(/^#+ (.+)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
