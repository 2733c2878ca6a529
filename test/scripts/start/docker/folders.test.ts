import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPeople, writePeople } from '../../../../scripts/development/index.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'
import {
  containerFolder,
  containerUser,
  refreshProviders,
  writeContainerFolders,
} from '../../../../scripts/start/docker/folders.ts'
import { pathsIn, type Paths } from '../../../../scripts/start/paths.ts'
import { prepare, type Prepared } from '../../../../scripts/start/prepare.ts'

let root: string
let paths: Paths
let prepared: Prepared

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'medledger-folders-'))
  paths = pathsIn(root)
  prepared = await prepare(demoTopology(19_000, 'docker'), paths)
  await writeContainerFolders(prepared)
})
afterAll(() => rm(root, { recursive: true, force: true }))

const filesIn = async (service: string): Promise<string[]> => {
  const entries = await readdir(containerFolder(paths, service), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

test('every file is for its container’s user alone', async () => {
  const { uid } = containerUser()
  for (const service of ['peer-north', 'gateway-south', 'database-authority', 'provider-north'])
    for (const file of await filesIn(service)) {
      const { mode, uid: owner } = await stat(file)
      expect([file, mode & 0o777, owner]).toEqual([file, 0o600, uid])
    }
})

test('no container has another organisation’s keys, nor its own organisation’s authorities', async () => {
  const secret = async (file: string): Promise<string> => readFile(file, 'utf8')
  const authorities = [...prepared.credentials.values()].flatMap(({ ca, tlsCa }) => [
    ca.privateKey,
    tlsCa.privateKey,
  ])
  for (const [name, own] of prepared.credentials) {
    const others = [...prepared.credentials]
      .filter(([other]) => other !== name)
      .flatMap(([, { peer, orderer, gateway, tls }]) =>
        [peer, orderer, gateway, ...Object.values(tls)].map(({ privateKey }) => privateKey),
      )
    for (const part of ['peer', 'orderer', 'chaincode', 'gateway', 'database', 'provider']) {
      const texts = await Promise.all((await filesIn(`${part}-${name}`)).map(secret))
      const all = texts.join('\n')
      expect([...authorities, ...others, own.admin.privateKey].filter((key) => all.includes(key))).toEqual([])
    }
  }
})

test('written again, nothing changes', async () => {
  const file = join(containerFolder(paths, 'gateway-north'), 'profile.json')
  const { mtimeMs } = await stat(file)
  await writeContainerFolders(prepared)
  expect((await stat(file)).mtimeMs).toBe(mtimeMs)
})

test('who joins the people is known to the providers', async () => {
  const people = (await readPeople(paths.people)) ?? []
  const [first] = people
  if (first === undefined) throw new Error('there are no people')
  await writePeople(paths.people, [...people, { ...first, user: 'newcomer' }])
  await refreshProviders(paths)
  const file = join(containerFolder(paths, 'provider-authority'), 'people.json')
  expect(await readFile(file, 'utf8')).toContain('newcomer')
})
