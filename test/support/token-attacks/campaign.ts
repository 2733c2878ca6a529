import { testNetwork, type TestNetwork } from '../gateway-network.ts'
import { drawFrom } from './draw.ts'
import { attackClasses, attackedConstitution, setScene, type AttackClass, type Scene } from './index.ts'
import type { KnownKey, Reference } from './reference.ts'
import type { SceneIssuer } from './scene.ts'
import { presentToGateway, presentToLedger, type Verdict } from './present.ts'

/** What came of all tries of one class. */
export interface Tally {
  readonly attack: AttackClass
  tries: number
  accepted: number
  faults: number
  /** Tries on which the two disagreed, or on which not the verifier refused what it must refuse. */
  odd: number
}

export interface Campaign {
  readonly tallies: readonly Tally[]
  /** The first few tries that did not end as they must, for the report of a failure. */
  readonly surprises: readonly string[]
}

export interface Battlefield {
  readonly network: TestNetwork
  readonly scene: Scene
}

export async function openBattlefield(): Promise<Battlefield> {
  const network = await testNetwork(attackedConstitution)
  return { network, scene: await setScene(network.world) }
}

/** Everything that a verifier may know of the scene, for one that stands beside the product's. */
export function knownAt(scene: Scene, organisation: string): Reference {
  const issuers = [scene.north, scene.south, scene.authority, scene.keycloak]
  const keysOf = ({ profile, keys }: SceneIssuer, revoked: boolean): KnownKey[] =>
    Object.values(keys).map(({ kid, publicKey: key }) => ({ issuer: profile.issuer, kid, key, revoked }))
  return {
    issuers: issuers.map(({ profile }) => profile),
    keys: [
      ...issuers.flatMap((issuer) => keysOf(issuer, false)),
      ...keysOf({ ...scene.north, keys: scene.revoked }, true),
    ],
    audience: scene.audienceOf(organisation),
    at: scene.now(),
  }
}

/**
 * Between two tries, so that key ids nobody knows stay below the number that a gateway looks up in a second: the attack on that
 * limit has a test of its own.
 */
const betweenMs = 60

const byVerifier = (gateway: Verdict, ledger: Verdict): boolean =>
  ledger.code === 'INVALID_TOKEN' && ['INVALID_TOKEN', 'NOT_AUTHENTICATED'].includes(gateway.code)

/**
 * Presents hostile tokens, class by class in turn, to a gateway and to the chaincode. The seed decides every choice but
 * the keys and the signatures' own randomness.
 */
export async function attackWith(
  { network, scene }: Battlefield,
  { tries, seed }: { readonly tries: number; readonly seed: number },
): Promise<Campaign> {
  const tallies = attackClasses.map((attack): Tally => ({ attack, tries: 0, accepted: 0, faults: 0, odd: 0 }))
  const surprises: string[] = []
  for (let index = 0; index < tries; index += 1) {
    const tally = tallies[index % tallies.length] as Tally
    network.world.now += betweenMs
    const made = tally.attack.make(drawFrom(seed + index), scene)
    const attack = typeof made === 'string' ? { token: made } : made
    const gateway = await presentToGateway(network, attack)
    const ledger = await presentToLedger(network, attack)
    if (count(tally, gateway, ledger) || surprises.length === 20) continue
    const { family, name } = tally.attack
    const codes = `gateway ${gateway.code}, ledger ${ledger.code}`
    surprises.push(`try ${index}, ${family}, ${name}: ${codes}: ${attack.token.slice(0, 600)}`)
  }
  return { tallies, surprises }
}

/** Counts a try; whether it ended as it must. */
function count(tally: Tally, gateway: Verdict, ledger: Verdict): boolean {
  const outcomes = [gateway.outcome, ledger.outcome]
  const right =
    tally.attack.refusedBy === 'verifier' ? byVerifier(gateway, ledger) : gateway.outcome === ledger.outcome
  tally.tries += 1
  tally.accepted += Number(outcomes.includes('accepted'))
  tally.faults += Number(outcomes.includes('fault'))
  tally.odd += Number(!right)
  return right && outcomes.every((outcome) => outcome === 'refused')
}

/** The tallies as a table in Markdown. */
export function tableOf(tallies: readonly Tally[]): string {
  const rows = tallies.map(
    ({ attack: { family, name, refusedBy }, tries, accepted, faults }) =>
      `| ${family} | ${name} | ${refusedBy} | ${tries} | ${accepted} | ${faults} |`,
  )
  const sum = (count: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + count(tally), 0)
  return [
    '| family | class | refused by | tries | accepted | server errors |',
    '| --- | --- | --- | --: | --: | --: |',
    ...rows,
    `| all | ${tallies.length} classes | | ${sum(({ tries }) => tries)} | ${sum(({ accepted }) => accepted)} | ${sum(({ faults }) => faults)} |`,
  ].join('\n')
}
