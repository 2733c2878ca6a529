import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../../scripts/start/alive.ts'
import { readMarker, resetDirectory, takeDirectory, writeMarker } from '../../../scripts/start/directory.ts'
import { readInstance, writeInstance } from '../../../scripts/start/instance.ts'
import { openJournal } from '../../../scripts/start/journal.ts'
import { pathsIn } from '../../../scripts/start/paths.ts'
import { requireFreePorts } from '../../../scripts/start/ports.ts'
import { prepare } from '../../../scripts/start/prepare.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-start-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const marker = { topology: 'demo', firstPort: 19_000 } as const
const paths = (): ReturnType<typeof pathsIn> => pathsIn(join(folder, 'data'))
/** No process has this number: it is above the largest that Linux gives out. */
const nobody = 4_194_305

describe('a data directory', () => {
  test('is made for its owner alone', async () => {
    const lock = await takeDirectory(paths())
    expect(((await stat(paths().root)).mode & 0o777).toString(8)).toBe('700')
    lock.release()
  })

  test('that holds somebody else’s files is not taken, and they stay', async () => {
    await mkdir(paths().root)
    await writeFile(join(paths().root, 'thesis.txt'), 'years of work')
    await expect(takeDirectory(paths())).rejects.toThrow(/not empty and not a Medledger data directory/)
    expect(await readdir(paths().root)).toEqual(['thesis.txt'])
  })

  test('has one instance at a time, and the second learns of it in one line', async () => {
    const lock = await takeDirectory(paths())
    await expect(takeDirectory(paths())).rejects.toThrow(/^An instance runs already: [^\n]*--data\.$/)
    lock.release()
    ;(await takeDirectory(paths())).release()
  })

  test('whose instance was killed is taken over', async () => {
    await mkdir(paths().root)
    await writeFile(join(paths().root, 'lock'), `${nobody} 1\n`)
    ;(await takeDirectory(paths())).release()
  })

  test('keeps nothing but the lock after a reset', async () => {
    const lock = await takeDirectory(paths())
    await writeMarker(paths(), marker)
    await mkdir(paths().ledger, { recursive: true })
    await resetDirectory(paths())
    expect(await readdir(paths().root)).toEqual(['lock'])
    lock.release()
  })

  test('remembers topology and ports; another format is refused', async () => {
    expect(await readMarker(paths())).toBeUndefined()
    await writeMarker(paths(), marker)
    expect(await readMarker(paths())).toEqual(marker)
    await writeFile(paths().marker, JSON.stringify({ format: 99, ...marker }))
    await expect(readMarker(paths())).rejects.toThrow(/format 99/)
  })
})

describe('preparing', () => {
  test('writes what a start needs; keys and handles stay the same, and only their owner can read them', async () => {
    const topology = demoTopology(19_000)
    await mkdir(paths().root, { recursive: true })
    await prepare(topology, paths())
    const kept = [
      'people.json',
      'issuers/north.json',
      'issuers/secret',
      'gateways/south/master.key',
      'network/credentials/north/gateway/key.pem',
    ]
    const read = (): Promise<string[]> =>
      Promise.all(kept.map((name) => readFile(join(paths().root, name), 'utf8')))
    const before = await read()
    const { people } = await prepare(demoTopology(19_100), paths())
    expect(await read()).toEqual(before)
    expect(people.map(({ user }) => user)).toContain('dr.chen')
    for (const name of kept) expect((await stat(join(paths().root, name))).mode & 0o077).toBe(0)
    expect(before[3]).toMatch(/^[0-9a-f]{64}\n$/)
    const partners = JSON.parse(await readFile(paths().gateway('north').partners, 'utf8')) as Record<
      string,
      { url: string }
    >
    expect(Object.values(partners).map(({ url }) => url)).toEqual([
      'https://localhost:19103',
      'https://localhost:19104',
      'https://localhost:19105',
    ])
  })

  test('does not invent people anew for a ledger that has some', async () => {
    await mkdir(paths().root, { recursive: true })
    await prepare(demoTopology(19_000), paths())
    await (await openJournal(paths().journal)).add('step')
    await rm(paths().people)
    await expect(prepare(demoTopology(19_000), paths())).rejects.toThrow(/people\.json is missing/)
  })
})

describe('the journal', () => {
  test('remembers what was done, also when several steps end at once', async () => {
    const file = join(folder, 'journal.json')
    const journal = await openJournal(file)
    await Promise.all(['one', 'two', 'three'].map((step) => journal.add(step)))
    const again = await openJournal(file)
    expect(['one', 'two', 'three', 'four'].map((step) => again.has(step))).toEqual([true, true, true, false])
  })

  test('that is damaged is an empty one: its steps can be repeated', async () => {
    const file = join(folder, 'journal.json')
    await writeFile(file, '{"done":[')
    expect((await openJournal(file)).has('one')).toBe(false)
  })
})

describe('the record of an instance', () => {
  const record = (pid: number): Parameters<typeof writeInstance>[1] => ({
    network: 'embedded',
    pid,
    control: '/nowhere',
    topology: demoTopology(19_000),
    gateways: [],
    parts: [{ name: 'network' }],
  })

  test('counts while its process runs', async () => {
    await writeInstance(paths(), record(process.pid))
    expect(await readInstance(paths())).toMatchObject({ pid: process.pid })
    await writeInstance(paths(), record(nobody))
    expect(await readInstance(paths())).toBeUndefined()
    expect(isAlive(nobody)).toBe(false)
  })

  test('that is damaged is named', async () => {
    await mkdir(paths().root, { recursive: true })
    await writeFile(paths().instance, '{')
    await expect(readInstance(paths())).rejects.toThrow(/instance\.json is damaged/)
  })
})

test('a taken port is named, with the remedy, in one line', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  await expect(requireFreePorts([port])).rejects.toThrow(
    new RegExp(`^Port ${port} is taken [^\n]*--port\\.$`),
  )
  await new Promise((resolve) => {
    server.close(resolve)
  })
  await requireFreePorts([port])
})
