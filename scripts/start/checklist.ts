/** One line of the checklist that a start shows. */
export interface ChecklistStep {
  readonly title: string
  readonly run: () => Promise<void>
}

export interface ChecklistOutput {
  readonly isTerminal: boolean
  readonly write: (text: string) => void
  readonly now: () => number
}

/** Runs the steps one after the other and shows how long each took. Errors: the first step's that fails. */
export async function runChecklist(steps: readonly ChecklistStep[], output: ChecklistOutput): Promise<void> {
  if (output.isTerminal) await runOnTerminal(steps)
  else await runInLines(steps, output)
}

async function runInLines(steps: readonly ChecklistStep[], { write, now }: ChecklistOutput): Promise<void> {
  for (const { title, run } of steps) {
    const begin = now()
    await run()
    write(`✔ ${title} [${((now() - begin) / 1000).toFixed(1)} s]\n`)
  }
}

async function runOnTerminal(steps: readonly ChecklistStep[]): Promise<void> {
  const { Listr, PRESET_TIMER } = await import('listr2')
  await new Listr(
    steps.map(({ title, run }) => ({ title, task: run })),
    {
      // The supervisor has its own way with signals, and its caller shows the error.
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false, collapseErrors: false },
    },
  ).run()
}
