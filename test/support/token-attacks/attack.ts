import type { Draw } from './draw.ts'
import type { Scene } from './scene.ts'

/** What the bearer of a token tries to do with it. */
export type Act = 'ask' | 'register a patient' | 'read consents' | 'deposit documents'

export interface Attack {
  readonly token: string
  /** Whose gateway, and whose certificate on the ledger, presents it; North's unless said otherwise. */
  readonly through?: string
  readonly act?: Act
}

/** A kind of attack, and how to make one. */
export interface AttackClass {
  readonly family: string
  readonly name: string
  /**
   * Who must refuse it: the verifier, which gateway and chaincode have in common; or either of them by what it knows beside:
   * the registry, the constitution, whose staff may use a gateway.
   */
  readonly refusedBy: 'verifier' | 'registry'
  readonly make: (draw: Draw, scene: Scene) => string | Attack
}

type Make = AttackClass['make']

/** The classes of a family from a table: name → how to make one. */
export const family = (
  name: string,
  classes: Readonly<Record<string, Make>>,
  refusedBy: AttackClass['refusedBy'] = 'verifier',
): readonly AttackClass[] =>
  Object.entries(classes).map(([title, make]) => ({ family: name, name: title, refusedBy, make }))
