/**
 * Messages of SECAGG.md as plain values. Numbers are u32 unless a comment says otherwise; hashes
 * and keys are 32 bytes, signatures 64. `epoch` is the 32-byte ctx, `epochNumber` the counter.
 * Agent numbers inside messages are positions in the epoch's roster (agentId byte order);
 * `Envelope.sender` is the position in the manifest, which outlives epochs.
 */
export interface MessageOf {
  Hello: Hello;
  HelloSet: HelloSet;
  Confirm: Confirm;
  ConfirmSet: ConfirmSet;
  KemPk: KemPk;
  KemPks: KemPks;
  KemCt: KemCt;
  Welcome: Welcome;
  LedgerHead: LedgerHead;
  SlotAsk: SlotAsk;
  Bundle: Bundle;
  RoundOpen: RoundOpen;
  Refused: Refused;
  Upload: Upload;
  Proposal: Proposal;
  Ack: Ack;
  AlreadySigned: AlreadySigned;
  AbortAsk: AbortAsk;
  Abort: Abort;
  AbortCertificate: AbortCertificate;
  Certificate: Certificate;
  Reveal: Reveal;
  RoundResult: RoundResult;
}

/** The name of a message; it is part of what the signature covers. */
export type MessageType = keyof MessageOf;

/** `sender` of what the coordinator signs. */
export const COORDINATOR = 0xffffffff;

/**
 * What travels. `sig` signs `H("msg", type, body)`, except for Ack, Abort and Upload, where it is
 * the labelled signature of their section. `body` is never re-encoded by a relay.
 */
export interface Envelope {
  readonly type: MessageType;
  readonly body: Uint8Array;
  readonly sig: Uint8Array;
  readonly sender: number;
}

/** A relayed message inside another: the exact bytes its author signed. */
export interface Signed {
  readonly body: Uint8Array;
  readonly sig: Uint8Array;
}

/** A -> C. Section 4. The envelope is signed by `sigPk`, which the delegation vouches for. */
export interface Hello {
  readonly manifestHash: Uint8Array;
  readonly epochNumber: number;
  readonly attempt: number;
  readonly agentId: string;
  readonly delegation: Delegation;
  /** X25519 public key. */
  readonly dhPk: Uint8Array;
  /** `H("kem-pk", kemPk)`, empty when the manifest's kem is "none". */
  readonly kemPkHash: Uint8Array;
  readonly nonce: Uint8Array;
}

