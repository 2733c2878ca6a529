/**
 * The first port of the tests' networks; each file has a fixed offset from it. Another base keeps two runs on one
 * machine out of each other's way.
 */
const base = Number(process.env.MEDLEDGER_TEST_PORTS ?? 18_000)

/** The port at an offset (0 to 999) in the tests' block of ports. */
export const testPort = (offset: number): number => base + offset
