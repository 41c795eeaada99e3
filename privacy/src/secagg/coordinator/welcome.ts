import { type Coordinator, sealed, sendTo } from './state.ts';

const NO_HEAD = { count: 0, hash: new Uint8Array(0) };

/** Welcome of SECAGG.md section 5: where the epoch stands and what setup wants a Hello. */
export function sendWelcome(machine: Coordinator, member: number): void {
  const { epoch, setup } = machine;
  const welcome = {
    epoch: epoch?.roster.ctx ?? new Uint8Array(0),
    epochNumber: epoch?.roster.epochNumber ?? 0,
    nextSlot: epoch?.nextSlot ?? 0,
    setupEpochNumber: setup?.epochNumber ?? 0,
    setupAttempt: setup?.attempt ?? 0,
    ledgerHead: machine.ledgerHeads.get(member) ?? NO_HEAD,
  };
  sendTo(machine, member, sealed(machine, 'Welcome', welcome));
}
