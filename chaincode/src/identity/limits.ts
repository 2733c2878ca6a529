/** What a token may be at the most; a part's length is counted in letters of base64url. */
export const tokenLimits = {
  characters: 4096,
  headerCharacters: 256,
  payloadCharacters: 3500,
  /** A signature by an RSA key of 4096 bits. */
  signatureCharacters: 683,
  /** How deep lists and objects may lie in each other, and how many marks, names and values there may be in all. */
  depth: 6,
  jsonTokens: 1024,
  /** UTF-16 units of a claim that is read. */
  claimCharacters: 200,
  roles: 50,
  purposes: 20,
  lifetimeSeconds: 600,
  /** How much the clocks of provider and verifier may differ. */
  skewSeconds: 10,
} as const
