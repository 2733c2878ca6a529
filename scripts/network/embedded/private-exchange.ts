import type { FetchPrivate } from './ledger/missing-data.ts'
import type { PrivateSets } from './ledger/private-data.ts'
import type { PartName } from './part-name.ts'
import type { PeerPart } from './node/peer-part.ts'

/** How the peers of this process hand private data to each other: what gossip is among real peers. */
export interface PrivateExchange {
  /** Asks the members' peers that run. */
  readonly fetch: FetchPrivate
  /** Gives an endorser's private data to the members' peers that run; resolves when it is on a disk. */
  distribute(endorser: PartName, transactionId: string, sets: PrivateSets): Promise<void>
}

/**
 * @param chaincode whose private data they are; who is a member, each peer knows from its own chain
 * @param peers those that run now
 */
export function createPrivateExchange(
  chaincode: string,
  peers: ReadonlyMap<PartName, PeerPart>,
): PrivateExchange {
  const isMember = (peer: PeerPart, collection: string): boolean =>
    peer.ledger.definitionOf(chaincode)?.collections.get(collection)?.members.has(peer.mspId) === true
  return {
    fetch(wanted) {
      for (const peer of peers.values()) {
        const content = isMember(peer, wanted.collection) ? peer.ledger.find(wanted) : undefined
        if (content !== undefined) return content
      }
      return undefined
    },
    async distribute(endorser, transactionId, sets) {
      const receivers = [...peers].filter(([, peer]) => {
        const visible = new Map([...sets].filter(([collection]) => isMember(peer, collection)))
        // Once the transaction is on the ledger nobody looks for it here, and its values may even have been purged.
        const isLate = peer.ledger.transactions.find(transactionId) !== undefined
        if (visible.size > 0 && !isLate)
          peer.ledger.transient.add(transactionId, peer.ledger.blocks.height, visible)
        return visible.size > 0
      })
      // An endorser has it on its own disk; one that is no member answers for those that are.
      const own = receivers.filter(([name]) => name === endorser)
      const durable = own.length > 0 ? own : receivers
      await Promise.all(durable.map(([, peer]) => peer.ledger.transient.sync()))
    },
  }
}
