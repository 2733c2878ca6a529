import { readFileSync } from 'node:fs'
import { issueCredentials } from '../../../scripts/network/issue.ts'
import type { Topology } from '../../../scripts/network/topology.ts'
import { channelOf, openMadeLedger } from './make.ts'

/*
 * Opens the ledger of one peer in a process of its own: `open-peer.ts <settings.json>`. Tells its parent how long that took,
 * and how much memory it takes then and after many readings.
 */

export interface OpenedPeer {
  readonly openMs: number
  readonly rssBytes: number
  /** After so many blocks and values have been read, all over the chain. */
  readonly readings: number
  readonly readRssBytes: number
}

const readings = 10_000

async function open(settingsFile: string): Promise<OpenedPeer> {
  const settings = JSON.parse(readFileSync(settingsFile, 'utf8')) as {
    readonly topology: Topology
    readonly credentialsDirectory: string
    readonly directory: string
  }
  const credentials = await issueCredentials(settings.topology, settings.credentialsDirectory)
  const channel = channelOf(settings.topology, credentials)
  const began = performance.now()
  const ledger = await openMadeLedger(channel, credentials, settings.directory)
  const openMs = performance.now() - began
  const { rss } = process.memoryUsage()
  for (let count = 0; count < readings; count += 1) {
    const number = Math.floor(Math.random() * ledger.blocks.height)
    ledger.blocks.read(number)
    ledger.privateData(number)
  }
  const { rss: readRss } = process.memoryUsage()
  ledger.close()
  return { openMs, rssBytes: rss, readings, readRssBytes: readRss }
}

process.send?.(await open(process.argv[2] ?? ''))
