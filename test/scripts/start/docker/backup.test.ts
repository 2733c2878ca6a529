import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isKept, readBackup } from '../../../../scripts/start/docker/backup.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-backup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const files: Readonly<Record<string, string>> = {
  'ledgers/peer-north.tar': 'a ledger',
  'databases/north.dump': 'a database',
  'keys/north.dump': 'keys',
  'state/people.json': '[]',
}
const put = async (file: string, content: string): Promise<void> => {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), content)
}
const digest = (content: string): string => createHash('sha256').update(content).digest('hex')

async function finished(): Promise<void> {
  for (const [file, content] of Object.entries(files)) await put(file, content)
  const digests = Object.fromEntries(Object.entries(files).map(([file, content]) => [file, digest(content)]))
  const manifest = { format: 1, taken: '2026-05-04T10:00:00.000Z', heights: { north: 12 }, files: digests }
  await put('backup.json', JSON.stringify(manifest))
}

describe('a backup', () => {
  test('that is whole is read', async () => {
    await finished()
    expect(await readBackup(folder)).toMatchObject({ heights: { north: 12 } })
  })

  test.each(Object.keys(files))(
    'whose %s is altered or missing is refused, and it is named',
    async (file) => {
      await finished()
      await put(file, 'something else')
      await expect(readBackup(folder)).rejects.toThrow(`The backup is damaged: ${file}`)
      await rm(join(folder, file))
      await expect(readBackup(folder)).rejects.toThrow(`The backup is damaged: ${file}`)
    },
  )

  test('with a file that was added is refused', async () => {
    await finished()
    await put('state/extra.json', '{}')
    await expect(readBackup(folder)).rejects.toThrow('state/extra.json')
  })

  test('with a link in it is refused, wherever it leads', async () => {
    await finished()
    await symlink(join(folder, 'state/people.json'), join(folder, 'state/link'))
    await expect(readBackup(folder)).rejects.toThrow('state/link is neither a file nor a folder')
  })

  test('that was not finished is refused', async () => {
    await expect(readBackup(folder)).rejects.toThrow('it has no backup.json')
  })

  test('leaves out what is made anew, locks and sockets of a moment', () => {
    const kept = (path: string): boolean => isKept('/data', path === '' ? '/data' : `/data/${path}`)
    expect(['', 'people.json', 'network/credentials/north', 'gateways/north/master.key'].map(kept)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(
      ['containers', 'containers/peer-north/msp', 'instance.json', 'lock', 'lock.1', 'logs/x'].map(kept),
    ).toEqual([false, false, false, false, false, false])
  })
})
