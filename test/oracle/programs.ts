import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker } from '../../scripts/network/docker/compose.ts'
import { readServices } from '../../scripts/start/docker/file.ts'

/* Where Fabric's own programs come from: a folder with its binaries, or the image of its peer. */

/** Where and with what a program runs. */
export interface Setting {
  /** Its working directory, which holds all files that it is told of. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/** A program as Node starts it. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Ends what ending the started process leaves. */
  readonly end: () => void
}

/** Fabric's programs of one origin. */
export interface Programs {
  readonly version: string
  /** How to run one; undefined where the origin does not have it. */
  command(program: string, args: readonly string[], setting: Setting): Command | undefined
}

const hint =
  'name the folder with Fabric 2.5’s `peer` in FABRIC_BIN (the release archive’s bin), or leave FABRIC_BIN unset and have the image of the peer on this machine'

/** The version that `peer version` tells. Errors: Error saying how to name a peer. */
function versionOf(peer: Command): string {
  const { stdout } = spawnSync(peer.file, peer.args, { env: peer.env, encoding: 'utf8' })
  const version = /Version: (\S+)/.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`${peer.file} does not say its version: ${hint}`)
  return version
}

/** Every program whose binary is in the folder. */
function inFolder(folder: string): Programs {
  const run = (program: string, args: readonly string[], { environment }: Setting): Command => ({
    file: join(folder, program),
    args,
    env: { PATH: process.env.PATH, ...environment },
    end: () => undefined,
  })
  const has = (program: string): boolean => existsSync(join(folder, program))
  if (!has('peer')) throw new Error(`${join(folder, 'peer')} does not exist: ${hint}`)
  return {
    version: versionOf(run('peer', ['version'], { directory: folder, environment: {} })),
    command: (program, args, setting) => (has(program) ? run(program, args, setting) : undefined),
  }
}

/** Fabric's image of the peer has `peer` and no other program. */
function inImage(image: string): Programs {
  let started = 0
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const run = (args: readonly string[], { directory, environment }: Setting): Command => {
    started += 1
    const name = `medledger-oracle-${process.pid}-${started}`
    // It talks to ports of this machine's loopback interface, and finds its files under the names that they have here.
    const place = ['--network', 'host', '--user', user, '--volume', `${directory}:${directory}`]
    const variables = Object.entries(environment).flatMap((pair) => ['--env', pair.join('=')])
    const container = ['run', '--rm', '--name', name, ...place, '--workdir', directory, ...variables]
    return {
      file: 'docker',
      args: [...container, '--entrypoint', 'peer', image, ...args],
      env: process.env,
      end: () => void spawnSync('docker', ['rm', '--force', name], { stdio: 'ignore' }),
    }
  }
  return {
    version: versionOf(run(['version'], { directory: tmpdir(), environment: {} })),
    command: (program, args, setting) => (program === 'peer' ? run(args, setting) : undefined),
  }
}

/** Finds Fabric's programs. Errors: Error saying how to name them. */
export async function findPrograms(folder = process.env.FABRIC_BIN): Promise<Programs> {
  if (folder !== undefined) return inFolder(folder)
  const image = (await readServices()).get('peer-north')?.image ?? ''
  await docker(['image', 'inspect', image]).catch((cause: unknown) => {
    throw new Error(`there is no ${image} (${(cause as Error).message}): ${hint}`, { cause })
  })
  return inImage(image)
}
