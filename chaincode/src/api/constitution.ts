import { Type, type Static } from 'typebox'
import { defaultPolicies } from '../core/facts.ts'
import { roles } from '../core/vocabulary.ts'

/** What a person may be: asserted by an issuer, recorded in the registry, never taken from a token alone. */
export const Role = Type.Unsafe<(typeof roles)[number]>(Type.Enum([...roles]))
export type Role = Static<typeof Role>

/** What applies when no directive does: one of the policies of IHE PCF. */
export const DefaultPolicy = Type.Unsafe<(typeof defaultPolicies)[number]>(Type.Enum([...defaultPolicies]))
export type DefaultPolicy = Static<typeof DefaultPolicy>

const Name = Type.String({ pattern: '^[a-z][a-z0-9]{1,15}$' })

export const Organisation = Type.Object(
  {
    /** Short name, the prefix of its documents' ids, e.g. `north`. */
    name: Name,
    /** What people call it, e.g. `North Hospital`. */
    title: Type.String({ minLength: 1, maxLength: 100 }),
    mspId: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{1,30}$' }),
    /** The `aud` of tokens meant for this organisation's gateway; its client certificate must submit them. */
    audience: Type.String({ minLength: 1, maxLength: 200 }),
  },
  { additionalProperties: false },
)
export type Organisation = Static<typeof Organisation>

/** Names of members from the payload's root to a claim, e.g. `["realm_access", "roles"]`. */
const ClaimPath = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 4 })

/**
 * The form of an issuer's tokens where it is not that of RFC 9068. Keycloak's: `type` JWT, `clientClaim` azp, `rolesClaim`
 * realm_access, roles.
 */
export const TokenProfile = Type.Object(
  {
    /** The one value of the header's `typ`; at+jwt unless said otherwise. */
    type: Type.Optional(Type.Union([Type.Literal('at+jwt'), Type.Literal('JWT')])),
    /** Which claim names the client that the token was issued to; client_id unless said otherwise. */
    clientClaim: Type.Optional(Type.Union([Type.Literal('client_id'), Type.Literal('azp')])),
    /** Where the list of roles is; `roles` unless said otherwise. */
    rolesClaim: Type.Optional(ClaimPath),
    /** A claim that every token must have with this very value, where one provider serves several organisations. */
    organisationClaim: Type.Optional(
      Type.Object(
        { path: ClaimPath, value: Type.String({ minLength: 1, maxLength: 200 }) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type TokenProfile = Static<typeof TokenProfile>

export const Issuer = Type.Object(
  {
    /** The `iss` of its tokens. */
    issuer: Type.String({ minLength: 1, maxLength: 200 }),
    /** Name of the organisation that runs it and adds its keys. */
    organisation: Name,
    /** The roles that it may assert, and no others. */
    roles: Type.Array(Role, { minItems: 1 }),
    token: Type.Optional(TokenProfile),
  },
  { additionalProperties: false },
)
export type Issuer = Static<typeof Issuer>

export const Placement = Type.Object(
  {
    custodian: Name,
    /** Names of the organisations whose peers hold the placement's collections; the custodian is one. */
    members: Type.Array(Name, { minItems: 2, uniqueItems: true }),
  },
  { additionalProperties: false },
)
export type Placement = Static<typeof Placement>

/**
 * The constitution: one value, the same in every organisation's chaincode configuration. No transaction widens it;
 * where two organisations' values differ, their endorsements do not match, because every entry names its digest.
 */
export const Constitution = Type.Object(
  {
    channel: Type.String({ pattern: '^[a-z][a-z0-9.-]{0,248}$' }),
    organisations: Type.Array(Organisation, { minItems: 2 }),
    issuers: Type.Array(Issuer, { minItems: 1 }),
    placements: Type.Array(Placement, { minItems: 1 }),
    /** What applies to a patient who has not chosen otherwise. */
    defaultPolicy: DefaultPolicy,
    /** Where a directive's days begin and end: a name of the IANA time zone database; UTC unless said otherwise. */
    timeZone: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$' })),
  },
  { additionalProperties: false },
)
export type Constitution = Static<typeof Constitution>
