import { algorithmTricks } from './algorithm-tricks.ts'
import type { AttackClass } from './attack.ts'
import { claimEdges } from './claim-edges.ts'
import { crossings } from './crossings.ts'
import { formTricks, jsonTricks } from './encoding-tricks.ts'
import { keyTricks } from './key-tricks.ts'
import { signatureTricks } from './signature-tricks.ts'

export type { Act, Attack, AttackClass } from './attack.ts'
export { drawFrom, type Draw } from './draw.ts'
export { goodRecipe, withClaims, withHeader, write, type Recipe } from './recipe.ts'
export { algorithms, attackedConstitution, issuerOf, setScene, type Scene } from './scene.ts'

/** Every kind of attack on a token that these tests know, by family. */
export const attackClasses: readonly AttackClass[] = [
  ...algorithmTricks,
  ...keyTricks,
  ...signatureTricks,
  ...formTricks,
  ...jsonTricks,
  ...claimEdges,
  ...crossings,
]
