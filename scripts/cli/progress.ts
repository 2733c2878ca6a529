import type { Output } from './output.ts'

export interface Progress {
  update(done: number): void
  stop(): void
}

/** Shows how far long work has come: a bar on a terminal, else a line after every step. On standard error. */
export async function showProgress(total: number, { err, isTerminal }: Output): Promise<Progress> {
  if (!isTerminal) {
    return { update: (done) => err(`${done} of ${total} documents\n`), stop: () => undefined }
  }
  const { default: progress } = await import('cli-progress')
  const bar = new progress.SingleBar(
    { format: '{bar} {value} of {total} documents', stream: process.stderr, clearOnComplete: true },
    progress.Presets.shades_classic,
  )
  bar.start(total, 0)
  return { update: (done) => bar.update(done), stop: () => bar.stop() }
}
