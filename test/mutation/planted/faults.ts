/** A fault to plant in the validator: a text that stands once in a source, and what is put in its place. */
export interface Fault {
  readonly name: string
  /** Below `scripts/network`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const inFile =
  (file: string) =>
  (name: string, from: string, to: string): Fault => ({ name, file, from, to })

const validate = inFile('embedded/ledger/validate.ts')
const endorsements = inFile('embedded/ledger/endorsements.ts')
const transaction = inFile('embedded/ledger/transaction.ts')
const range = inFile('embedded/ledger/range-query.ts')
const set = inFile('embedded/ledger/read-write-set.ts')
const signers = inFile('embedded/msp/signers.ts')
const signatures = inFile('embedded/ledger/verify-signatures.ts')
const state = inFile('embedded/ledger/state.ts')
const keys = inFile('embedded/ledger/keys.ts')
const membership = inFile('embedded/msp/membership.ts')
const update = inFile('embedded/configuration/update.ts')
const configuration = inFile('embedded/configuration/transaction.ts')
const channelPolicies = inFile('embedded/configuration/policies.ts')
const ledger = inFile('embedded/ledger/ledger.ts')
const definitions = inFile('embedded/channel/definitions.ts')
const policy = inFile('fabric/policy.ts')

/** Checks that are skipped, comparisons that are wrong, things done in a wrong order. */
export const faults: readonly Fault[] = [
  validate('creator’s signature is not asked for', 'return isCreatorValid && header', 'return header'),
  validate('channel is not compared', ' && header?.channel === context.channel', ''),
  validate(
    'transaction id is not looked for on the ledger',
    'if (context.hasTransaction(header.transactionId)) return code.DUPLICATE_TXID',
    '',
  ),
  validate(
    'transaction id is not looked for in the block',
    'if (seen.has(header.transactionId)) return code.DUPLICATE_TXID',
    '',
  ),
  validate(
    'duplicate is found before the creator’s signature is checked',
    `  if (!isFromChannel(transaction, context)) return code.BAD_CREATOR_SIGNATURE
  if (beforeDuplicate.has(fault)) return fault
`,
    `  if (context.hasTransaction(header.transactionId)) return code.DUPLICATE_TXID
  if (!isFromChannel(transaction, context)) return code.BAD_CREATOR_SIGNATURE
  if (beforeDuplicate.has(fault)) return fault
`,
  ),
  validate(
    'form is judged before the creator’s signature',
    'if (header === undefined || beforeSignature.has(fault)) return fault',
    'if (header === undefined || fault !== code.VALID) return fault',
  ),
  validate(
    'duplicate is found before a false transaction id',
    'if (beforeDuplicate.has(fault)) return fault',
    '',
  ),
  validate(
    'id of an invalid transaction counts as used in the block',
    'if (judged !== code.VALID || header === undefined || action === undefined) return judged',
    'if (header !== undefined && judged !== code.VALID) seen.add(header.transactionId)\n    if (judged !== code.VALID || header === undefined || action === undefined) return judged',
  ),
  endorsements(
    'chaincode’s policy is not asked',
    'if (needsChaincodePolicy && !holds(resolve(definition.policy, context), endorsers)) return false',
    '',
  ),
  endorsements(
    'chaincode’s policy is asked for private writes as well',
    'const needsChaincodePolicy = writes.length > 0 || written.length === 0',
    'const needsChaincodePolicy = true',
  ),
  endorsements(
    'chaincode’s policy is not asked when nothing is written',
    'writes.length > 0 || written.length === 0',
    'writes.length > 0',
  ),
  endorsements(
    'a collection’s policy is not asked',
    'return policy !== undefined && holds(policy, endorsers)',
    'return policy !== undefined',
  ),
  endorsements(
    'one collection’s policy is enough',
    'return written.every((',
    'return written.length === 0 || written.some((',
  ),
  endorsements(
    'namespaces that are written are not judged',
    '[...new Set([action.chaincode, ...written])]',
    '[action.chaincode]',
  ),
  endorsements(
    'collections that are only read need endorsements',
    'collections.filter((collection) => collection.writes.length > 0)',
    'collections.filter(() => true)',
  ),
  validate(
    'stale public reads are not seen',
    'if (reads.some((read) => isStale(space, read))) return code.MVCC_READ_CONFLICT',
    '',
  ),
  validate('stale private reads are not seen', 'if (isPrivatelyStale) return code.MVCC_READ_CONFLICT', ''),
  validate(
    'writes of the same block are not seen by reads',
    'written.get(space)?.has(key) === true || !same',
    '!same',
  ),
  validate(
    'phantoms are not seen',
    '!ranges.every((range) => isUnchanged',
    '!ranges.some((range) => !isUnchanged',
  ),
  validate(
    'writes of the same block are not seen by ranges',
    'isUnchanged(range, space, state, written.get(space))',
    'isUnchanged(range, space, state)',
  ),
  validate(
    'phantoms come before stale reads',
    `    if (reads.some((read) => isStale(space, read))) return code.MVCC_READ_CONFLICT
    if (!ranges.every((range) => isUnchanged(range, space, state, written.get(space))))
      return code.PHANTOM_READ_CONFLICT
`,
    `    if (!ranges.every((range) => isUnchanged(range, space, state, written.get(space))))
      return code.PHANTOM_READ_CONFLICT
    if (reads.some((read) => isStale(space, read))) return code.MVCC_READ_CONFLICT
`,
  ),
  validate('invalid transactions write', 'codes[transaction] === code.VALID && action', 'action'),
  validate(
    'versions begin with one',
    'for (const write of writesAt({ block: context.block, transaction: index }, action)) note(write)',
    'for (const write of writesAt({ block: context.block, transaction: index + 1 }, action)) note(write)',
  ),
  validate(
    'writes of a conflicting transaction count in its block',
    'if (readings !== code.VALID) return readings',
    'if (readings === code.MVCC_READ_CONFLICT) return readings',
  ),
  state('versions are compared by block only', ' && a?.transaction === b?.transaction', ''),
  state(
    'an absent key is as good as any version',
    'a?.block === b?.block && a?.transaction === b?.transaction',
    'a === undefined || (a.block === b?.block && a.transaction === b?.transaction)',
  ),
  range('the end of a range belongs to it', "(end !== '' && key >= end)", "(end !== '' && key > end)"),
  range(
    'the key at which a reading stopped is left out',
    'return isExhausted || last === undefined ? sorted',
    'return isExhausted || last === undefined || last !== undefined ? sorted',
  ),
  range('versions in a range are not compared', ' && sameVersion(version, other[index].version)', ''),
  range(
    'deletions in the same block do not end rows',
    'if (entry === undefined) rows.delete(key)',
    'if (entry === undefined) continue',
  ),
  range(
    'summaries are compared by their size',
    '.every((hash, index) => other.hashes[index]?.equals(hash) === true)',
    '.every(() => true)',
  ),
  set('deletion with a value is a write', 'isDelete || value.length === 0 ?', 'value.length === 0 ?'),
  set('an empty value is a value', 'isDelete || value.length === 0 ?', 'isDelete ?'),
  set('the hash of nothing is a value', 'hashOfNothing.equals(hash) ? undefined : valueOf', 'valueOf'),
  keys(
    'keys are not ordered by their UTF-8 bytes',
    "isAscii(key) ? key : Buffer.from(key, 'utf8').toString('latin1')",
    'key',
  ),
  transaction(
    'the proposal’s hash is not compared',
    'if (!proposalHash.equals(response.getProposalHash_asU8()))',
    'if (proposalHash.length === 0)',
  ),
  transaction(
    'any transaction id will do',
    'if (header.transactionId !== transactionId(header.nonce, header.creator))',
    "if (header.transactionId === ' ')",
  ),
  transaction(
    'a namespace may stand twice',
    'if (names.size !== namespaces.length) throw new Fault(code.ILLEGAL_WRITESET)',
    '',
  ),
  transaction(
    'the chaincode named and the one endorsed may differ',
    "name === '' || name !== endorsed.getName() ||",
    "name === '' ||",
  ),
  transaction('a chaincode needs no version', " || version === ''", ''),
  transaction(
    'the event may be another chaincode’s',
    'if (event.getChaincodeId() !== chaincode) throw new Fault(code.INVALID_OTHER_REASON)',
    '',
  ),
  transaction(
    'several actions are one',
    'if (item === undefined || others.length > 0)',
    'if (item === undefined || others.length > 9)',
  ),
  transaction('epochs are not looked at', 'channelHeader.getEpoch() === 0 &&', ''),
  transaction(
    'an unknown type is known',
    '!headers.isSound || !knownTypes.has(header.type)',
    '!headers.isSound',
  ),
  signers(
    'signers are told apart by their bytes',
    'const key = `${member.mspId} ${member.certificate.fingerprint256}`',
    "const key = Buffer.from(identity).toString('latin1')",
  ),
  signers(
    'one who signs twice counts twice',
    'const key = `${member.mspId} ${member.certificate.fingerprint256}`',
    'const key = String(signers.size)',
  ),
  signers(
    'signatures of endorsers and administrators are not checked',
    ' && membership.verify(member, content, signature)',
    '',
  ),
  signatures(
    'the creator’s signature is not checked',
    'return membership.verify(membership.identify(header.creator), header.payload, header.signature)',
    'return membership.identify(header.creator) !== undefined',
  ),
  membership(
    'revoked certificates are good',
    'if (revoked.has(serialNumberOf(certificate)))',
    'if (revoked.has(certificate.subject))',
  ),
  membership('certificates of another authority are good', '|| !certificate.verify(root.publicKey)', ''),
  membership(
    'high-S signatures are good',
    'if (strict === undefined) return false',
    "if (strict === undefined) return verify('sha256', content, member.certificate.publicKey, signature)",
  ),
  update(
    'a configuration is updated without anybody’s agreement',
    'if (!holds(policy, signers)) throw',
    'if (signers.length > Number.MAX_SAFE_INTEGER) throw',
  ),
  update(
    'an update may write any later version',
    'if (element.version !== existing.version + 1)',
    'if (element.version <= existing.version)',
  ),
  update('an update may have read another version', 'if (existing.version !== version)', 'if (version < 0)'),
  configuration(
    'a configuration is taken that its update does not lead to',
    'if (!areSame(result, layOut(config.getChannelGroup())))',
    'if (result.size === 0)',
  ),
  configuration(
    'a configuration may come twice',
    'if (config.getSequence() !== current.sequence + 1)',
    'if (config.getSequence() > current.sequence + 1)',
  ),
  channelPolicies(
    'half of the organisations are a majority',
    'Math.floor(count / 2) + 1',
    'Math.ceil(count / 2)',
  ),
  channelPolicies(
    'one organisation is all',
    'if (rule === Rule.ALL) return count',
    'if (rule === Rule.ALL) return 1',
  ),
  endorsements(
    'a policy that the channel does not have holds for everybody',
    '?? { threshold: 1, of: [] }',
    '?? { threshold: 0, of: [] }',
  ),
  endorsements(
    'an implicit collection asks any member',
    "policyAt([...group, 'Endorsement'], elements) ?? anyOf",
    'anyOf',
  ),
  endorsements(
    'an organisation that is not on the channel has an implicit collection',
    'return group && (policyAt([...group,',
    'return (policyAt([...(group ?? []),',
  ),
  ledger(
    'a later definition does not take effect',
    'if (hasRedefined) definitions = readDefinitions(state)',
    'if (hasRedefined && block < 2) definitions = readDefinitions(state)',
  ),
  definitions('a collection’s own policy does not count', 'policy: own ?? policy', 'policy: policy ?? own'),
  definitions(
    'a definition without a policy is one',
    "if (info.getValidationPlugin() === '' || parameter.length === 0) return undefined",
    '',
  ),
  policy(
    'a principal may count for several rules',
    'return index < 0 ? undefined : principals.toSpliced(index, 1)',
    'return index < 0 ? undefined : principals',
  ),
  policy(
    'one rule fewer is enough',
    'return satisfied >= rule.count ? left',
    'return satisfied >= rule.count - 1 ? left',
  ),
  policy(
    'anyone of an MSP is a peer',
    "(required.role === 'member' || required.role === principal.role)",
    'required.role.length > 0',
  ),
]
