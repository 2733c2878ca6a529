import fabric from 'fabric-contract-api'
import type { Context } from 'fabric-contract-api'
import type { TransactionName } from './api/index.ts'
import { readConfiguration } from './configuration.ts'
import { transact, type Configuration, type Stub } from './transact.ts'

let configuration: Configuration | undefined

const run = (context: Context, name: TransactionName, commitment: string): Promise<string> => {
  // Read at the first call: the shim also loads the contract to describe it, without an environment.
  configuration ??= readConfiguration(process.env)
  const stub = context.stub as unknown as Stub
  return transact(name, commitment, { stub, client: context.clientIdentity }, configuration)
}

/** The chaincode: a method for every transaction of the table, all of one shape. */
export class MedledgerContract extends fabric.Contract {
  constructor() {
    super('medledger')
  }

  OpenPlacement(context: Context, commitment: string): Promise<string> {
    return run(context, 'OpenPlacement', commitment)
  }

  AddIssuerKey(context: Context, commitment: string): Promise<string> {
    return run(context, 'AddIssuerKey', commitment)
  }

  RevokeIssuerKey(context: Context, commitment: string): Promise<string> {
    return run(context, 'RevokeIssuerKey', commitment)
  }

  RegisterPatient(context: Context, commitment: string): Promise<string> {
    return run(context, 'RegisterPatient', commitment)
  }

  RegisterPerson(context: Context, commitment: string): Promise<string> {
    return run(context, 'RegisterPerson', commitment)
  }

  DeactivatePerson(context: Context, commitment: string): Promise<string> {
    return run(context, 'DeactivatePerson', commitment)
  }

  GrantConsent(context: Context, commitment: string): Promise<string> {
    return run(context, 'GrantConsent', commitment)
  }

  RevokeConsent(context: Context, commitment: string): Promise<string> {
    return run(context, 'RevokeConsent', commitment)
  }

  RegisterDocuments(context: Context, commitment: string): Promise<string> {
    return run(context, 'RegisterDocuments', commitment)
  }

  RequestAccess(context: Context, commitment: string): Promise<string> {
    return run(context, 'RequestAccess', commitment)
  }

  RecordReading(context: Context, commitment: string): Promise<string> {
    return run(context, 'RecordReading', commitment)
  }

  RecordRelease(context: Context, commitment: string): Promise<string> {
    return run(context, 'RecordRelease', commitment)
  }

  CancelRequest(context: Context, commitment: string): Promise<string> {
    return run(context, 'CancelRequest', commitment)
  }

  ReadCaller(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReadCaller', commitment)
  }

  ReadPatient(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReadPatient', commitment)
  }

  ReadIssuerKey(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReadIssuerKey', commitment)
  }

  ReadRequest(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReadRequest', commitment)
  }

  ReviewAccess(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReviewAccess', commitment)
  }

  ListDocuments(context: Context, commitment: string): Promise<string> {
    return run(context, 'ListDocuments', commitment)
  }

  ListConsents(context: Context, commitment: string): Promise<string> {
    return run(context, 'ListConsents', commitment)
  }

  ReadGrant(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReadGrant', commitment)
  }

  ListEntries(context: Context, commitment: string): Promise<string> {
    return run(context, 'ListEntries', commitment)
  }

  ReplayEntries(context: Context, commitment: string): Promise<string> {
    return run(context, 'ReplayEntries', commitment)
  }

  ExplainEntry(context: Context, commitment: string): Promise<string> {
    return run(context, 'ExplainEntry', commitment)
  }

  SimulateDecision(context: Context, commitment: string): Promise<string> {
    return run(context, 'SimulateDecision', commitment)
  }
}
