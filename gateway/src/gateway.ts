import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createApp } from './app.ts'
import { createAuthenticate, createKeySource } from './authenticate.ts'
import type { Config } from './config.ts'
import { connectFabric, createClient, type ConnectionProfile } from './ledger/index.ts'
import type { Log } from './log.ts'
import { createAskCustodian, createExchange, createGive, keepReleases } from './release/index.ts'
import { keepPositions, openDatabase, openKeyDatabase, sqliteDialect } from './store/index.ts'
import { createVault, createVaultKeys } from './vault/index.ts'

export interface Gateway {
  close(): Promise<void>
}

const settleEveryMs = 5000

/** Starts one organisation's gateway: its connection to the ledger, its stores, and its two servers on loopback. */
export async function startGateway(config: Config, log: Log): Promise<Gateway> {
  const { organisation, constitution, dataDirectory } = config
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const database = await openDatabase(sqliteDialect(join(dataDirectory, 'gateway.sqlite')))
  const keyDatabase = await openKeyDatabase(sqliteDialect(join(dataDirectory, 'keys.sqlite')))
  const transport = await connectFabric({
    profile: config.connectionProfile as ConnectionProfile,
    channel: constitution.channel,
    chaincode: config.chaincode,
    organisation: organisation.name,
    mspOf: (name) => constitution.organisations.find((candidate) => candidate.name === name)?.mspId ?? '',
    identity: { mspId: organisation.mspId, certificate: config.certificate, privateKey: config.privateKey },
    log: ({ event, ...fields }) => log.event(event, fields),
  })
  const client = createClient(transport, constitution, organisation.name)
  const vault = createVault(database, createVaultKeys(keyDatabase, config.masterKey), organisation.name)
  const positions = await keepPositions(database, transport)
  const custodian = organisation.name
  const records = keepReleases({
    database,
    client,
    custodian,
    log: (event, fields) => log.event(event, fields),
  })
  const give = createGive({ custodian, client, transport, vault, records, now: Date.now })
  const settle = (): void => {
    records.settle().catch((error: unknown) => log.fault('releases', error))
  }
  const exchange = createExchange({
    ...config.exchange,
    partners: config.partners,
    give,
    answered: settle,
    log,
  })
  const ask = createAskCustodian(config.partners, config.exchange)
  const authenticate = createAuthenticate({
    constitution,
    organisation,
    keyOf: createKeySource(client, Date.now),
    now: Date.now,
  })
  const app = createApp({
    constitution,
    organisation,
    authenticate,
    client,
    transport,
    positions,
    vault,
    ask,
    log,
  })
  await exchange.listen({ host: '127.0.0.1', port: config.exchange.port })
  await app.listen({ host: '127.0.0.1', port: config.httpPort })
  const timer = setInterval(settle, settleEveryMs)
  settle()
  log.event('listening', { port: config.httpPort, exchange: config.exchange.port })
  return {
    async close() {
      clearInterval(timer)
      await Promise.all([app.close(), exchange.close()])
      await records.settle()
      positions.stop()
      await ask.close()
      transport.close()
      await Promise.all([database.destroy(), keyDatabase.destroy()])
    },
  }
}
