/** Calls `attempt` until it answers with something other than undefined; fails at the deadline with what was awaited. */
export async function poll<Value>(
  awaited: string,
  attempt: () => Promise<Value | undefined> | Value | undefined,
  { deadlineMs = 20_000, everyMs = 50 }: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<Value> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const value = await attempt()
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${awaited}`)
    await new Promise((resolve) => {
      setTimeout(resolve, everyMs)
    })
  }
}
