/**
 * What a core returns when a peer or a policy says no. It is a value, never thrown. The code is
 * kebab-case and stable; the facts hold the numbers a sentence needs (what arrived, what bound).
 */
export interface Refusal {
  readonly refused: string;
  readonly facts: Readonly<Record<string, string | number | boolean | string[]>>;
}

/** Builds a refusal. */
export function refuse(code: string, facts: Refusal['facts'] = {}): Refusal {
  return { refused: code, facts };
}

/** Whether a value is a refusal; anything else is the wanted result. */
export function isRefusal(value: unknown): value is Refusal {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Refusal).refused === 'string' &&
    typeof (value as Refusal).facts === 'object'
  );
}
