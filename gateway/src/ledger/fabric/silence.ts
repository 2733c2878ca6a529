/**
 * The SDK reads this when it is first loaded, and by default prints stacks, proposals and transient data for whatever
 * fails. Everything that matters reaches our own log as ids and codes. Import this before the SDK.
 */
process.env['HFC_LOGGING'] = '{}'
