import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { medledger, repository, shell, type Finished } from '../../support/command-line.ts'
import { processesOf, startInstance, type RunningInstance } from '../../support/instance.ts'
import { consentOf } from '../../support/ledger-samples.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'

const firstPort = testPort(300)
let data: string
let instance: RunningInstance

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'medledger-story-'))
  instance = await startInstance(data, ['--port', String(firstPort)])
})

afterAll(async () => {
  await instance.interrupt()
  await rm(data, { recursive: true, force: true })
})

interface Row {
  readonly entry: string
  readonly at: string
  readonly block: number
  readonly kind: string
  readonly person: string
  readonly organisation: string
  readonly documents: readonly { readonly id: string; readonly outcome: string }[]
  readonly delivered: boolean | null
}

const json = async <Value>(...args: string[]): Promise<Value> => {
  const { code, stdout, stderr } = await medledger([...args, '--data', data, '--json'])
  if (code !== 0) throw new Error(`medledger ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Value
}

const log = (): Promise<Row[]> => json<Row[]>('log', '--patient', 'maria', '--as', 'maria')

/** The commands that the box shows, as somebody would paste them. */
function commandsInBox(): string[] {
  return [...instance.output().matchAll(/npm run --silent medledger -- [^\n│|]*/g)].map(([line]) =>
    line.trim(),
  )
}

test('the five commands of the box play the story: refused, granted, read, revoked, refused again', async () => {
  expect(instance.output()).toContain('embedded network, invented data, not for real patients')
  const commands = commandsInBox()
  expect(commands.length).toBeGreaterThanOrEqual(5)
  const paste = (verb: string): Promise<Finished> => {
    const line = commands.find((command) => command.includes(`-- ${verb} `))
    if (line === undefined) throw new Error(`the box has no command "${verb}": ${commands.join(' / ')}`)
    return shell(line, { MEDLEDGER_DATA: data })
  }
  const codes = []
  for (const verb of ['read', 'grant', 'read', 'log', 'revoke', 'read']) codes.push((await paste(verb)).code)
  expect(codes).toEqual([4, 0, 0, 0, 0, 4])

  const rows = await poll('the release on the ledger', async () => {
    const found = await log()
    return found.some(({ delivered }) => delivered === true) ? found : undefined
  })
  const accesses = rows.filter(({ kind }) => kind === 'access')
  expect(accesses.map(({ documents, delivered }) => [documents[0]?.outcome, delivered])).toEqual([
    ['deny', false],
    ['permit', true],
    ['deny', false],
  ])
  expect(accesses[0]).toMatchObject({ person: 'Dr Wei Chen', organisation: 'south' })
  expect(rows.filter(({ kind }) => kind === 'consent').length).toBeGreaterThanOrEqual(2)
})

test('every access is decided again alike at every organisation’s peer', async () => {
  for (const org of ['north', 'south', 'authority']) {
    const replayed = await json<{ checked: number }>('replay', '--org', org)
    expect(replayed, org).toMatchObject({ differences: [], unreplayable: [] })
    expect(replayed.checked).toBeGreaterThanOrEqual(3)
  }
  const { code, stdout } = await medledger([
    'replay',
    '--org',
    'north',
    '--custodian',
    'north',
    '--data',
    data,
  ])
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^\d+ accesses decided again, 0 differences, 0 that/),
  ])
})

test('the patient is told why, a doctor is not, and what she considers changes nothing', async () => {
  const accesses = (await log()).filter(({ kind }) => kind === 'access')
  const told = []
  for (const { entry } of accesses.slice(0, 3)) {
    const { code, stdout } = await medledger(['explain', entry, '--as', 'maria', '--data', data])
    expect(code).toBe(0)
    told.push(stdout)
  }
  expect(told[0]).toMatch(/ is refused: nothing that you have said covers it/)
  expect(told[1]).toMatch(/ may be read: your permission for Dr Wei Chen \([0-9a-f]{8}\) allows it\./)
  expect(told[2]).toMatch(/ is refused: nothing that you have said covers it/)
  for (const text of told) expect(text).toContain('it comes out the same')
  const explain = (entry: string): Promise<Finished> =>
    medledger(['explain', entry, '--as', 'dr.chen', '--data', data])
  const [known, unknown] = [await explain(accesses[1]?.entry ?? ''), await explain('0'.repeat(32))]
  expect([known.code, known.stdout]).toEqual([0, unknown.stdout])

  const simulate = async (...more: string[]): Promise<string[]> =>
    (
      await json<{ custodians: Simulated[] }>('simulate', '--as', 'maria', '--to', 'dr.chen', ...more)
    ).custodians
      .filter(({ custodian }) => custodian === 'north')
      .flatMap(({ documents }) => documents.map(({ outcome }) => outcome))
  const file = join(data, 'considered.json')
  await writeFile(file, JSON.stringify(consentOf()))
  expect(new Set(await simulate())).toEqual(new Set(['deny']))
  expect(new Set(await simulate('--file', file))).toEqual(new Set(['permit']))
  expect(new Set(await simulate())).toEqual(new Set(['deny']))
})

interface Simulated {
  readonly custodian: string
  readonly documents: readonly { readonly outcome: string }[]
}

test('after a restart the earlier entries are an unchanged prefix', async () => {
  const before = await log()
  expect(await instance.interrupt()).toBe(0)
  instance = await startInstance(data, ['--port', String(firstPort)])
  const after = await log()
  expect(after.slice(0, before.length)).toEqual(before)
})

test('after kill -9 of every process the earlier entries are an unchanged prefix', async () => {
  const before = await log()
  const processes = processesOf(data)
  expect(processes.length).toBeGreaterThanOrEqual(8)
  for (const pid of processes) process.kill(pid, 'SIGKILL')
  await poll('all processes to be gone', () => (processes.some(isRunning) ? undefined : true))
  instance = await startInstance(data, ['--port', String(firstPort)])
  const after = await log()
  expect(after.slice(0, before.length)).toEqual(before)
})

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a second instance on the same data, and one on taken ports, say so in one line', async () => {
  const second = await medledger(['start', '--data', data, '--port', String(testPort(350))])
  expect(second.code).not.toBe(0)
  expect(second.stderr.trim().split('\n')).toHaveLength(1)
  const elsewhere = await mkdtemp(join(tmpdir(), 'medledger-second-'))
  const taken = await medledger(['start', '--data', elsewhere, '--port', String(firstPort)])
  await rm(elsewhere, { recursive: true, force: true })
  expect(taken.code).not.toBe(0)
  expect(taken.stderr).toContain('--port')
  expect(taken.stderr.trim().split('\n')).toHaveLength(1)
})

test('every answer of the command line has the exit code that the README states', async () => {
  const code = async (...args: string[]): Promise<number | null> =>
    (await medledger([...args, '--data', data])).code
  await poll('all of the instance to be ready', async () => (await code('status')) === 0 || undefined)
  expect(await code('nonsense')).toBe(2)
  expect(await code('token', '--user', 'nobody.at.all')).toBe(2)
  // To revoke what is not in force is done; the newest of none is not found.
  expect(await code('revoke', '0'.repeat(32), '--as', 'maria')).toBe(0)
  expect(await code('revoke', '--last', '--as', 'tomas')).toBe(3)
  expect(await code('read', `north-${'0'.repeat(32)}`, '--as', 'dr.chen')).toBe(4)
  expect((await medledger(['people', '--data', join(repository, 'does-not-exist')])).code).toBe(5)
})

test('without the orderer a reading says that the service is unavailable', async () => {
  const documents = await json<{ id: string }[]>('documents', '--patient', 'maria', '--as', 'maria')
  const id = documents[0]?.id ?? ''
  expect((await medledger(['stop', 'orderer', '--data', data])).code).toBe(0)
  const read = await medledger(['read', id, '--as', 'maria', '--data', data])
  const status = await medledger(['status', '--data', data])
  expect([status.code, status.stdout.split('\n')[0]]).toEqual([5, 'degraded'])
  expect(status.stdout).toMatch(/^orderer +stopped$/m)
  expect((await medledger(['start', 'orderer', '--data', data])).code).toBe(0)
  expect([5, 7]).toContain(read.code)
  expect(read.stdout).toBe('')
  const again = await poll('the document to be readable again', async () => {
    const result = await medledger(['read', id, '--as', 'maria', '--data', data])
    return result.code === 0 ? result : undefined
  })
  expect(again.stdout).not.toBe('')
})
