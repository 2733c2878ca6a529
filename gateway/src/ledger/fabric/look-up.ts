import type { Seen } from './tail.ts'

interface Teller {
  readonly mspid: string
}

/**
 * What can be believed of what peers tell, all asked at once: the own organisation's word, or what two others tell
 * alike, since one alone could make a transaction look valid that is not. Where there is only one other, its word
 * must do. Undefined when nothing can be believed. `ask` never rejects.
 */
export async function toldAlike<Peer extends Teller>(
  peers: readonly Peer[],
  ownMspId: string,
  ask: (peer: Peer) => Promise<Seen | undefined>,
): Promise<Seen | undefined> {
  const others = new Set(peers.map(({ mspid }) => mspid).filter((mspid) => mspid !== ownMspId))
  const wanted = Math.min(2, others.size)
  const tellers = new Map<string, Set<string>>()
  const isBelieved = (seen: Seen, mspid: string): boolean => {
    if (mspid === ownMspId) return true
    const key = `${seen.block} ${seen.code}`
    const alike = (tellers.get(key) ?? new Set()).add(mspid)
    tellers.set(key, alike)
    return alike.size >= wanted
  }
  return new Promise((resolve) => {
    const hear = async (peer: Peer): Promise<void> => {
      const seen = await ask(peer)
      if (seen !== undefined && isBelieved(seen, peer.mspid)) resolve(seen)
    }
    void Promise.all(peers.map(hear)).then(() => resolve(undefined))
  })
}
