import { chmod, lchown, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { readIfPresent, replaceFile, toText, writeOnce } from '../../development/index.ts'
import {
  chaincodeFiles,
  databaseFiles,
  gatewayFiles,
  ordererFiles,
  peerFiles,
  providerFiles,
  type Files,
} from '../../network/docker/container-files.ts'
import { credentialsOf } from '../../network/profile.ts'
import type { Paths } from '../paths.ts'
import type { Prepared } from '../prepare.ts'

/** User and group of the containers that need no rights, when this process has them all. */
const unprivileged = 1000

/** As whom containers run that are not Fabric's own: as this user, or as nobody in particular when that is root. */
export function containerUser(): { readonly uid: number; readonly gid: number } {
  const uid = process.getuid?.() ?? unprivileged
  const gid = process.getgid?.() ?? unprivileged
  return uid === 0 ? { uid: unprivileged, gid: unprivileged } : { uid, gid }
}

const containersIn = ({ root }: Paths): string => join(root, 'containers')

/** Where a container of the network has its files. */
export const containerFolder = (paths: Paths, service: string): string => join(containersIn(paths), service)

/**
 * Gives every container a folder with the files that it needs and no others. A file that has its content already is left
 * alone.
 */
export async function writeContainerFolders(prepared: Prepared): Promise<void> {
  const { topology, paths } = prepared
  for (const { name } of topology.constitution.organisations) {
    const folders = await foldersOf(name, prepared)
    for (const [service, files] of Object.entries(folders)) {
      const folder = containerFolder(paths, `${service}-${name}`)
      for (const [file, content] of Object.entries(files)) await writeChanged(join(folder, file), content)
    }
  }
  await giveAway(containersIn(paths))
}

/** Gives the development providers what has changed since: somebody has joined the people, or keys have been rotated. */
export async function refreshProviders(paths: Paths): Promise<void> {
  const people = await readFile(paths.people, 'utf8')
  const services = (await readdir(containersIn(paths))).filter((name) => name.startsWith(provider))
  for (const service of services) {
    const keys = await readFile(paths.issuer(service.slice(provider.length)), 'utf8')
    await writeChanged(join(containerFolder(paths, service), 'people.json'), people)
    await writeChanged(join(containerFolder(paths, service), 'keys.json'), keys)
  }
  await giveAway(containersIn(paths))
}

const provider = 'provider-'

async function foldersOf(
  organisation: string,
  { topology, paths, credentials }: Prepared,
): Promise<Readonly<Record<string, Files>>> {
  const own = credentialsOf(credentials, organisation)
  const constitution = toText(topology.constitution)
  const { profile, partners, masterKey, databasePassword } = paths.gateway(organisation)
  const read = (file: string): Promise<string> => readFile(file, 'utf8')
  const password = await writeOnce(databasePassword, () => randomBytes(24).toString('hex'))
  return {
    peer: peerFiles(organisation, own),
    ...(topology.orderers.includes(organisation) && { orderer: ordererFiles(own) }),
    chaincode: chaincodeFiles(own, constitution),
    gateway: gatewayFiles(organisation, {
      credentials: own,
      constitution,
      profile: await read(profile),
      partners: await read(partners),
      masterKey: await read(masterKey),
      databasePassword: password,
    }),
    database: databaseFiles(own, password),
    provider: providerFiles({
      constitution,
      people: await read(paths.people),
      keys: await read(paths.issuer(organisation)),
      secret: await read(paths.developmentSecret),
    }),
  }
}

async function writeChanged(file: string, content: string): Promise<void> {
  if ((await readIfPresent(file)) === content) return
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replaceFile(file, content)
}

/** Lets the containers' user read what only this one could; nothing to do when they are the same. */
async function giveAway(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = containerUser()
  const found = await lstat(path)
  if (found.uid !== uid || found.gid !== gid) await lchown(path, uid, gid)
  if (!found.isDirectory()) return
  await chmod(path, 0o700)
  for (const name of await readdir(path)) await giveAway(join(path, name))
}
