import { type ParseResult, parseSync } from 'vite';

/** One file of the repository, as the house rules see it. */
export interface Source {
  /** Path from the repository root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** One broken rule at one place. */
export interface Finding {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * A house rule. `passes` and `fails` are the controls: small trees, path to text, that it must let
 * stand and must catch. A rule without controls proves nothing by passing.
 */
export interface Rule {
  readonly name: string;
  readonly judge: (sources: readonly Source[]) => Finding[];
  readonly passes: readonly Tree[];
  readonly fails: readonly Tree[];
}

/** Path to text. */
export type Tree = Readonly<Record<string, string>>;

/** Every file of a tree as a source. */
export function sourcesOf(tree: Tree): Source[] {
  return Object.entries(tree).map(([path, text]) => ({ path, text }));
}

/** TypeScript or plain JavaScript. */
export const isCode = ({ path }: Source): boolean => /\.(ts|mjs)$/.test(path);

/** A test file: it may use clocks, promises and Node freely. */
export const isTest = ({ path }: Source): boolean => path.endsWith('.test.ts');

/** Code that only tests run: test files, `testing/` folders, workspaces around the product. */
export const isForTests = (source: Source): boolean =>
  isTest(source) || /(^|\/)testing\/|^(test|bench)\//.test(source.path);

/** Where `offset` (UTF-16 units) falls in the text, counted from 1. */
export function lineAt({ text }: Source, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** A node of the ESTree syntax tree, TypeScript included: the fields that rules look at. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: string;
  readonly value?: unknown;
  readonly async?: boolean;
  readonly await?: boolean;
  readonly computed?: boolean;
  readonly shorthand?: boolean;
  readonly params?: readonly Node[];
  readonly arguments?: readonly Node[];
  readonly declarations?: readonly Node[];
  readonly declaration?: Node | null;
  readonly source?: Node | null;
  readonly callee?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly key?: Node;
  readonly id?: Node | null;
  readonly local?: Node;
}

/** A file's syntax: its statements and its comments. */
export interface Syntax {
  readonly body: readonly Node[];
  readonly comments: ParseResult['comments'];
}

/** The syntax of a code file. Throws on a file that does not parse. Parsed once per content. */
export function syntaxOf(source: Source): Syntax {
  const known = parsed.get(source);
  if (known) return known;
  const { program, comments, errors } = parseSync(source.path, source.text);
  if (errors.length > 0) throw new Error(`${source.path}: ${errors[0]!.message}`);
  const syntax = { body: program.body as unknown as Node[], comments };
  parsed.set(source, syntax);
  return syntax;
}

const parsed = new WeakMap<Source, Syntax>();

/** Calls `visit` for every node, parents first, with the nodes above it, nearest first. */
export function walk(source: Source, visit: (node: Node, above: readonly Node[]) => void): void {
  const step = (node: Node, above: readonly Node[]): void => {
    visit(node, above);
    const path = [node, ...above];
    for (const child of childrenOf(node)) step(child, path);
  };
  for (const node of syntaxOf(source).body) step(node, []);
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** A rule that looks at one file at a time: `judge` gives [offset in the text, message] pairs. */
export function eachFile(
  applies: (source: Source) => boolean,
  judge: (source: Source) => Iterable<readonly [offset: number, message: string]>,
): Rule['judge'] {
  return (sources) =>
    sources.filter(applies).flatMap((source) =>
      [...judge(source)].map(([offset, message]) => ({
        path: source.path,
        line: lineAt(source, offset),
        message,
      })),
    );
}