/** The identity key's signature over the epoch's Ed25519 key. Section 3. */
export interface Delegation {
  readonly sigPk: Uint8Array;
  /** DER SubjectPublicKeyInfo; its SHA-256 is pinned in the manifest. */
  readonly identitySpki: Uint8Array;
  /** Seconds since 1970, u64. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly signature: Uint8Array;
}

/** C -> A. Every Hello of the roster, by agentId in byte order. */
export interface HelloSet {
  readonly hellos: readonly Signed[];
}

/** A -> C. */
export interface Confirm {
  readonly epochNumber: number;
  readonly attempt: number;
  readonly helloSetHash: Uint8Array;
}

/** C -> A. All n confirmations in roster order. */
export interface ConfirmSet {
  readonly confirms: readonly Signed[];
}

/** A -> C, behind the Hello: its ML-KEM-768 public key, 1184 bytes. */
export interface KemPk {
  readonly epochNumber: number;
  readonly attempt: number;
  readonly kemPk: Uint8Array;
}

/** C -> A, behind the ConfirmSet: the keys of the peers above the receiver. */
export interface KemPks {
  readonly epoch: Uint8Array;
  readonly keys: readonly { readonly agent: number; readonly kemPk: Uint8Array }[];
}

/** A -> C -> A, relayed as it is: ciphertext of 1088 bytes from agent i to agent j > i. */
export interface KemCt {
  readonly epoch: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly ciphertext: Uint8Array;
}

/** C -> A on every connection and whenever an epoch setup starts. */
export interface Welcome {
  /** ctx of the active epoch, empty when there is none; its number, else 0. */
  readonly epoch: Uint8Array;
  readonly epochNumber: number;
  readonly nextSlot: number;
  /** The setup the coordinator collects Hellos for; both 0 when there is none. */
  readonly setupEpochNumber: number;
  readonly setupAttempt: number;
  /** The newest head this agent reported; count 0 and an empty hash when there is none. */
  readonly ledgerHead: LedgerHead;
}

/** A -> C after every charge. */
export interface LedgerHead {
  readonly count: number;
  readonly hash: Uint8Array;
}

/** A -> C after a Welcome: how did these slots end? */
export interface SlotAsk {
  readonly epoch: Uint8Array;
  readonly slots: readonly number[];
}

/** A -> C. Section 5. */
export interface Bundle {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly agent: number;
  readonly salt: Uint8Array;
  /** 16 bytes for each neighbour, ascending. */
  readonly edgeCommits: readonly Uint8Array[];
  readonly escrow: Uint8Array;
  /** 48 bytes (32 + tag) and 16 bytes for each holder position. */
  readonly shareCts: readonly Uint8Array[];
  readonly shareCommits: readonly Uint8Array[];
}

/** The public fields of the noise mechanism; `privacyHash` of section 6 hashes them in order. */
export interface MechanismFields {
  readonly id: string;
  /** C, s, Delta, sigma_i^2: f64. The variance of one agent's share is a whole number. */
  readonly clipNorm: number;
  readonly scale: number;
  readonly sensitivity: number;
  readonly shareVariance: number;
  /** Fewest survivors of this round, and colluders the noise is sized for. */
  readonly nMin: number;
  readonly c: number;
}

/** Shape of the vector that is summed. */
export interface VecFields {
  readonly kind: string;
  /** Data elements, without canaries: u64, at most 2^53. */
  readonly length: number;
  readonly ringBits: number;
}

/** C -> A, the whole roster. Section 6. */
export interface RoundOpen {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly runId: string;
  readonly round: number;
  readonly attempt: number;
  readonly modelHash: Uint8Array;
  readonly planHash: Uint8Array;
  readonly mechanism: MechanismFields;
  readonly vec: VecFields;
  /** Bitmap over the roster. */
  readonly participants: Uint8Array;
  /** For each participant, ascending. */
  readonly bundleHashes: readonly Uint8Array[];
  /** Sent after the deadline: pin T and vote, do not upload. */
  readonly uploadsClosed: boolean;
}

/** Why the protocol itself refuses a round; the app adds codes of its own. */
export type RefusedCode =
  | 'epoch-old'
  | 'slot-used'
  | 'round-old'
  | 'cohort'
  | 'model'
  | 'model-chain'
  | 'policy'
  | 'budget'
  | 'split-view';

/** A -> C. Numbers name the highest the agent has used; unused ones are 0. */
export interface Refused {
  readonly epoch: Uint8Array;
  readonly slot: number;
  /** A `RefusedCode`, or the app's own kebab-case code behind `admit`. */
  readonly code: string;
  readonly epochNumber: number;
  readonly highestSlot: number;
  readonly round: number;
  readonly attempt: number;
}

/** A -> C, the header of an upload; the vector follows in chunks. Section 7. */
export interface Upload {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly agent: number;
  readonly transcript: Uint8Array;
  /** SHA-256 of the vector's bytes. */
  readonly bodyHash: Uint8Array;
  readonly salt: Uint8Array;
  readonly selfCommit: Uint8Array;
  readonly shareCts: readonly Uint8Array[];
  readonly shareCommits: readonly Uint8Array[];
}

/** What a certificate is about. Section 8. */
export interface SurvivorSet {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly transcript: Uint8Array;
  /** Bitmap U over the roster. */
  readonly survivors: Uint8Array;
  /** `H("uploads", hdr_i for i in U ascending)`. */
  readonly root: Uint8Array;
}

/** C -> A, the whole roster. */
export type Proposal = SurvivorSet;

/** A -> C. `sig` of the envelope signs `H("survivors", ..)`. */
export interface Ack extends SurvivorSet {
  readonly agent: number;
}

/** A -> C, the answer to another Proposal or an AbortAsk: the first vote, with its signature. */
export interface AlreadySigned extends SurvivorSet {
  readonly agent: number;
  readonly signature: Uint8Array;
}

/** C -> A. Asks for an abort vote on a slot. */
export interface AbortAsk {
  readonly epoch: Uint8Array;
  readonly slot: number;
}

/** A -> C. `sig` of the envelope signs `H("abort", ctx, s)`. */
export interface Abort {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly agent: number;
}

/** One signature of a certificate. */
export interface AgentSignature {
  readonly agent: number;
  readonly signature: Uint8Array;
}

/** C -> A. q signatures over `H("abort", ctx, s)`, ascending by agent. */
export interface AbortCertificate {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly signatures: readonly AgentSignature[];
}

/** q signatures over `H("survivors", ..)`, ascending by agent. */
export interface SurvivorCertificate extends SurvivorSet {
  readonly signatures: readonly AgentSignature[];
}

/** C -> one holder. Section 9. Its shares of every survivor and of every dropped participant. */
export interface Certificate extends SurvivorCertificate {
  /** For i in U, ascending. */
  readonly uploads: readonly CertifiedUpload[];
  /** For i in P \ U, ascending. */
  readonly bundles: readonly DroppedBundle[];
}

/** One survivor, as one holder needs it: what opens and checks the holder's share. */
export interface CertifiedUpload {
  readonly bodyHash: Uint8Array;
  readonly salt: Uint8Array;
  readonly selfCommit: Uint8Array;
  readonly sharesRoot: Uint8Array;
  readonly shareCt: Uint8Array;
}

/** One dropped participant, as one holder needs it: the holder's sealed share. */
export interface DroppedBundle {
  readonly salt: Uint8Array;
  readonly shareCt: Uint8Array;
}

/** holder -> C. Section 9. */
export interface Reveal {
  readonly epoch: Uint8Array;
  readonly slot: number;
  readonly transcript: Uint8Array;
  readonly shares: readonly RevealedShare[];
  /** Agents whose share did not open. */
  readonly failed: readonly number[];
}

/** One opened share. */
export interface RevealedShare {
  readonly agent: number;
  /** 'b': self-mask seed of a survivor; 'e': escrow key of a dropped participant. */
  readonly kind: 'b' | 'e';
  readonly share: Uint8Array;
}

/** C -> A. Section 10. */
export interface RoundResult extends SurvivorCertificate {
  /** SHA-256 of the sum's bytes. */
  readonly sumHash: Uint8Array;
  /** Little-endian int32 words; empty when too long to travel here (then `GetResult`). */
  readonly sum: Uint8Array;
}
