import { describe, expect, test } from 'vitest'
import { collectionPackage } from '../../../../scripts/network/fabric/collections.ts'
import { definitionOf } from '../../../../scripts/network/fabric/definition.ts'
import { decode, peer } from '../../../../scripts/network/fabric/message.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'

const definition = definitionOf(demoTopology())

/** Who alone may read and write in each collection, as the chain says it. */
const readFlags = (content: Buffer): Array<readonly [string, boolean, boolean]> =>
  decode(peer.CollectionConfigPackage, content)
    .getConfigList()
    .flatMap((config) => {
      const found = config.getStaticCollectionConfig()
      return found === undefined
        ? []
        : [[found.getName(), found.getMemberOnlyRead(), found.getMemberOnlyWrite()] as const]
    })

describe('the collections on the chain', () => {
  test('are closed to nobody by themselves: the chaincode decides', () => {
    const names = [...definition.collections.keys()]
    expect(readFlags(collectionPackage(definition))).toEqual(names.map((name) => [name, false, false]))
  })

  test('say it where one is for its members only', () => {
    const collections = new Map(
      [...definition.collections].map(([name, collection]) => [
        name,
        { ...collection, memberOnlyRead: name === 'registry', memberOnlyWrite: name === 'access-north' },
      ]),
    )
    const flags = new Map(
      readFlags(collectionPackage({ collections })).map(([name, ...rest]) => [name, rest]),
    )
    expect(flags.get('registry')).toEqual([true, false])
    expect(flags.get('access-north')).toEqual([false, true])
  })
})
