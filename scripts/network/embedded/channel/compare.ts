import { lifecycleName, type Definition } from '../../fabric/definition.ts'
import { mspConfiguration, type ChannelConfiguration } from '../../fabric/genesis.ts'
import { decodeBlock } from '../../fabric/block.ts'
import { configurationIn, type Configurations } from '../configuration/configurations.ts'
import type { Element, Elements } from '../configuration/elements.ts'
import { publicSpace } from '../ledger/keys.ts'
import { readEnvelope } from '../ledger/transaction.ts'
import type { StateView } from '../ledger/state.ts'
import type { Channel } from './channel.ts'
import { createDefinitions } from './definitions.ts'
import { definitionState } from './lifecycle.ts'

/** The MSP of each organisation that uses the channel, by its group's name. */
const mspsIn = (elements: Elements): ReadonlyMap<string, Element> =>
  new Map(
    [...elements.values()]
      .filter(({ path }) => path.length === 4 && path[1] === 'Application' && path[3] === 'MSP')
      .map((element) => [element.path[2] ?? '', element]),
  )

const namesOf = (organisations: Iterable<string>): string => [...organisations].toSorted().join(', ')

/** Errors: Error naming the difference. */
function checkOrganisations(
  first: ReadonlyMap<string, Element>,
  current: ReadonlyMap<string, Element>,
  { organisations }: ChannelConfiguration,
): void {
  const own = new Set(organisations.map(({ mspId }) => mspId))
  const foreign = [...first.keys()].filter((mspId) => current.has(mspId) && !own.has(mspId))
  const unknown = [...own].filter((mspId) => !first.has(mspId) && !current.has(mspId))
  if (foreign.length > 0 || unknown.length > 0)
    throw new Error(`the ledger is of the organisations ${namesOf(current.keys())}, not ${namesOf(own)}`)
  for (const organisation of organisations) {
    const msp = current.get(organisation.mspId)
    // One that an update has changed, or taken away, is as the channel's organisations wanted it.
    if (msp === undefined || msp.version > 0) continue
    if (!msp.content.equals(mspConfiguration(organisation)))
      throw new Error(
        `the ledger was made with other certificates or revocations of ${organisation.mspId}: restore them, update its configuration, or start with a new directory`,
      )
  }
}

interface Chain {
  readonly blocks: { readonly read: (number: number) => Buffer }
  readonly configurations: Configurations
}

/**
 * Checks that a chain is of this channel and these certificates, as far as no update of its configuration has changed them.
 * Gives whether its organisations are still the first ones.
 * Errors: Error naming what differs; such a ledger cannot go on, because nobody could sign for it any more.
 */
export function checkChain({ blocks, configurations }: Chain, configuration: ChannelConfiguration): boolean {
  const genesis = decodeBlock(blocks.read(0))
  const [envelope] = genesis.envelopes
  if (envelope === undefined) throw new Error('the genesis block is empty')
  const { channel } = readEnvelope(envelope).header
  if (channel !== configuration.channel)
    throw new Error(`the ledger is of channel ${channel}, not ${configuration.channel}`)
  const first = mspsIn(configurationIn(genesis).elements)
  const current = mspsIn(configurations.current().elements)
  checkOrganisations(first, current, configuration)
  return namesOf(first.keys()) === namesOf(current.keys())
}

/** Errors: when the chaincode's first definition is still the newest one, and another one than this. */
export function checkDefinition(state: Pick<StateView, 'get'>, definition: Definition): void {
  const found = createDefinitions(state)(definition.name)
  if (found !== undefined && found.sequence > 1) return
  for (const [key, value] of definitionState(definition))
    if (state.get(publicSpace(lifecycleName), key)?.value.equals(value) !== true)
      throw new Error(
        `the ledger has another definition of chaincode ${definition.name} (${key}): start with a new directory`,
      )
}

/** Checks a peer's chain, and how its chaincode is defined. Errors: as {@link checkChain} and {@link checkDefinition}. */
export function checkLedger(
  ledger: Chain & { readonly state: Pick<StateView, 'get'> },
  { configuration, definition }: Pick<Channel, 'configuration' | 'definition'>,
): void {
  // Who takes part is part of a definition: after an update the organisations have to agree on another one first.
  if (checkChain(ledger, configuration)) checkDefinition(ledger.state, definition)
}
